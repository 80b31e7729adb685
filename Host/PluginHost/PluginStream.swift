import CGatehouse

/// How a stream is fed.
public struct StreamRequest: Sendable, Equatable {
    /// Hz.
    public var sampleRate: UInt32
    public var channels: UInt32
    /// A JSON object.
    public var configuration: String

    public init(sampleRate: UInt32, channels: UInt32, configuration: String = "{}") {
        self.sampleRate = sampleRate
        self.channels = channels
        self.configuration = configuration
    }
}

/// One open stream of an instance, closed with this object. Called by the thread that calls the instance.
final class PluginStream {
    private let stream: UnsafePointer<GatehouseStream>
    private let channels: Int
    private let services: HostServices
    private let collector = PartialCollector()
    private var isOver = false

    init(
        _ streaming: UnsafePointer<GatehouseStreaming>, _ request: StreamRequest, _ services: HostServices,
        job: JobControl
    ) throws(PluginFailure) {
        let configuration = CStringBox(request.configuration)
        var opened: UnsafePointer<GatehouseStream>?
        var format = GatehouseStreamFormat(
            struct_size: UInt32(MemoryLayout<GatehouseStreamFormat>.size), sample_rate: request.sampleRate,
            channels: request.channels, reserved: 0, configuration: configuration.pointer,
            configuration_size: UInt64(request.configuration.utf8.count))
        let status = withExtendedLifetime(configuration) {
            job.withPointer { streaming.pointee.open(streaming.pointee.ctx, $0, &format, &opened) }
        }
        if let failure = PluginFailure(status: status, message: services.takeError()) { throw failure }
        guard let opened, gatehouse_check_stream(opened) != 0 else {
            throw PluginFailure(.violation, "it opened a stream that is incomplete")
        }
        stream = opened
        channels = Int(request.channels)
        self.services = services
    }

    deinit {
        stream.pointee.close(stream.pointee.ctx)
    }

    /// Hands over samples, channels interleaved; what the stream said of them, checked.
    func push(_ samples: [Float], job: JobControl) throws(PluginFailure) -> [StreamPartial] {
        try call { sink in
            samples.withUnsafeBufferPointer { samples in
                job.withPointer {
                    stream.pointee.push(
                        stream.pointee.ctx, $0, samples.baseAddress, UInt64(samples.count / channels), sink)
                }
            }
        }
    }

    func finish(job: JobControl) throws(PluginFailure) -> [StreamPartial] {
        let partials = try call { sink in
            job.withPointer { stream.pointee.finish(stream.pointee.ctx, $0, sink) }
        }
        guard partials.last?.isFinal == true else {
            throw PluginFailure(.violation, "it finished a stream without a final partial")
        }
        return partials
    }

    private func call(
        _ body: (UnsafePointer<GatehouseStreamSink>) -> GatehouseStatus
    ) throws(PluginFailure) -> [StreamPartial] {
        guard !isOver else { throw PluginFailure(.failed, "the stream has ended") }
        var sink = collector.sink
        let status = withExtendedLifetime(collector) { body(&sink) }
        let message = services.takeError()
        let partials = collector.take()
        isOver = status != GATEHOUSE_OK || collector.failure != nil || partials.last?.isFinal == true
        if let failure = collector.failure { throw failure }
        if let failure = PluginFailure(status: status, message: message) { throw failure }
        return partials
    }
}

/// The receiving end of a stream's partials: the functions behind `GatehouseStreamSink`. It copies what it is handed and
/// holds it to the rules of the ABI; once one is broken every partial is refused. Used by one thread at a time.
private final class PartialCollector {
    /// Partials of one call.
    private static let most = 1 << 12

    private var partials: [StreamPartial] = []
    private var text = StreamText()
    private(set) var failure: PluginFailure?

    /// The C face of this collector. Valid while `self` lives.
    var sink: GatehouseStreamSink {
        GatehouseStreamSink(
            struct_size: UInt32(MemoryLayout<GatehouseStreamSink>.size), reserved: 0,
            ctx: Unmanaged.passUnretained(self).toOpaque(),
            partial: { ctx, partial in
                guard let ctx else { return GatehouseStatus(GATEHOUSE_FAILED) }
                return Unmanaged<PartialCollector>.fromOpaque(ctx).takeUnretainedValue().add(partial)
            })
    }

    /// What came since this was called last.
    func take() -> [StreamPartial] {
        defer { partials = [] }
        return partials
    }

    private func add(_ partial: UnsafePointer<GatehousePartial>?) -> GatehouseStatus {
        guard failure == nil else { return GatehouseStatus(GATEHOUSE_FAILED) }
        do throws(PluginFailure) {
            guard let partial, gatehouse_check_partial(partial) != 0 else {
                throw PluginFailure(.violation, "its GatehousePartial is not as the ABI says")
            }
            guard partials.count < Self.most else {
                throw PluginFailure(.violation, "it sent more than \(Self.most) partials in one call")
            }
            let copy = try StreamPartial(partial)
            _ = try text.apply(copy)
            partials.append(copy)
            return GatehouseStatus(GATEHOUSE_OK)
        } catch {
            failure = error
            return GatehouseStatus(GATEHOUSE_FAILED)
        }
    }
}

extension StreamPartial {
    /// - Precondition: `gatehouse_check_partial` holds.
    fileprivate init(_ partial: UnsafePointer<GatehousePartial>) throws(PluginFailure) {
        let view = partial.pointee.text.pointee
        guard view.size <= UInt64(SegmentCollector.mostMessageBytes), view.span_count <= 1 << 20 else {
            throw PluginFailure(.violation, "a partial has \(view.size) bytes and \(view.span_count) spans")
        }
        let bytes = UnsafeRawBufferPointer(start: view.data, count: Int(view.size))
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw PluginFailure(.violation, "the text of a partial is not UTF-8")
        }
        let spans = UnsafeBufferPointer(start: view.spans, count: Int(view.span_count)).map { span in
            EncodedText.Span(
                begin: Int(clamping: span.begin), end: Int(clamping: span.end),
                startSeconds: span.start_seconds, endSeconds: span.end_seconds, confidence: span.confidence)
        }
        self.init(
            isFinal: partial.pointee.is_final != 0, revision: partial.pointee.revision,
            offset: Int(clamping: partial.pointee.offset), stable: Int(clamping: partial.pointee.stable),
            startSeconds: partial.pointee.start_seconds, endSeconds: partial.pointee.end_seconds,
            text: EncodedText(text: text, spans: spans))
    }
}
