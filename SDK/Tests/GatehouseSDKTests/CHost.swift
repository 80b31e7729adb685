import CGatehouse

/// A host of C structs, which records what a plugin sends it.
final class CHost {
    private(set) var message: String?
    private(set) var logged: [String] = []
    /// What the sink was told, one line a call.
    private(set) var calls: [String] = []
    private(set) var values: [Float] = []
    private(set) var progress: [Double] = []
    var isCancelled = false
    /// The sink refuses the call with this name, as `begin`.
    var refused: String?

    /// The C face, valid while `self` lives.
    var pointer: UnsafePointer<GatehouseHost> { UnsafePointer(block) }

    private let acquired = UnsafeMutableBufferPointer<Float>.allocate(capacity: 64)
    private let block = UnsafeMutablePointer<GatehouseHost>.allocate(capacity: 1)

    init() {
        block.initialize(
            to: GatehouseHost(
                struct_size: UInt32(MemoryLayout<GatehouseHost>.size), abi_major: 1, abi_minor: 0,
                reserved: 0,
                ctx: nil, name: nil,
                log: { ctx, level, text, size in
                    let bytes = UnsafeRawBufferPointer(start: text, count: Int(size))
                    CHost.from(ctx).logged.append("\(level) \(String(decoding: bytes, as: UTF8.self))")
                },
                set_error: { ctx, text, size in
                    let bytes = UnsafeRawBufferPointer(start: text, count: Int(size))
                    CHost.from(ctx).message = String(decoding: bytes, as: UTF8.self)
                },
                extension: { _, _ in nil }))
        block.pointee.ctx = ctx
    }

    deinit {
        acquired.deallocate()
        block.deallocate()
    }

    private static func from(_ ctx: UnsafeMutableRawPointer?) -> CHost {
        guard let ctx else { preconditionFailure("a plugin passes the ctx it was given") }
        return Unmanaged<CHost>.fromOpaque(ctx).takeUnretainedValue()
    }

    private var ctx: UnsafeMutableRawPointer { Unmanaged.passUnretained(self).toOpaque() }

    /// Has the library of these tests make an instance.
    func create(
        _ id: String, configuration: String = "{}",
        _ made: inout UnsafePointer<GatehouseInstance>?
    ) -> GatehouseStatus {
        let fingerprint = (0..<512).map { Float($0) }
        return fingerprint.withUnsafeBufferPointer { fingerprint in
            "llama".withCString { family in
                configuration.withCString { text in
                    var identity = GatehouseDecoderIdentity(
                        struct_size: 24, hidden: 2, family: family, fingerprint: fingerprint.baseAddress)
                    return withUnsafePointer(to: &identity) { identity in
                        var decoder = GatehouseDecoder(
                            struct_size: 24, vocabulary: 10, context: 20, reserved: 0, identity: identity)
                        return withUnsafePointer(to: &decoder) { decoder in
                            var arguments = GatehouseCreateArguments(
                                struct_size: 56, threads: 2, host: pointer, configuration: text,
                                configuration_size: UInt64(configuration.utf8.count), weights: nil,
                                cache_folder: nil, decoder: decoder)
                            return withJob {
                                testEntry().pointee.create(testEntry().pointee.ctx, id, &arguments, $0, &made)
                            }
                        }
                    }
                }
            }
        }
    }

    func withJob<Result>(_ body: (UnsafePointer<GatehouseJob>) throws -> Result) rethrows -> Result {
        var job = GatehouseJob(
            struct_size: UInt32(MemoryLayout<GatehouseJob>.size), reserved: 0, ctx: ctx, id: 42,
            deadline_ns: 0,
            cancelled: { CHost.from($0).isCancelled ? 1 : 0 },
            progress: { CHost.from($0).progress.append($1) })
        return try body(&job)
    }

    func withSink<Result>(_ body: (UnsafePointer<GatehouseSink>) throws -> Result) rethrows -> Result {
        var sink = GatehouseSink(
            struct_size: UInt32(MemoryLayout<GatehouseSink>.size), reserved: 0, ctx: ctx,
            begin: { CHost.from($0).note("begin", "part \($1) kind \($2) expected \($3)") },
            text: { CHost.from($0).text($1) },
            soft: { CHost.from($0).soft($1) },
            rows: { ctx, _ in CHost.from(ctx).note("rows", "") },
            acquire_rows: { CHost.from($0).acquire($1, $2) },
            commit_rows: { CHost.from($0).commit($1) },
            end: { CHost.from($0).note("end", "") })
        return try body(&sink)
    }

    private func note(_ function: String, _ what: String) -> GatehouseStatus {
        calls.append(what.isEmpty ? function : "\(function) \(what)")
        return GatehouseStatus(refused == function ? GATEHOUSE_FAILED : GATEHOUSE_OK)
    }

    private func text(_ view: UnsafePointer<GatehouseText>?) -> GatehouseStatus {
        guard let text = view?.pointee else { return note("text", "NULL") }
        let bytes = UnsafeRawBufferPointer(start: text.data, count: Int(text.size))
        let spans = (0..<Int(text.span_count)).map { i in
            let span = text.spans[i]
            return "[\(span.begin) \(span.end) \(span.start_seconds) \(span.end_seconds) \(span.confidence)]"
        }
        return note(
            "text", "\(text.struct_size) \(String(decoding: bytes, as: UTF8.self)) \(spans.joined())")
    }

    private func soft(_ view: UnsafePointer<GatehouseSoft>?) -> GatehouseStatus {
        guard let soft = view?.pointee else { return note("soft", "NULL") }
        let slots = UnsafeBufferPointer(start: soft.slot_offsets, count: Int(soft.slot_count) + 1)
        let count = Int(slots[slots.count - 1])
        let pieces = UnsafeBufferPointer(start: soft.piece_offsets, count: count + 1)
        let weights = UnsafeBufferPointer(start: soft.weights, count: count)
        let bytes = UnsafeRawBufferPointer(start: soft.bytes, count: Int(pieces[count]))
        return note(
            "soft",
            "\(soft.struct_size) \(Array(slots)) \(Array(pieces)) \(Array(weights)) "
                + String(decoding: bytes, as: UTF8.self))
    }

    private func acquire(
        _ view: UnsafePointer<GatehouseRows>?, _ data: UnsafeMutablePointer<UnsafeMutableRawPointer?>?
    ) -> GatehouseStatus {
        guard let shape = view?.pointee, let data else { return note("acquire", "NULL") }
        let positions = UnsafeBufferPointer(start: shape.positions, count: Int(shape.rows * shape.axes))
        acquired.initialize(repeating: 0)
        data.pointee = UnsafeMutableRawPointer(acquired.baseAddress)
        return note(
            "acquire",
            "\(shape.struct_size) type \(shape.element_type) \(shape.rows)x\(shape.width) stride \(shape.stride) "
                + "grid \(shape.grid_t) \(shape.grid_h) \(shape.grid_w) positions \(Array(positions))")
    }

    private func commit(_ rows: UInt32) -> GatehouseStatus {
        values = Array(acquired)
        return note("commit", "\(rows)")
    }
}
