import CSystemMalloc
import Decoder
import Engine
import Foundation
import Fusion
import TestSupport
import Testing

@Suite struct SoakTests {
    /// In a process of its own, whose memory nobody else uses.
    @Test func tenThousandRequestsLeakNoPageAndNoByte() async {
        // What is freed counts as free at once, instead of when a thread's own list of chunks is full.
        setenv("GLIBC_TUNABLES", "glibc.malloc.tcache_count=0", 1)
        await #expect(processExitsWith: .success) {
            var soak = try Soak()
            try await soak.run(requests: 4000)
            // Caches and buffers come to their full size at some time, libdispatch's later the busier the machine is.
            // What leaks grows for ever.
            var growth: [Int] = []
            repeat {
                let before = Soak.bytesInUse
                try await soak.run(requests: 2000)
                growth.append(Soak.bytesInUse - before)
            } while growth.count < 3 || (growth[growth.count - 1] >= 2000 && growth.count < 15)
            #expect(
                growth[growth.count - 1] < 2000,
                "\(growth) bytes more are in use: one or more for each request")
        }
    }
}

/// Requests of every kind, most of which are read to their end and some of which are left, in waves.
private struct Soak {
    private let engine: Engine
    private var generator = SplitMix64(state: 1)

    init() throws {
        var options = Engine.Options()
        // Small, so that pages run out and are given up.
        options.poolTokens = 1280
        options.promptLookup = 3
        engine = try Engine(DecoderModel.tinyLlama(context: 256), options: options)
    }

    /// Bytes that the C library has handed out and not got back.
    static var bytesInUse: Int {
        let information = mallinfo2()
        return information.uordblks + information.hblkhd
    }

    private mutating func random(_ range: ClosedRange<Int>) -> Int {
        Int.random(in: range, using: &generator)
    }

    private mutating func request() -> GenerationRequest {
        let beginning = Int32(random(0...9))
        let tokens = (0..<random(1...130)).map { row in
            row < 64 ? (beginning + Int32(row)) % 40 : Int32(random(0...39))
        }
        return GenerationRequest(
            prompt: Prompt([.tokens(tokens)]),
            sampling: Sampling(temperature: Float(random(0...1)), seed: UInt64(random(0...99))),
            maxNewTokens: random(1...8), endTokens: [7], choices: random(0...9) == 0 ? 3 : 1,
            alternatives: random(0...9) == 0 ? 2 : nil, client: "\(random(0...2))")
    }

    mutating func run(requests count: Int) async throws {
        for _ in 0..<count / 40 {
            var streams = try (0..<40).map { _ in try engine.submit(request()) }
            var answered = 0
            while let stream = streams.popLast() {
                // Left unread, left after an event or two, or read.
                let patience = random(0...3) == 0 ? random(0...2) : .max
                if patience == 0 { continue }
                var events = 0
                for try await event in stream {
                    events += 1
                    if case .finished = event { answered += 1 }
                    if events == patience { break }
                }
            }
            #expect(answered > 0)
            #expect(try await engine.isIdle())
        }
    }
}
