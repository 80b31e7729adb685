import CGatehouse
import Foundation
// Brings the library of the same name into this process: the plugin has no path to it, a worker has it loaded.
import Synchronization

/// The built library behind its one symbol, as a host opens it: an instance, and what it sent and said.
final class OpenedPlugin {
    struct Answer {
        var status: GatehouseStatus
        var text = ""
        var message: String?
        /// Bytes and seconds.
        var spans: [(bytes: Range<Int>, seconds: ClosedRange<Double>)] = []
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

    init(configuration: String = "{}") throws {
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
        var utf8 = configuration
        let status = utf8.withUTF8 { bytes in
            bytes.withMemoryRebound(to: CChar.self) { bytes in
                var arguments = GatehouseCreateArguments(
                    struct_size: UInt32(MemoryLayout<GatehouseCreateArguments>.size), threads: 1, host: host,
                    configuration: bytes.baseAddress, configuration_size: UInt64(bytes.count),
                    weights_folder: nil, cache_folder: nil, decoder: nil)
                var job = recorder.job
                return entry.pointee.create(entry.pointee.ctx, "sensor", &arguments, &job, &made)
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

    func encode(_ text: String, kind: Int = GATEHOUSE_PART_ENCODED, cancelled: Bool = false) -> Answer {
        recorder.answer = Answer(status: 0)
        recorder.isCancelled = cancelled
        let bytes = Array(text.utf8)
        recorder.answer.status = bytes.withUnsafeBufferPointer { bytes in
            "text/csv".withCString { mediaType in
                var part = GatehousePart(
                    kind: UInt32(kind), reserved: 0, media_type: mediaType, data: bytes.baseAddress,
                    size: UInt64(bytes.count), sample_rate: 0, channels: 0, width: 0, height: 0, stride: 0)
                return withUnsafePointer(to: &part) { part in
                    var input = GatehouseInput(
                        struct_size: UInt32(MemoryLayout<GatehouseInput>.size), part_count: 1, parts: part)
                    var job = recorder.job
                    var sink = recorder.sink
                    return instance.pointee.encode(instance.pointee.ctx, &job, &input, &sink)
                }
            }
        }
        return recorder.answer
    }

    /// The library that the package manager built beside the program of the tests.
    private static func open() throws -> UnsafePointer<GatehouseEntry> {
        let program = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        let path = URL(fileURLWithPath: program).deletingLastPathComponent()
            .appendingPathComponent("libSensor.so").path
        guard let handle = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE),
            let symbol = dlsym(handle, "gatehouse_plugin_entry")
        else { throw Failure.library(dlerror().map { String(cString: $0) } ?? path) }
        return unsafeBitCast(
            symbol, to: (@convention(c) () -> UnsafePointer<GatehouseEntry>).self)()
    }
}

/// What the host's functions write to. Used on one thread.
private final class Recorder {
    var answer = OpenedPlugin.Answer(status: 0)
    var isCancelled = false

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
            begin: { _, _, kind, _ in
                GatehouseStatus(kind == UInt32(GATEHOUSE_OUTPUT_TEXT) ? GATEHOUSE_OK : GATEHOUSE_FAILED)
            },
            text: { ctx, view in Recorder.from(ctx).take(view) },
            soft: { _, _ in GatehouseStatus(GATEHOUSE_FAILED) },
            rows: { _, _ in GatehouseStatus(GATEHOUSE_FAILED) },
            acquire_rows: { _, _, _ in GatehouseStatus(GATEHOUSE_FAILED) },
            commit_rows: { _, _ in GatehouseStatus(GATEHOUSE_FAILED) },
            end: { _ in GatehouseStatus(GATEHOUSE_OK) })
    }

    private func take(_ view: UnsafePointer<GatehouseText>?) -> GatehouseStatus {
        guard let text = view?.pointee else { return GatehouseStatus(GATEHOUSE_FAILED) }
        answer.text += String(
            decoding: UnsafeRawBufferPointer(start: text.data, count: Int(text.size)), as: UTF8.self)
        for span in UnsafeBufferPointer(start: text.spans, count: Int(text.span_count)) {
            answer.spans.append((Int(span.begin)..<Int(span.end), span.start_seconds...span.end_seconds))
        }
        return GatehouseStatus(GATEHOUSE_OK)
    }
}
