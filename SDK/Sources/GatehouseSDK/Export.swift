import Synchronization

/// The entry block for `plugins`, made once and kept for the life of the process.
///
/// Call it from `gatehouse_plugin_entry` and from nowhere else; a library has one entry.
public func export(_ plugins: any ModalityPlugin.Type...) -> UnsafePointer<GatehouseEntry> {
    entry.withLock { entry in
        if let made = entry { return made.pointer }
        let made = Entry(plugins)
        entry = made
        return made.pointer
    }
}

private let entry = Mutex<Entry?>(nil)

/// The C structs of the library, and the types behind them. Constant once made.
private final class Entry: Sendable {
    private let types: [any ModalityPlugin.Type]
    // Safe to share: written in init only, and kept for the life of the process, as the ABI asks.
    nonisolated(unsafe) private let descriptors: UnsafeMutablePointer<GatehouseDescriptor>
    nonisolated(unsafe) private let block: UnsafeMutablePointer<GatehouseEntry>

    var pointer: UnsafePointer<GatehouseEntry> { UnsafePointer(block) }

    init(_ types: [any ModalityPlugin.Type]) {
        self.types = types
        descriptors = .allocate(capacity: types.count)
        for (index, type) in types.enumerated() {
            descriptors.advanced(by: index).initialize(to: type.descriptor.layout)
        }
        block = .allocate(capacity: 1)
        block.initialize(
            to: GatehouseEntry(
                magic: GATEHOUSE_MAGIC, struct_size: UInt32(MemoryLayout<GatehouseEntry>.size),
                abi_major: UInt32(GATEHOUSE_ABI_MAJOR), abi_minor: UInt32(GATEHOUSE_ABI_MINOR), reserved: 0,
                toolchain: permanent("swift \(swiftVersion)"), ctx: Unmanaged.passUnretained(self).toOpaque(),
                initialize: { _, _ in GatehouseStatus(GATEHOUSE_OK) },
                finalize: { _ in },
                plugin_count: { UInt32(Entry.from($0).types.count) },
                plugin: { ctx, index in
                    let entry = Entry.from(ctx)
                    return index < entry.types.count ? UnsafePointer(entry.descriptors + Int(index)) : nil
                },
                create: { ctx, id, arguments, _, instance in
                    guard let id, let arguments, let instance else {
                        return GatehouseStatus(GATEHOUSE_FAILED)
                    }
                    return Entry.from(ctx).create(String(cString: id), arguments, instance)
                },
                extension: nil))
    }

    private static func from(_ ctx: UnsafeMutableRawPointer?) -> Entry {
        guard let ctx else { preconditionFailure("the host passes the entry's own ctx") }
        return Unmanaged<Entry>.fromOpaque(ctx).takeUnretainedValue()
    }

    private func create(
        _ id: String, _ arguments: UnsafePointer<GatehouseCreateArguments>,
        _ instance: UnsafeMutablePointer<UnsafePointer<GatehouseInstance>?>
    ) -> GatehouseStatus {
        let context = CreateContext(arguments)
        guard let type = types.first(where: { $0.descriptor.id == id }) else {
            let known = types.map { $0.descriptor.id }.joined(separator: ", ")
            context.host.setError("no plugin \"\(id)\" in this library; it holds \(known)")
            return GatehouseStatus(GATEHOUSE_UNSUPPORTED)
        }
        return status(context.host) { () throws(PluginError) in
            instance.pointee = Instance(try type.init(context), host: context.host).pointer
        }
    }
}

/// One live plugin object behind a C instance. Owned by the host through the instance's ctx.
private final class Instance {
    let plugin: any ModalityPlugin
    let host: Host
    private let block: UnsafeMutablePointer<GatehouseInstance>
    // What `describe` hands out, kept for the life of the instance.
    private var family: UnsafeMutablePointer<CChar>?
    private var fingerprint: UnsafeMutablePointer<Float>?
    private var identity: UnsafeMutablePointer<GatehouseDecoderIdentity>?
    private var extensions: InstanceExtensions?

    var pointer: UnsafePointer<GatehouseInstance> { UnsafePointer(block) }

    init(_ plugin: any ModalityPlugin, host: Host) {
        self.plugin = plugin
        self.host = host
        block = .allocate(capacity: 1)
        block.initialize(
            to: GatehouseInstance(
                struct_size: UInt32(MemoryLayout<GatehouseInstance>.size), reserved: 0,
                ctx: nil,
                destroy: { ctx in
                    if let ctx { Unmanaged<Instance>.fromOpaque(ctx).release() }
                },
                reset: { ctx in
                    let instance = Instance.from(ctx)
                    return status(instance.host) { () throws(PluginError) in try instance.plugin.reset() }
                },
                describe: { ctx, outputs in
                    guard let outputs else { return GatehouseStatus(GATEHOUSE_FAILED) }
                    outputs.pointee = Instance.from(ctx).describe()
                    return GatehouseStatus(GATEHOUSE_OK)
                },
                encode: { ctx, job, input, sink in
                    guard let job, let input, let sink else { return GatehouseStatus(GATEHOUSE_FAILED) }
                    let instance = Instance.from(ctx)
                    return status(instance.host) { () throws(PluginError) in
                        try instance.admit(Input(input))
                        try instance.plugin.encode(Input(input), into: Sink(sink), job: Job(job))
                    }
                },
                extension: { ctx, id in
                    id.flatMap { Instance.from(ctx).extensions?.find(String(cString: $0)) }
                }))
        let ctx = Unmanaged.passRetained(self).toOpaque()
        block.pointee.ctx = ctx
        extensions = InstanceExtensions(
            of: plugin, ctx: ctx,
            test: { ctx, job in
                let instance = Instance.from(ctx)
                guard let job, let plugin = instance.plugin as? any SelfTestingPlugin else {
                    return GatehouseStatus(GATEHOUSE_UNSUPPORTED)
                }
                return status(instance.host) { () throws(PluginError) in try plugin.selfTest(Job(job)) }
            },
            batch: { ctx, count, calls, statuses in
                guard let calls, let statuses else { return }
                Instance.from(ctx).encode(
                    UnsafeBufferPointer(start: calls, count: Int(count)),
                    UnsafeMutableBufferPointer(start: statuses, count: Int(count)))
            },
            open: { ctx, job, format, stream in
                let instance = Instance.from(ctx)
                guard let job, let format, let stream, let plugin = instance.plugin as? any StreamingPlugin
                else { return GatehouseStatus(GATEHOUSE_UNSUPPORTED) }
                return status(instance.host) { () throws(PluginError) in
                    let format = StreamFormat(format)
                    let opened = try plugin.open(format, job: Job(job))
                    stream.pointee = StreamFace(opened, format, host: instance.host).pointer
                }
            })
    }

    deinit {
        identity?.deallocate()
        fingerprint?.deallocate()
        family?.deallocate()
        block.deallocate()
    }

    private static func from(_ ctx: UnsafeMutableRawPointer?) -> Instance {
        guard let ctx else { preconditionFailure("the host passes the instance's own ctx") }
        return Unmanaged<Instance>.fromOpaque(ctx).takeUnretainedValue()
    }

    /// Refuses parts of a kind that this SDK does not know, and files of a type that the plugin did not declare.
    private func admit(_ input: Input) throws(PluginError) {
        for part in input {
            switch part.kind {
            case .other(let kind): throw .unsupported("a part of kind \(kind) is not known to this plugin")
            case .encoded:
                let types = type(of: plugin).descriptor.mediaTypes
                if !types.contains(part.mediaType) {
                    let accepted = types.joined(separator: ", ")
                    throw .unsupported("\(part.mediaType) is not taken; expected \(accepted)")
                }
            case .text, .pcm, .pixels: break
            }
        }
    }

    /// Hands the plugin those calls whose input it may see, and writes a status for each.
    private func encode(
        _ calls: UnsafeBufferPointer<GatehouseBatchCall>,
        _ statuses: UnsafeMutableBufferPointer<GatehouseStatus>
    ) {
        guard let plugin = plugin as? any BatchingPlugin else { return }
        var admitted: [(index: Int, call: BatchCall)] = []
        for (index, call) in calls.enumerated() {
            guard let input = call.input, let sink = call.sink, let job = call.job, let host = call.host
            else {
                statuses[index] = GatehouseStatus(GATEHOUSE_FAILED)
                continue
            }
            statuses[index] = status(Host(pointer: host)) { () throws(PluginError) in
                try admit(Input(input))
                admitted.append((index, BatchCall(input: Input(input), sink: Sink(sink), job: Job(job))))
            }
        }
        if admitted.isEmpty { return }
        let ends = plugin.encode(admitted.map(\.call))
        precondition(ends.count == admitted.count, "encode(_:) tells how each call of its batch ended")
        for ((index, _), end) in zip(admitted, ends) {
            guard let end, let host = calls[index].host else { continue }
            statuses[index] = status(Host(pointer: host)) { () throws(PluginError) in throw end }
        }
    }

    private func describe() -> GatehouseOutputs {
        let outputs = plugin.outputs
        if identity == nil, let decoder = outputs.decoder { keep(decoder) }
        return GatehouseOutputs(
            struct_size: UInt32(MemoryLayout<GatehouseOutputs>.size), kinds: outputs.kinds.rawValue,
            width: UInt32(outputs.width), element_type: UInt32(GATEHOUSE_FLOAT32),
            most_slots: UInt64(outputs.mostSlots),
            decoder: identity.map { UnsafePointer($0) })
    }

    private func keep(_ decoder: DecoderIdentity) {
        let family = permanent(decoder.family)
        let fingerprint = UnsafeMutablePointer<Float>.allocate(capacity: decoder.fingerprint.count)
        fingerprint.initialize(from: decoder.fingerprint, count: decoder.fingerprint.count)
        let identity = UnsafeMutablePointer<GatehouseDecoderIdentity>.allocate(capacity: 1)
        identity.initialize(
            to: GatehouseDecoderIdentity(
                struct_size: UInt32(MemoryLayout<GatehouseDecoderIdentity>.size),
                hidden: UInt32(decoder.hidden),
                family: family, fingerprint: fingerprint))
        self.family = family
        self.fingerprint = fingerprint
        self.identity = identity
    }
}

/// Runs `body` and turns what it throws into a status, with the message told to the host.
func status(_ host: Host, _ body: () throws(PluginError) -> Void) -> GatehouseStatus {
    do {
        try body()
        return GatehouseStatus(GATEHOUSE_OK)
    } catch {
        if !error.message.isEmpty { host.setError(error.message) }
        return error.status
    }
}

extension PluginDescriptor {
    /// The C struct, with strings that are never freed.
    fileprivate var layout: GatehouseDescriptor {
        var flags = 0
        if reentrant { flags |= GATEHOUSE_REENTRANT }
        if needsWeights { flags |= GATEHOUSE_NEEDS_WEIGHTS }
        return GatehouseDescriptor(
            struct_size: UInt32(MemoryLayout<GatehouseDescriptor>.size), flags: UInt32(flags),
            id: permanent(id),
            name: permanent(name), vendor: permanent(vendor), version: permanent(version),
            license: permanent(license), modality: permanent(modality),
            media_types: permanent(mediaTypes.joined(separator: " ")), output_kinds: outputKinds.rawValue,
            most_instances: 0, configuration_schema: configurationSchema.map(permanent),
            weights_manifest: weightsManifest.map(permanent))
    }
}

/// A NUL-terminated copy that the caller owns.
private func permanent(_ string: String) -> UnsafeMutablePointer<CChar> {
    let utf8 = string.utf8CString
    let copy = UnsafeMutablePointer<CChar>.allocate(capacity: utf8.count)
    utf8.withUnsafeBufferPointer {
        copy.initialize(from: $0.baseAddress ?? UnsafePointer(copy), count: $0.count)
    }
    return copy
}

#if compiler(>=6.4)
private let swiftVersion = "6.4 or later, dynamic"
#elseif compiler(>=6.3)
private let swiftVersion = "6.3, dynamic"
#else
private let swiftVersion = "6.2, dynamic"
#endif
