import CGatehouse

extension OpenedPlugin {
    /// What a stream said.
    public struct Hearing {
        /// Of the call that ended the stream, or could not open it.
        public var status: GatehouseStatus = 0
        /// The text as its partials left it.
        public var text = ""
        /// Of the final text; their bytes count from the stream's first.
        public var spans: [Span] = []
        /// Bytes that were stable after each partial.
        public var stable: [Int] = []
        /// Whether the last partial was final, and no other.
        public var isFinal = false
        /// What a partial broke: text that was stable and changed, an offset that is not.
        public var broken: [String] = []
    }

    /// Whether the instance takes streams.
    public var takesStreams: Bool { streaming != nil }

    /// Opens a stream, pushes interleaved samples `block` frames at a time, finishes and closes it.
    public func listen(
        to samples: [Float], rate: Int, channels: Int = 1, block: Int, configuration: String = "{}"
    ) -> Hearing {
        let listener = Listener()
        guard let streaming else {
            listener.hearing.status = GatehouseStatus(GATEHOUSE_UNSUPPORTED)
            return listener.hearing
        }
        var stream: UnsafePointer<GatehouseStream>?
        listener.hearing.status = configuration.withCString { text in
            var format = GatehouseStreamFormat(
                struct_size: UInt32(MemoryLayout<GatehouseStreamFormat>.size), sample_rate: UInt32(rate),
                channels: UInt32(channels), reserved: 0, configuration: text,
                configuration_size: UInt64(configuration.utf8.count))
            return withJob { streaming.pointee.open(streaming.pointee.ctx, $0, &format, &stream) }
        }
        guard listener.hearing.status == GATEHOUSE_OK, let stream else { return listener.hearing }
        defer { stream.pointee.close(stream.pointee.ctx) }
        for first in stride(from: 0, to: samples.count, by: block * channels) {
            let part = samples[first..<min(samples.count, first + block * channels)]
            listener.hearing.status = part.withUnsafeBufferPointer { part in
                withJob { job in
                    listener.withSink {
                        stream.pointee.push(
                            stream.pointee.ctx, job, part.baseAddress, UInt64(part.count / channels), $0)
                    }
                }
            }
            guard listener.hearing.status == GATEHOUSE_OK else { return listener.hearing }
        }
        listener.hearing.status = withJob { job in
            listener.withSink { stream.pointee.finish(stream.pointee.ctx, job, $0) }
        }
        return listener.hearing
    }
}

/// Puts partials together. Used on one thread.
private final class Listener {
    var hearing = OpenedPlugin.Hearing()
    private var text: [UInt8] = []

    func withSink<Result>(_ body: (UnsafePointer<GatehouseStreamSink>) -> Result) -> Result {
        var sink = GatehouseStreamSink(
            struct_size: UInt32(MemoryLayout<GatehouseStreamSink>.size), reserved: 0,
            ctx: Unmanaged.passUnretained(self).toOpaque(),
            partial: { ctx, partial in
                guard let ctx, let partial else { return GatehouseStatus(GATEHOUSE_FAILED) }
                return Unmanaged<Listener>.fromOpaque(ctx).takeUnretainedValue().take(partial.pointee)
            })
        return body(&sink)
    }

    private func take(_ partial: GatehousePartial) -> GatehouseStatus {
        guard let view = partial.text?.pointee else { return GatehouseStatus(GATEHOUSE_FAILED) }
        let (offset, stable) = (Int(partial.offset), Int(partial.stable))
        let before = text.prefix(hearing.stable.last ?? 0)
        if hearing.isFinal { hearing.broken.append("a partial after the final one") }
        if offset > before.count { hearing.broken.append("offset \(offset) of \(before.count) stable bytes") }
        text = Array(text.prefix(offset)) + UnsafeRawBufferPointer(start: view.data, count: Int(view.size))
        if !text.starts(with: before) || stable < before.count || stable > text.count {
            hearing.broken.append("stable bytes changed at revision \(partial.revision)")
        }
        hearing.spans.removeAll { $0.bytes.lowerBound >= offset }
        for span in UnsafeBufferPointer(start: view.spans, count: Int(view.span_count)) {
            hearing.spans.append(OpenedPlugin.Span(span))
        }
        hearing.stable.append(stable)
        hearing.isFinal = partial.is_final != 0
        hearing.text = String(decoding: text, as: UTF8.self)
        return GatehouseStatus(GATEHOUSE_OK)
    }
}
