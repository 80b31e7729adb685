/// A plugin that reads live sound as it comes. Conform to it beside ``ModalityPlugin``; nothing else is to be declared.
public protocol StreamingPlugin: ModalityPlugin {
    /// Streams that one instance holds open at once, at least 1. They share its weights.
    static var mostStreams: Int { get }

    /// Whether this instance takes streams, which its configuration may decide.
    var takesStreams: Bool { get }

    /// Opens a stream. Streams are called one at a time, as `encode` is.
    ///
    /// Throw ``PluginError/badInput(_:)`` for a format that is not taken, ``PluginError/badConfiguration(_:)`` for what
    /// its configuration asks.
    func open(_ format: StreamFormat, job: Job) throws(PluginError) -> any LiveStream
}

extension StreamingPlugin {
    public var takesStreams: Bool { true }
}

/// One open stream; letting it go closes it. Its text must not depend on how its samples are cut into blocks.
public protocol LiveStream: AnyObject {
    /// Takes the next samples: channels interleaved, in -1 … 1, valid during the call. Sends a partial where something
    /// has changed. After a throw the stream has ended and is not called again.
    func push(_ samples: UnsafeBufferPointer<Float>, into sink: StreamSink, job: Job) throws(PluginError)

    /// No more samples come. Sends the final partial, as its last.
    func finish(into sink: StreamSink, job: Job) throws(PluginError)
}

/// How a stream is fed.
public struct StreamFormat: Sendable {
    /// Hz.
    public let sampleRate: Int
    public let channels: Int
    /// A JSON object of the client's wishes for this stream; `{}` where it has none.
    public let configuration: String

    init(_ format: UnsafePointer<GatehouseStreamFormat>) {
        sampleRate = Int(format.pointee.sample_rate)
        channels = Int(format.pointee.channels)
        configuration = String(
            bytes: format.pointee.configuration, count: Int(format.pointee.configuration_size))
    }
}

/// What a stream has understood so far: its text is what earlier partials said up to byte `offset`, and then `text`.
public struct StreamPartial: Sendable {
    /// Bytes of the stream's text before `text`, all of them stable; 0 sends the whole text.
    public var offset: Int
    public var text: String
    /// Bytes of the stream's text that never change again.
    public var stable: Int
    /// Of `text`; their bytes count from the stream's first.
    public var spans: [TextSpan]
    /// The sound that `text` rests on, from the start of the stream, up to what was heard.
    public var seconds: ClosedRange<Double>

    public init(
        _ text: String, offset: Int = 0, stable: Int, spans: [TextSpan] = [], seconds: ClosedRange<Double>
    ) {
        self.offset = offset
        self.text = text
        self.stable = stable
        self.spans = spans
        self.seconds = seconds
    }
}

/// Receives what a stream understands. Valid during the call only. Each function throws what the host answered; let the
/// error pass.
public struct StreamSink {
    private let pointer: UnsafePointer<GatehouseStreamSink>
    private let counter: StreamCounter

    init(_ pointer: UnsafePointer<GatehouseStreamSink>, _ counter: StreamCounter) {
        self.pointer = pointer
        self.counter = counter
    }

    /// What may still change beyond its stable bytes.
    public func partial(_ partial: StreamPartial) throws(PluginError) {
        try send(partial, isFinal: false)
    }

    /// The last word of the stream, from `finish` only. All of it is stable, whatever `partial.stable` says.
    public func final(_ partial: StreamPartial) throws(PluginError) {
        var partial = partial
        partial.stable = partial.offset + partial.text.utf8.count
        try send(partial, isFinal: true)
    }

    private func send(_ partial: StreamPartial, isFinal: Bool) throws(PluginError) {
        counter.revision += 1
        let spans = partial.spans.map(\.layout)
        let status = partial.text.withBytes { data, size in
            spans.withUnsafeBufferPointer { spans in
                var text = GatehouseText(
                    struct_size: UInt32(MemoryLayout<GatehouseText>.size), span_count: UInt32(spans.count),
                    data: data, size: size, spans: spans.baseAddress)
                return withUnsafePointer(to: &text) { text in
                    var layout = GatehousePartial(
                        struct_size: UInt32(MemoryLayout<GatehousePartial>.size), is_final: isFinal ? 1 : 0,
                        revision: counter.revision, offset: UInt64(partial.offset),
                        stable: UInt64(partial.stable), start_seconds: partial.seconds.lowerBound,
                        end_seconds: partial.seconds.upperBound, text: text)
                    return pointer.pointee.partial(pointer.pointee.ctx, &layout)
                }
            }
        }
        if status != GATEHOUSE_OK { throw PluginError(status: status) }
    }
}

/// Counts the partials of one stream.
final class StreamCounter {
    var revision: UInt64 = 0
}

/// A live stream behind its C face. Owned by the host through the face's ctx.
final class StreamFace {
    private let stream: any LiveStream
    private let host: Host
    private let channels: Int
    private let counter = StreamCounter()
    private let block: UnsafeMutablePointer<GatehouseStream>
    /// Whether its terminal event has come.
    private var isOver = false

    var pointer: UnsafePointer<GatehouseStream> { UnsafePointer(block) }

    init(_ stream: any LiveStream, _ format: StreamFormat, host: Host) {
        self.stream = stream
        self.host = host
        channels = format.channels
        block = .allocate(capacity: 1)
        block.initialize(
            to: GatehouseStream(
                struct_size: UInt32(MemoryLayout<GatehouseStream>.size), reserved: 0, ctx: nil,
                push: { ctx, job, samples, frames, sink in
                    StreamFace.from(ctx).call(job, sink) { face, job, sink throws(PluginError) in
                        try face.stream.push(
                            UnsafeBufferPointer(start: samples, count: Int(frames) * face.channels),
                            into: sink,
                            job: job)
                    }
                },
                finish: { ctx, job, sink in
                    StreamFace.from(ctx).call(job, sink) { face, job, sink throws(PluginError) in
                        try face.stream.finish(into: sink, job: job)
                        face.isOver = true
                    }
                },
                close: { ctx in
                    if let ctx { Unmanaged<StreamFace>.fromOpaque(ctx).release() }
                }))
        block.pointee.ctx = Unmanaged.passRetained(self).toOpaque()
    }

    deinit {
        block.deallocate()
    }

    private static func from(_ ctx: UnsafeMutableRawPointer?) -> StreamFace {
        guard let ctx else { preconditionFailure("the host passes the stream's own ctx") }
        return Unmanaged<StreamFace>.fromOpaque(ctx).takeUnretainedValue()
    }

    private func call(
        _ job: UnsafePointer<GatehouseJob>?, _ sink: UnsafePointer<GatehouseStreamSink>?,
        _ body: (StreamFace, Job, StreamSink) throws(PluginError) -> Void
    ) -> GatehouseStatus {
        let status = status(host) { () throws(PluginError) in
            if isOver { throw .failed("the stream has ended") }
            guard let job, let sink else { throw .failed("the host passed no job or no sink") }
            try body(self, Job(job), StreamSink(sink, counter))
        }
        if status != GATEHOUSE_OK { isOver = true }
        return status
    }
}
