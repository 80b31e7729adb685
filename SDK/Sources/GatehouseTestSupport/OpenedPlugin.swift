import CGatehouse
import Foundation
// Brings the library of the same name into this process: the plugin has no path to it, a worker has it loaded.
import Synchronization

/// A plugin's built library behind its one symbol, as a host opens it: an instance, and what it sent and said. For the tests of
/// plugins, which do not link what they test. Used on one thread.
public final class OpenedPlugin {
    public struct Rows: Equatable {
        public var rows = 0
        public var width = 0
        /// t, h, w.
        public var grid: [UInt32] = []
        public var positions: [Int32] = []
        public var values: [Float] = []
    }

    public struct Span: Equatable {
        public var bytes: Range<Int>
        /// nil where the plugin does not say.
        public var seconds: ClosedRange<Double>?
        public var confidence: Float?

        init(_ span: GatehouseSpan) {
            bytes = Int(span.begin)..<Int(span.end)
            seconds = span.start_seconds.isNaN ? nil : span.start_seconds...span.end_seconds
            confidence = span.confidence.isNaN ? nil : span.confidence
        }
    }

    public struct Answer {
        public var status: GatehouseStatus = 0
        /// Of all parts, one after the other.
        public var text = ""
        /// Of the text of each part.
        public var spans: [Span] = []
        /// One of each part.
        public var rows: [Rows] = []
        /// Pieces and weights of each slot.
        public var slots: [[(text: String, weight: Float)]] = []
        public var message: String?
        public var progress: [Double] = []
    }

    /// What a part holds.
    public enum Part {
        /// The bytes of a file, passed as `kind`.
        case file(Data, type: String, kind: Int = GATEHOUSE_PART_ENCODED)
        /// Interleaved samples.
        case samples([Float], rate: Int, channels: Int)
    }

    public enum Failure: Error {
        case library(String)
        case create(GatehouseStatus, String)
    }

    public let entry: UnsafePointer<GatehouseEntry>
    private let instance: UnsafePointer<GatehouseInstance>
    private let recorder: Recorder
    private let host: UnsafeMutablePointer<GatehouseHost>

    /// An instance of the plugin `id` in the library `lib<library>.so`, which the package manager built beside the program of
    /// the tests.
    ///
    /// - Parameters:
    ///   - hidden: width of the decoder that is at hand, of the family `glm4v`; nil for none.
    public init(
        library: String, id: String, weights: String? = nil, configuration: String = "{}",
        threads: UInt32 = 1,
        hidden: UInt32? = nil
    ) throws {
        let entry = try Self.open(library)
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
                                configuration_size: UInt64(strlen(configuration)), weights: path,
                                cache_folder: nil, decoder: hidden == nil ? nil : decoder)
                            var job = recorder.job
                            return entry.pointee.create(entry.pointee.ctx, id, &arguments, &job, &made)
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
    public func outputs() -> (kinds: UInt32, width: UInt32, family: String?) {
        var outputs = GatehouseOutputs()
        outputs.struct_size = UInt32(MemoryLayout<GatehouseOutputs>.size)
        _ = instance.pointee.describe(instance.pointee.ctx, &outputs)
        return (
            outputs.kinds, outputs.width, outputs.decoder.map { String(cString: $0.pointee.family) }
        )
    }

    public func encode(_ parts: [Part], cancelled: Bool = false) -> Answer {
        recorder.answer = Answer()
        recorder.isCancelled = cancelled
        let made = parts.map { MadePart($0) }
        let layouts = made.map(\.layout)
        recorder.answer.status = withExtendedLifetime(made) {
            layouts.withUnsafeBufferPointer { parts in
                var input = GatehouseInput(
                    struct_size: UInt32(MemoryLayout<GatehouseInput>.size), part_count: UInt32(parts.count),
                    parts: parts.baseAddress)
                var job = recorder.job
                var sink = recorder.sink
                return instance.pointee.encode(instance.pointee.ctx, &job, &input, &sink)
            }
        }
        return recorder.answer
    }

    /// Its extension for live streams; nil where it has none.
    var streaming: UnsafePointer<GatehouseStreaming>? {
        UnsafePointer(
            instance.pointee.extension(instance.pointee.ctx, GATEHOUSE_STREAM)?
                .assumingMemoryBound(to: GatehouseStreaming.self))
    }

    func withJob<Result>(_ body: (UnsafePointer<GatehouseJob>) -> Result) -> Result {
        var job = recorder.job
        return body(&job)
    }

    private static func open(_ library: String) throws -> UnsafePointer<GatehouseEntry> {
        let program = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        let path = URL(fileURLWithPath: program).deletingLastPathComponent()
            .appendingPathComponent("lib\(library).so").path
        guard let handle = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE),
            let symbol = dlsym(handle, "gatehouse_plugin_entry")
        else { throw Failure.library(dlerror().map { String(cString: $0) } ?? path) }
        return unsafeBitCast(
            symbol, to: (@convention(c) () -> UnsafePointer<GatehouseEntry>).self)()
    }
}

/// A part in memory of its own.
private final class MadePart {
    let layout: GatehousePart
    private let bytes: UnsafeMutableRawBufferPointer
    private let type: UnsafeMutablePointer<CChar>?

    init(_ part: OpenedPlugin.Part) {
        let (kind, name, rate, channels): (Int, String, Int, Int)
        switch part {
        case .file(let data, let type, let of):
            (kind, name, rate, channels) = (of, type, 0, 0)
            bytes = .allocate(byteCount: data.count, alignment: 16)
            data.copyBytes(to: bytes)
        case .samples(let samples, let of, let count):
            (kind, name, rate, channels) = (GATEHOUSE_PART_PCM, "", of, count)
            let memory = UnsafeMutableRawBufferPointer.allocate(
                byteCount: samples.count * MemoryLayout<Float>.size, alignment: 16)
            samples.withUnsafeBytes { memory.copyMemory(from: $0) }
            bytes = memory
        }
        type = strdup(name)
        layout = GatehousePart(
            kind: UInt32(kind), reserved: 0, media_type: type,
            data: bytes.bindMemory(to: UInt8.self).baseAddress, size: UInt64(bytes.count),
            sample_rate: UInt32(rate), channels: UInt32(channels), width: 0, height: 0,
            stride: 0)
    }

    deinit {
        bytes.deallocate()
        free(type)
    }
}

/// What the host's functions write to.
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
            text: { ctx, view in Recorder.from(ctx).take(view) },
            soft: { ctx, view in Recorder.from(ctx).take(view) },
            rows: { _, _ in GatehouseStatus(GATEHOUSE_FAILED) },
            acquire_rows: { ctx, shape, data in Recorder.from(ctx).lend(shape, data) },
            commit_rows: { ctx, rows in Recorder.from(ctx).keep(Int(rows)) },
            end: { _ in GatehouseStatus(GATEHOUSE_OK) })
    }

    private func take(_ view: UnsafePointer<GatehouseText>?) -> GatehouseStatus {
        guard let text = view?.pointee else { return GatehouseStatus(GATEHOUSE_FAILED) }
        answer.text += String(
            decoding: UnsafeRawBufferPointer(start: text.data, count: Int(text.size)), as: UTF8.self)
        for span in UnsafeBufferPointer(start: text.spans, count: Int(text.span_count)) {
            answer.spans.append(OpenedPlugin.Span(span))
        }
        return GatehouseStatus(GATEHOUSE_OK)
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
