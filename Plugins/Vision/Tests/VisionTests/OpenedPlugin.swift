import CGatehouse
import Foundation
// Brings the library of the same name into this process: the plugin has no path to it, a worker has it loaded.
import Synchronization

/// The built library behind its one symbol, as a host opens it: an instance, and what it sent and said.
final class OpenedPlugin {
    struct Rows: Equatable {
        var rows = 0
        var width = 0
        /// t, h, w.
        var grid: [UInt32] = []
        var positions: [Int32] = []
        var values: [Float] = []
    }

    struct Answer {
        var status: GatehouseStatus = 0
        /// One of each part.
        var rows: [Rows] = []
        /// Pieces and weights of each slot.
        var slots: [[(text: String, weight: Float)]] = []
        var message: String?
        var progress: [Double] = []
    }

    enum Failure: Error {
        case library(String)
        case create(GatehouseStatus, String)
    }

    let entry: UnsafePointer<GatehouseEntry>
    private let instance: UnsafePointer<GatehouseInstance>
    private let recorder: Recorder
    private let host: UnsafeMutablePointer<GatehouseHost>

    /// - Parameter hidden: width of the decoder that is at hand; nil for none.
    init(weights: String?, configuration: String = "{}", threads: UInt32 = 1, hidden: UInt32? = nil) throws {
        let entry = try Self.open()
        let recorder = Recorder()
        let host = UnsafeMutablePointer<GatehouseHost>.allocate(capacity: 1)
        host.initialize(
            to: GatehouseHost(
                struct_size: UInt32(MemoryLayout<GatehouseHost>.size), abi_major: UInt32(GATEHOUSE_ABI_MAJOR),
                abi_minor: UInt32(GATEHOUSE_ABI_MINOR), reserved: 0, ctx: recorder.ctx, name: nil,
                log: { _, _, _, _ in },
                set_error: { ctx, text, size in
                    Recorder.from(ctx).answer.message = String(
                        decoding: UnsafeRawBufferPointer(start: text, count: Int(size)), as: UTF8.self)
                },
                extension: { _, _ in nil }))
        var made: UnsafePointer<GatehouseInstance>?
        let fingerprint = [Float](repeating: 1, count: 512)
        let status = configuration.withCString { configuration in
            "glm4v".withCString { family in
                fingerprint.withUnsafeBufferPointer { fingerprint in
                    var identity = GatehouseDecoderIdentity(
                        struct_size: UInt32(MemoryLayout<GatehouseDecoderIdentity>.size), hidden: hidden ?? 0,
                        family: family, fingerprint: fingerprint.baseAddress)
                    return withUnsafePointer(to: &identity) { identity in
                        var decoder = GatehouseDecoder(
                            struct_size: UInt32(MemoryLayout<GatehouseDecoder>.size), vocabulary: 10,
                            context: 10,
                            reserved: 0, identity: identity)
                        return withUnsafePointer(to: &decoder) { decoder in
                            let path = weights.flatMap { strdup($0) }
                            defer { free(path) }
                            var arguments = GatehouseCreateArguments(
                                struct_size: UInt32(MemoryLayout<GatehouseCreateArguments>.size),
                                threads: threads, host: host, configuration: configuration,
                                configuration_size: UInt64(strlen(configuration)), weights_folder: path,
                                cache_folder: nil, decoder: hidden == nil ? nil : decoder)
                            var job = recorder.job
                            return entry.pointee.create(entry.pointee.ctx, "vision", &arguments, &job, &made)
                        }
                    }
                }
            }
        }
        guard let made else {
            host.deallocate()
            throw Failure.create(status, recorder.answer.message ?? "")
        }
        self.entry = entry
        self.recorder = recorder
        self.host = host
        instance = made
    }

    deinit {
        instance.pointee.destroy(instance.pointee.ctx)
        host.deallocate()
    }

    /// What it says of its output: kinds, width, and the family of the decoder.
    func outputs() -> (kinds: UInt32, width: UInt32, family: String?) {
        var outputs = GatehouseOutputs()
        outputs.struct_size = UInt32(MemoryLayout<GatehouseOutputs>.size)
        _ = instance.pointee.describe(instance.pointee.ctx, &outputs)
        return (
            outputs.kinds, outputs.width, outputs.decoder.map { String(cString: $0.pointee.family) }
        )
    }

    func encode(
        _ files: [(Data, type: String)], kind: Int = GATEHOUSE_PART_ENCODED, cancelled: Bool = false
    ) -> Answer {
        recorder.answer = Answer()
        recorder.isCancelled = cancelled
        let bytes = files.map { [UInt8]($0.0) }
        let types = files.map { strdup($0.type) }
        defer { types.forEach { free($0) } }
        func with(_ parts: [GatehousePart]) -> GatehouseStatus {
            guard parts.count < files.count else {
                return parts.withUnsafeBufferPointer { parts in
                    var input = GatehouseInput(
                        struct_size: UInt32(MemoryLayout<GatehouseInput>.size),
                        part_count: UInt32(parts.count),
                        parts: parts.baseAddress)
                    var job = recorder.job
                    var sink = recorder.sink
                    return instance.pointee.encode(instance.pointee.ctx, &job, &input, &sink)
                }
            }
            return bytes[parts.count].withUnsafeBufferPointer { data in
                let part = GatehousePart(
                    kind: UInt32(kind), reserved: 0, media_type: types[parts.count], data: data.baseAddress,
                    size: UInt64(data.count), sample_rate: 0, channels: 0, width: 0, height: 0, stride: 0)
                return with(parts + [part])
            }
        }
        recorder.answer.status = with([])
        return recorder.answer
    }

    /// The library that the package manager built beside the program of the tests.
    private static func open() throws -> UnsafePointer<GatehouseEntry> {
        let program = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        let path = URL(fileURLWithPath: program).deletingLastPathComponent()
            .appendingPathComponent("libVision.so").path
        guard let handle = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE),
            let symbol = dlsym(handle, "gatehouse_plugin_entry")
        else { throw Failure.library(dlerror().map { String(cString: $0) } ?? path) }
        return unsafeBitCast(
            symbol, to: (@convention(c) () -> UnsafePointer<GatehouseEntry>).self)()
    }
}

/// What the host's functions write to. Used on one thread.
private final class Recorder {
    var answer = OpenedPlugin.Answer()
    var isCancelled = false
    private var memory: UnsafeMutableBufferPointer<Float>?

    var ctx: UnsafeMutableRawPointer { Unmanaged.passUnretained(self).toOpaque() }

    static func from(_ ctx: UnsafeMutableRawPointer?) -> Recorder {
        guard let ctx else { preconditionFailure("a plugin passes the ctx it was given") }
        return Unmanaged<Recorder>.fromOpaque(ctx).takeUnretainedValue()
    }

    var job: GatehouseJob {
        GatehouseJob(
            struct_size: UInt32(MemoryLayout<GatehouseJob>.size), reserved: 0, ctx: ctx, id: 1,
            deadline_ns: 0,
            cancelled: { Recorder.from($0).isCancelled ? 1 : 0 },
            progress: { Recorder.from($0).answer.progress.append($1) })
    }

    var sink: GatehouseSink {
        GatehouseSink(
            struct_size: UInt32(MemoryLayout<GatehouseSink>.size), reserved: 0, ctx: ctx,
            begin: { _, _, _, _ in GatehouseStatus(GATEHOUSE_OK) },
            text: { _, _ in GatehouseStatus(GATEHOUSE_FAILED) },
            soft: { ctx, view in Recorder.from(ctx).take(view) },
            rows: { _, _ in GatehouseStatus(GATEHOUSE_FAILED) },
            acquire_rows: { ctx, shape, data in Recorder.from(ctx).lend(shape, data) },
            commit_rows: { ctx, rows in Recorder.from(ctx).keep(Int(rows)) },
            end: { _ in GatehouseStatus(GATEHOUSE_OK) })
    }

    private func take(_ view: UnsafePointer<GatehouseSoft>?) -> GatehouseStatus {
        guard let soft = view?.pointee, let bytes = soft.bytes, let slots = soft.slot_offsets,
            let pieces = soft.piece_offsets, let weights = soft.weights
        else { return GatehouseStatus(GATEHOUSE_FAILED) }
        for slot in 0..<Int(soft.slot_count) {
            answer.slots.append(
                (Int(slots[slot])..<Int(slots[slot + 1])).map { piece in
                    let text = UnsafeRawBufferPointer(
                        start: bytes + Int(pieces[piece]), count: Int(pieces[piece + 1] - pieces[piece]))
                    return (String(decoding: text, as: UTF8.self), weights[piece])
                })
        }
        return GatehouseStatus(GATEHOUSE_OK)
    }

    private func lend(
        _ shape: UnsafePointer<GatehouseRows>?, _ data: UnsafeMutablePointer<UnsafeMutableRawPointer?>?
    ) -> GatehouseStatus {
        guard let shape = shape?.pointee else { return GatehouseStatus(GATEHOUSE_FAILED) }
        let count = Int(shape.rows * shape.width)
        let memory = UnsafeMutableBufferPointer<Float>.allocate(capacity: count)
        memory.initialize(repeating: 0)
        self.memory = memory
        data?.pointee = UnsafeMutableRawPointer(memory.baseAddress)
        let positions = UnsafeBufferPointer(start: shape.positions, count: Int(shape.rows * shape.axes))
        answer.rows.append(
            OpenedPlugin.Rows(
                width: Int(shape.width), grid: [shape.grid_t, shape.grid_h, shape.grid_w],
                positions: Array(positions)))
        return GatehouseStatus(GATEHOUSE_OK)
    }

    private func keep(_ rows: Int) -> GatehouseStatus {
        guard let memory, let last = answer.rows.indices.last else {
            return GatehouseStatus(GATEHOUSE_FAILED)
        }
        answer.rows[last].rows = rows
        answer.rows[last].values = Array(memory.prefix(rows * answer.rows[last].width))
        memory.deallocate()
        self.memory = nil
        return GatehouseStatus(GATEHOUSE_OK)
    }
}
