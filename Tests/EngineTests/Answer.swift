import Decoder
import Engine
import Fusion

/// Everything that a generation sent.
struct Answer: Equatable {
    /// What was said of the reading of the prompt, in positions.
    var read: [Int] = []
    /// By choice.
    var tokens: [[WrittenToken]]
    /// By choice; nil where it never ended.
    var reasons: [FinishReason?]
    var usage: Usage?

    /// Token ids of the first choice.
    var ids: [Int32] { tokens[0].map(\.id) }
    var reason: FinishReason? { reasons[0] }

    /// Reads a stream to its end.
    init(_ stream: GenerationStream, choices: Int = 1) async throws {
        tokens = Array(repeating: [], count: choices)
        reasons = Array(repeating: nil, count: choices)
        for try await event in stream {
            switch event {
            case .read(let count): read.append(count)
            case .token(let token, let choice): tokens[choice].append(token)
            case .ended(let reason, let choice): reasons[choice] = reason
            case .finished(let usage): self.usage = usage
            }
        }
    }
}

extension Engine {
    /// Waits, for at most a minute, until nothing runs and no page is held.
    func isIdle() async throws -> Bool {
        for _ in 0..<6000 {
            let load = load
            if load.freePages == load.pages, load.running == 0, load.waiting == 0 { return true }
            try await Task.sleep(for: .milliseconds(10))
        }
        return false
    }
}
