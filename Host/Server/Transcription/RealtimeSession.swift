import GatehouseJSON
import Modalities
import PluginHost

/// One client's live sound at `GET /v1/realtime`. The README describes its messages and events.
struct RealtimeSession {
    private let socket: WebSocket
    private let live: LiveRegistry
    private let origin: RequestOrigin
    private var stream: LiveStream?
    /// The byte of a sample, or the samples of a frame, whose rest comes with the next message.
    private var rest: [UInt8] = []
    /// Counts the events.
    private var revision = 0

    /// Live sound goes where a file of it would.
    private static let mediaType = "audio/wav"
    private static let rates = 1000...384_000
    private static let mostChannels = 64

    init(_ socket: WebSocket, live: LiveRegistry, origin: RequestOrigin) {
        self.socket = socket
        self.live = live
        self.origin = origin
    }

    /// Until the client ends it, or something is wrong, which it is told.
    mutating func run() async throws -> WebSocketClose {
        defer { stream?.close() }
        do {
            while true {
                switch try await socket.receive() {
                case .binary(let bytes): try await hear(bytes)
                case .text(let text):
                    if try await follow(text) { return WebSocketClose(WebSocketClose.normal, "") }
                }
            }
        } catch let error where Self.isSaid(error) {
            let error = HTTPError(describing: error, of: "audio")
            var event = (try? JSONValue(parsing: error.body))?.objectValue ?? [:]
            event["type"] = .string("error")
            try await socket.send(JSONValue.object(event).text)
            let code =
                error.status == 503
                ? WebSocketClose.tryAgainLater
                : error.status < 500 ? WebSocketClose.refused : WebSocketClose.serverError
            return WebSocketClose(code, error.message)
        }
    }

    /// Whether the client is there to be told of an error.
    private static func isSaid(_ error: any Error) -> Bool {
        switch error {
        case is WebSocketClose, is HTTPClientGone, is HTTPServerClosing, is CancellationError: false
        case let failure as PluginFailure: failure.reason != .cancelled
        default: true
        }
    }

    // MARK: What the client says

    /// Whether it was the last message.
    private mutating func follow(_ text: String) async throws -> Bool {
        let root: RequestField
        do {
            root = try RequestField(try JSONValue(parsing: text.utf8), "").object()
        } catch let problem as JSONProblem {
            throw HTTPError(status: 400, message: "the message: \(problem)", code: "invalid_json")
        }
        switch try root["type"].nonEmptyString() {
        case "start":
            _ = try root.object(only: ["type", "sample_rate", "channels", "configuration"])
            guard stream == nil else {
                throw root["type"].expected("one start, before the sound")
            }
            let configuration = try root["configuration"].object().value ?? .object([:])
            try await open(
                StreamRequest(
                    sampleRate: UInt32(try root["sample_rate"].integer(Self.rates) ?? 16_000),
                    channels: UInt32(try root["channels"].integer(1...Self.mostChannels) ?? 1),
                    configuration: configuration.text))
            return false
        case "finish":
            _ = try root.object(only: ["type"])
            try await finish()
            return true
        default:
            throw root["type"].expected("one of \"start\", \"finish\"")
        }
    }

    private mutating func open(_ request: StreamRequest) async throws {
        guard
            let (plugin, version) = try Router(live.current).listener(
                mediaType: Self.mediaType, bytes: 0, origin: origin)
        else {
            throw HTTPError(
                status: 400, message: "a rule of the registry switches \(Self.mediaType) off",
                code: "unsupported_media_type")
        }
        let stream = try await live.supervisor.openStream(request, plugin: plugin, version: version)
        self.stream = stream
        // What the next call throws says why; without one, the client would wait for ever.
        stream.whenWorkerEnds { [socket, weak stream] in
            Task {
                do {
                    _ = try await stream?.push([])
                } catch {
                    socket.interrupt(error)
                }
            }
        }
        try await socket.send(
            JSONValue.object([
                "type": .string("started"), "plugin": .string(plugin.id),
                "version": .string(version.version.description),
                "sample_rate": .number(Int(request.sampleRate)), "channels": .number(Int(request.channels)),
            ]).text)
    }

    /// Samples of 16 bits, little-endian, channels interleaved; a message may end anywhere.
    private mutating func hear(_ bytes: [UInt8]) async throws {
        if stream == nil { try await open(StreamRequest(sampleRate: 16_000, channels: 1)) }
        guard let stream else { return }
        let all = rest + bytes
        let frame = 2 * Int(stream.request.channels)
        let whole = all.count / frame * frame
        rest = Array(all[whole...])
        try await tell(try await stream.push(PCM.samples(all[..<whole])))
    }

    private func finish() async throws {
        guard let stream else {
            throw HTTPError(
                status: 400, message: "type: expected sound before finish", param: "type",
                code: "invalid_value")
        }
        try await tell(try await stream.finish())
    }

    // MARK: What it is told

    private func tell(_ updates: [StreamUpdate]) async throws {
        for update in updates {
            var event: JSONObject = [
                "type": .string(update.isFinal ? "final" : "partial"), "stable": .string(update.stable),
                "unstable": .string(update.unstable), "end": .seconds(update.endSeconds),
                "words": .array(update.words.map(\.json)),
            ]
            if update.isFinal { event["text"] = .string(stream?.text ?? "") }
            try await socket.send(JSONValue.object(event).text)
        }
    }
}

/// Raw sound, as it comes from sound cards and browsers.
public enum PCM {
    /// Little-endian 16-bit samples as -1 … 1. An odd last byte is left out.
    public static func samples(_ bytes: ArraySlice<UInt8>) -> [Float] {
        bytes.withUnsafeBytes { bytes in
            (0..<bytes.count / 2).map { index in
                Float(Int16(littleEndian: bytes.loadUnaligned(fromByteOffset: 2 * index, as: Int16.self)))
                    / 32768
            }
        }
    }
}
