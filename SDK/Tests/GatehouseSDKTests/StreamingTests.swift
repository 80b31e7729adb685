import CGatehouse
import GatehouseSDK
import Testing

/// Says a letter for each frame it hears: those of a positive first channel in capitals.
final class Letters: StreamingPlugin {
    static let descriptor = PluginDescriptor(
        id: "letters", name: "Letters", vendor: "Tests", version: "1.0.0", license: "Apache-2.0",
        modality: "test", mediaTypes: ["a/b"], outputKinds: .text)
    static let mostStreams = 2

    init(_ context: CreateContext) throws(PluginError) {}
    func encode(_ input: Input, into sink: Sink, job: Job) throws(PluginError) {}

    func open(_ format: StreamFormat, job: Job) throws(PluginError) -> any LiveStream {
        guard format.configuration == "{}" else { throw .badConfiguration("no \(format.configuration)") }
        return LetterStream(channels: format.channels)
    }
}

final class LetterStream: LiveStream {
    nonisolated(unsafe) static var live = 0
    private let channels: Int
    private var text = ""

    init(channels: Int) {
        self.channels = channels
        Self.live += 1
    }

    deinit { Self.live -= 1 }

    func push(_ samples: UnsafeBufferPointer<Float>, into sink: StreamSink, job: Job) throws(PluginError) {
        if samples.isEmpty { throw .badInput("nothing came") }
        let known = text.utf8.count
        for frame in stride(from: 0, to: samples.count, by: channels) {
            text += samples[frame] > 0 ? "A" : "a"
        }
        let span = TextSpan(bytes: known..<text.utf8.count, seconds: 0...1, confidence: 0.5)
        try sink.partial(
            StreamPartial(
                String(text.dropFirst(known)), offset: known, stable: known, spans: [span], seconds: 0...1))
    }

    func finish(into sink: StreamSink, job: Job) throws(PluginError) {
        try sink.final(StreamPartial(text, stable: 0, seconds: 0...2))
    }
}

/// A host's side of one stream.
final class CListener {
    private(set) var partials: [String] = []
    var isRefused = false

    func withSink<Result>(_ body: (UnsafePointer<GatehouseStreamSink>) -> Result) -> Result {
        var sink = GatehouseStreamSink(
            struct_size: UInt32(MemoryLayout<GatehouseStreamSink>.size), reserved: 0,
            ctx: Unmanaged.passUnretained(self).toOpaque(),
            partial: { ctx, partial in
                guard let ctx, let partial, gatehouse_check_partial(partial) != 0 else {
                    return GatehouseStatus(GATEHOUSE_FAILED)
                }
                let listener = Unmanaged<CListener>.fromOpaque(ctx).takeUnretainedValue()
                let text = partial.pointee.text.pointee
                let words = String(
                    decoding: UnsafeRawBufferPointer(start: text.data, count: Int(text.size)), as: UTF8.self)
                let it = partial.pointee
                let spans = (0..<Int(text.span_count)).map { "\(text.spans[$0].begin)-\(text.spans[$0].end)" }
                listener.partials.append(
                    "\(it.revision) \(it.is_final) @\(it.offset) \(words) stable \(it.stable) "
                        + "\(it.start_seconds)...\(it.end_seconds) \(spans)")
                return GatehouseStatus(listener.isRefused ? GATEHOUSE_UNAVAILABLE : GATEHOUSE_OK)
            })
        return body(&sink)
    }
}

@Suite(.serialized) struct StreamingTests {
    /// Calls `body` with an open stream of two channels, and closes it.
    private func withStream(
        configuration: String = "{}", expected: Int = GATEHOUSE_OK,
        _ body: (UnsafePointer<GatehouseStream>, CHost, CListener) throws -> Void
    ) throws {
        let host = CHost()
        var made: UnsafePointer<GatehouseInstance>?
        try #require(host.create("letters", &made) == GatehouseStatus(GATEHOUSE_OK))
        let instance = try #require(made)
        defer { withExtendedLifetime(host) { instance.pointee.destroy(instance.pointee.ctx) } }
        let found = try #require(instance.pointee.extension(instance.pointee.ctx, GATEHOUSE_STREAM))
        let streaming = found.assumingMemoryBound(to: GatehouseStreaming.self)
        #expect(gatehouse_check_streaming(streaming) != 0 && streaming.pointee.most_streams == 2)
        var opened: UnsafePointer<GatehouseStream>?
        let status = configuration.withCString { text in
            var format = GatehouseStreamFormat(
                struct_size: UInt32(MemoryLayout<GatehouseStreamFormat>.size), sample_rate: 8, channels: 2,
                reserved: 0, configuration: text, configuration_size: UInt64(configuration.utf8.count))
            return host.withJob { streaming.pointee.open(streaming.pointee.ctx, $0, &format, &opened) }
        }
        #expect(status == GatehouseStatus(expected))
        #expect((opened != nil) == (expected == GATEHOUSE_OK))
        guard let stream = opened else {
            #expect(host.message == "no \(configuration)")
            return
        }
        #expect(gatehouse_check_stream(stream) != 0)
        #expect(LetterStream.live == 1)
        try body(stream, host, CListener())
        stream.pointee.close(stream.pointee.ctx)
        #expect(LetterStream.live == 0)
    }

    private func push(
        _ stream: UnsafePointer<GatehouseStream>, _ samples: [Float], _ host: CHost, _ listener: CListener
    ) -> Int {
        let status = samples.withUnsafeBufferPointer { samples in
            host.withJob { job in
                listener.withSink {
                    stream.pointee.push(
                        stream.pointee.ctx, job, samples.baseAddress, UInt64(samples.count / 2), $0)
                }
            }
        }
        return Int(status)
    }

    private func finish(
        _ stream: UnsafePointer<GatehouseStream>, _ host: CHost, _ listener: CListener
    ) -> Int {
        Int(
            host.withJob { job in
                listener.withSink { stream.pointee.finish(stream.pointee.ctx, job, $0) }
            })
    }

    @Test func partialsCrossWithTheirCountAndTheirSpans() throws {
        try withStream { stream, host, listener in
            #expect(push(stream, [1, -1, -1, 1], host, listener) == GATEHOUSE_OK)
            #expect(push(stream, [1, 0], host, listener) == GATEHOUSE_OK)
            #expect(finish(stream, host, listener) == GATEHOUSE_OK)
            #expect(
                listener.partials == [
                    "1 0 @0 Aa stable 0 0.0...1.0 [\"0-2\"]", "2 0 @2 A stable 2 0.0...1.0 [\"2-3\"]",
                    "3 1 @0 AaA stable 3 0.0...2.0 []",
                ])
        }
    }

    @Test func nothingCountsAfterTheEnd() throws {
        try withStream { stream, host, listener in
            #expect(finish(stream, host, listener) == GATEHOUSE_OK)
            #expect(push(stream, [1, 1], host, listener) == GATEHOUSE_FAILED)
            #expect(host.message == "the stream has ended")
            #expect(finish(stream, host, listener) == GATEHOUSE_FAILED)
            #expect(listener.partials.count == 1)
        }
    }

    @Test func aRefusalIsTheEndToo() throws {
        try withStream { stream, host, listener in
            #expect(push(stream, [], host, listener) == GATEHOUSE_BAD_INPUT)
            #expect(host.message == "nothing came")
            #expect(finish(stream, host, listener) == GATEHOUSE_FAILED)
        }
        try withStream { stream, host, listener in
            listener.isRefused = true
            #expect(push(stream, [1, 1], host, listener) == GATEHOUSE_UNAVAILABLE)
            #expect(push(stream, [1, 1], host, listener) == GATEHOUSE_FAILED)
        }
    }

    @Test func whatAStreamCannotDoIsRefusedWhenItOpens() throws {
        try withStream(configuration: "[]", expected: GATEHOUSE_BAD_CONFIGURATION) { _, _, _ in
            Issue.record("it was opened")
        }
    }
}
