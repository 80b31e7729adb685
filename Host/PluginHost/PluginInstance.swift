import CGatehouse

/// One loaded encoder. Called by one thread at a time.
public final class PluginInstance {
    public let facts: PluginFacts
    public let outputs: OutputFacts

    private let library: PluginLibrary
    private let services: HostServices
    private let instance: UnsafePointer<GatehouseInstance>
    private let extensions: InstanceExtensions
    private let log: @Sendable (PluginLogLevel, String) -> Void
    /// Open streams, by the number that the host gave each.
    private var streams: [UInt64: PluginStream] = [:]

    /// Makes an instance as `request` says; `log` takes what it logs, from any thread.
    public init(
        _ library: PluginLibrary, _ request: OpenRequest, job: JobControl,
        log: @escaping @Sendable (PluginLogLevel, String) -> Void
    ) throws(PluginFailure) {
        guard let facts = library.plugins.first(where: { $0.id == request.plugin }) else {
            let known = library.plugins.map { "\"\($0.id)\"" }.joined(separator: ", ")
            throw PluginFailure(
                .refused, "\(library.path) holds no plugin \"\(request.plugin)\"; it holds \(known)")
        }
        let services = HostServices(log: log)
        var made: UnsafePointer<GatehouseInstance>?
        let status = request.withArguments(host: services.pointer) { arguments in
            job.withPointer { job in
                library.entry.pointee.create(library.entry.pointee.ctx, facts.id, arguments, job, &made)
            }
        }
        if let failure = PluginFailure(status: status, message: services.takeError()) { throw failure }
        guard let made, gatehouse_check_instance(made) != 0 else {
            throw PluginFailure(.violation, "create returned OK but no complete instance")
        }
        self.library = library
        self.services = services
        self.facts = facts
        self.log = log
        instance = made
        do {
            extensions = try InstanceExtensions(of: made)
            var described = try Self.describe(made, services)
            try described.check(against: facts)
            described.mostCalls = extensions.batch.map { Int($0.pointee.most_calls) } ?? 1
            described.testsItself = extensions.selfTest != nil
            described.mostStreams = extensions.streaming.map { Int($0.pointee.most_streams) } ?? 0
            outputs = described
        } catch {
            made.pointee.destroy(made.pointee.ctx)
            throw error
        }
    }

    deinit {
        streams = [:]
        instance.pointee.destroy(instance.pointee.ctx)
    }

    /// Encodes all parts of `input` in one call. Every segment was checked against the rules of the ABI.
    public func encode(_ input: EncodeInput, job: JobControl) throws(PluginFailure) -> EncodeOutput {
        let collector = SegmentCollector(
            partCount: input.parts.count, outputs: outputs, tellText: job.tellText)
        let start = monotonicNanoseconds()
        let status = withInput(input) { input in
            job.withPointer { job in
                var sink = collector.sink
                return withExtendedLifetime(collector) {
                    instance.pointee.encode(instance.pointee.ctx, job, input, &sink)
                }
            }
        }
        return try collector.output(
            status, message: services.takeError(), nanoseconds: monotonicNanoseconds() - start)
    }

    /// Encodes the calls of several requests at once, each as it would come out alone.
    ///
    /// - Precondition: no more than ``OutputFacts/mostCalls``.
    public func encode(_ calls: [EncodeCall]) -> [Result<EncodeOutput, PluginFailure>] {
        guard calls.count > 1, let batch = extensions.batch else {
            return calls.map { call in
                do throws(PluginFailure) {
                    return .success(try encode(call.input, job: call.job))
                } catch {
                    return .failure(error)
                }
            }
        }
        let collectors = calls.map {
            SegmentCollector(partCount: $0.input.parts.count, outputs: outputs, tellText: $0.job.tellText)
        }
        // Each call's own, so that the reason of one is not told to another.
        let hosts = calls.map { _ in HostServices(log: log) }
        // What a plugin leaves unwritten is no status.
        var statuses = [GatehouseStatus](repeating: .min, count: calls.count)
        let start = monotonicNanoseconds()
        withExtendedLifetime((collectors, hosts)) {
            withLayouts(of: calls[...], collectors[...], hosts[...], made: []) { layouts in
                layouts.withUnsafeBufferPointer {
                    batch.pointee.encode(
                        batch.pointee.ctx, UInt32($0.count), $0.baseAddress, &statuses)
                }
            }
        }
        let nanoseconds = monotonicNanoseconds() - start
        return calls.indices.map { index in
            do throws(PluginFailure) {
                return .success(
                    try collectors[index].output(
                        statuses[index], message: hosts[index].takeError(), nanoseconds: nanoseconds))
            } catch {
                return .failure(error)
            }
        }
    }

    /// Has the instance judge itself. Returns at once where it has no self-test.
    public func testItself(job: JobControl) throws(PluginFailure) {
        guard let test = extensions.selfTest else { return }
        let status = job.withPointer { test.pointee.run(test.pointee.ctx, $0) }
        if let failure = PluginFailure(status: status, message: services.takeError()) { throw failure }
    }

    // MARK: Streams

    /// Does `call` on the stream of that number; what it made the stream say was checked against the rules of the ABI.
    public func perform(
        _ call: StreamCall, on number: UInt64, job: JobControl
    ) throws(PluginFailure) -> [StreamPartial] {
        switch call {
        case .open(let request):
            try open(number, request, job: job)
            return []
        case .push(let samples): return try stream(number).push(samples, job: job)
        case .finish: return try stream(number).finish(job: job)
        }
    }

    /// Frees a stream, if there is one of that number.
    public func close(stream number: UInt64) {
        streams[number] = nil
    }

    private func open(
        _ number: UInt64, _ request: StreamRequest, job: JobControl
    ) throws(PluginFailure) {
        guard let streaming = extensions.streaming else {
            throw PluginFailure(.unsupported, "it takes no live streams")
        }
        guard streams.count < outputs.mostStreams, streams[number] == nil else {
            throw PluginFailure(.unavailable, "it has its \(outputs.mostStreams) live streams")
        }
        streams[number] = try PluginStream(streaming, request, services, job: job)
    }

    private func stream(_ number: UInt64) throws(PluginFailure) -> PluginStream {
        guard let stream = streams[number] else {
            throw PluginFailure(.violation, "the host speaks of stream \(number), which is not open")
        }
        return stream
    }

    /// Calls `body` with the C faces of `calls` after those of `made`; they are valid during the call only.
    private func withLayouts(
        of calls: ArraySlice<EncodeCall>, _ collectors: ArraySlice<SegmentCollector>,
        _ hosts: ArraySlice<HostServices>, made: [GatehouseBatchCall], _ body: ([GatehouseBatchCall]) -> Void
    ) {
        guard let call = calls.first, let collector = collectors.first, let host = hosts.first else {
            return body(made)
        }
        withInput(call.input) { input in
            call.job.withPointer { job in
                withUnsafePointer(to: collector.sink) { sink in
                    let layout = GatehouseBatchCall(job: job, input: input, sink: sink, host: host.pointer)
                    withLayouts(
                        of: calls.dropFirst(), collectors.dropFirst(), hosts.dropFirst(),
                        made: made + [layout],
                        body)
                }
            }
        }
    }

    private static func describe(
        _ instance: UnsafePointer<GatehouseInstance>, _ services: HostServices
    ) throws(PluginFailure) -> OutputFacts {
        var outputs = GatehouseOutputs()
        outputs.struct_size = UInt32(MemoryLayout<GatehouseOutputs>.size)
        let status = instance.pointee.describe(instance.pointee.ctx, &outputs)
        if let failure = PluginFailure(status: status, message: services.takeError()) { throw failure }
        var decoder: DecoderIdentityFacts?
        if let identity = outputs.decoder,
            gatehouse_struct_size(identity) == MemoryLayout<GatehouseDecoderIdentity>.size,
            let family = identity.pointee.family,
            let fingerprint = identity.pointee.fingerprint
        {
            decoder = DecoderIdentityFacts(
                family: String(cString: family), hidden: identity.pointee.hidden,
                fingerprint: Array(
                    UnsafeBufferPointer(start: fingerprint, count: DecoderIdentityFacts.fingerprintCount)))
        }
        return OutputFacts(
            kinds: outputs.kinds, width: outputs.width, mostSlots: Int(clamping: outputs.most_slots),
            decoder: decoder)
    }

    private func withInput<Result>(
        _ input: EncodeInput, _ body: (UnsafePointer<GatehouseInput>) -> Result
    ) -> Result {
        let types = input.parts.map { CStringBox($0.mediaType) }
        let layouts = zip(input.parts, types).map { part, type in
            GatehousePart(
                kind: UInt32(GATEHOUSE_PART_ENCODED), reserved: 0, media_type: type.pointer,
                data: (input.memory.base + part.offset).assumingMemoryBound(to: UInt8.self),
                size: UInt64(part.size), sample_rate: 0, channels: 0, width: 0, height: 0, stride: 0)
        }
        return layouts.withUnsafeBufferPointer { layouts in
            var view = GatehouseInput(
                struct_size: UInt32(MemoryLayout<GatehouseInput>.size), part_count: UInt32(layouts.count),
                parts: layouts.baseAddress)
            return withExtendedLifetime((types, input)) { body(&view) }
        }
    }
}

/// One call of a batch.
public struct EncodeCall: Sendable {
    public let input: EncodeInput
    public let job: JobControl

    public init(_ input: EncodeInput, job: JobControl) {
        self.input = input
        self.job = job
    }
}

/// The extensions of an instance that this host knows, where it has them.
private struct InstanceExtensions {
    let batch: UnsafePointer<GatehouseBatch>?
    let selfTest: UnsafePointer<GatehouseSelfTest>?
    let streaming: UnsafePointer<GatehouseStreaming>?

    init(of instance: UnsafePointer<GatehouseInstance>) throws(PluginFailure) {
        func find<Extension>(
            _ id: String, _ isGood: (UnsafePointer<Extension>) -> Int32
        ) throws(PluginFailure) -> UnsafePointer<Extension>? {
            guard let found = instance.pointee.extension?(instance.pointee.ctx, id) else { return nil }
            let answer = found.assumingMemoryBound(to: Extension.self)
            guard isGood(answer) != 0 else {
                throw PluginFailure(.violation, "its extension \(id) is incomplete or of another size")
            }
            return answer
        }
        batch = try find(GATEHOUSE_BATCH) { gatehouse_check_batch($0) }
        selfTest = try find(GATEHOUSE_SELF_TEST) { gatehouse_check_self_test($0) }
        streaming = try find(GATEHOUSE_STREAM) { gatehouse_check_streaming($0) }
    }
}

extension SegmentCollector {
    /// What came of a call that returned `status`.
    fileprivate func output(
        _ status: GatehouseStatus, message: String?, nanoseconds: UInt64
    ) throws(PluginFailure) -> EncodeOutput {
        if status == GATEHOUSE_OK { checkFinished() }
        if let failure { throw failure }
        if let failure = PluginFailure(status: status, message: message) { throw failure }
        return EncodeOutput(segments: segments, nanoseconds: nanoseconds)
    }
}

extension OutputFacts {
    /// Holds what an instance says of itself to what the library said of it.
    fileprivate func check(against facts: PluginFacts) throws(PluginFailure) {
        guard kinds & ~facts.outputKinds == 0 else {
            throw PluginFailure(
                .violation, "its outputs are of kinds \(kinds); its descriptor declares \(facts.outputKinds)")
        }
        guard kinds & UInt32(GATEHOUSE_OUTPUT_ROWS) == 0 || width > 0 else {
            throw PluginFailure(.violation, "it makes rows and says that they are 0 wide")
        }
    }
}

extension OpenRequest {
    /// Calls `body` with the C face of this request, which is valid during the call only; `host` for longer.
    fileprivate func withArguments<Result>(
        host: UnsafePointer<GatehouseHost>, _ body: (UnsafePointer<GatehouseCreateArguments>) -> Result
    ) -> Result {
        let configuration = CStringBox(configuration)
        let weights = weights.map { CStringBox($0) }
        let cache = cache.map { CStringBox($0) }
        let family = decoder.map { CStringBox($0.identity.family) }
        return (decoder?.identity.fingerprint ?? []).withUnsafeBufferPointer { fingerprint in
            var identity = GatehouseDecoderIdentity(
                struct_size: UInt32(MemoryLayout<GatehouseDecoderIdentity>.size),
                hidden: decoder?.identity.hidden ?? 0, family: family?.pointer,
                fingerprint: fingerprint.baseAddress)
            return withUnsafePointer(to: &identity) { identity in
                var decoderLayout = GatehouseDecoder(
                    struct_size: UInt32(MemoryLayout<GatehouseDecoder>.size),
                    vocabulary: decoder?.vocabulary ?? 0,
                    context: decoder?.context ?? 0, reserved: 0, identity: identity)
                return withUnsafePointer(to: &decoderLayout) { decoderLayout in
                    var arguments = GatehouseCreateArguments(
                        struct_size: UInt32(MemoryLayout<GatehouseCreateArguments>.size), threads: threads,
                        host: host, configuration: configuration.pointer,
                        configuration_size: UInt64(self.configuration.utf8.count),
                        weights: weights?.pointer,
                        cache_folder: cache?.pointer, decoder: decoder == nil ? nil : decoderLayout)
                    return withExtendedLifetime((configuration, weights, cache, family)) { body(&arguments) }
                }
            }
        }
    }
}
