import CGatehouse

/// One loaded encoder. Called by one thread at a time.
public final class PluginInstance {
    public let facts: PluginFacts
    public let outputs: OutputFacts

    private let library: PluginLibrary
    private let services: HostServices
    private let instance: UnsafePointer<GatehouseInstance>

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
        instance = made
        do {
            let described = try Self.describe(made, services)
            try described.check(against: facts)
            outputs = described
        } catch {
            made.pointee.destroy(made.pointee.ctx)
            throw error
        }
    }

    deinit {
        instance.pointee.destroy(instance.pointee.ctx)
    }

    /// Encodes all parts of `input` in one call. Every segment was checked against the rules of the ABI.
    public func encode(_ input: EncodeInput, job: JobControl) throws(PluginFailure) -> EncodeOutput {
        let collector = SegmentCollector(partCount: input.parts.count, outputs: outputs)
        let start = monotonicNanoseconds()
        let status = withInput(input) { input in
            job.withPointer { job in
                var sink = collector.sink
                return withExtendedLifetime(collector) {
                    instance.pointee.encode(instance.pointee.ctx, job, input, &sink)
                }
            }
        }
        let message = services.takeError()
        if status == GATEHOUSE_OK { collector.checkFinished() }
        if let failure = collector.failure { throw failure }
        if let failure = PluginFailure(status: status, message: message) { throw failure }
        return EncodeOutput(segments: collector.segments, nanoseconds: monotonicNanoseconds() - start)
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
                        weights_folder: weights?.pointer,
                        cache_folder: cache?.pointer, decoder: decoder == nil ? nil : decoderLayout)
                    return withExtendedLifetime((configuration, weights, cache, family)) { body(&arguments) }
                }
            }
        }
    }
}
