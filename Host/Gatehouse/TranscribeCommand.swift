import Foundation
import Modalities
import PluginHost
import Server

/// Writes down what is said in a sound, in a file or while it is spoken.
struct TranscribeCommand: Command {
    static let name = "transcribe"
    static let synopsis = "[OPTION]… FILE|-"
    static let summary = "Write down what is heard in a file, or live in raw sound on standard input."
    static let options = [
        Option("--format", "F", "text, json, srt or vtt (default: text, as it is heard)"),
        Option("--rate", "N", "of - : samples a second (default: 16000)"),
        Option(
            "--channels", "N", "of - : channels, interleaved (default: 1); samples are 16 bits, little-endian"
        ),
        Option("--configuration", "J", "of - : a JSON object for the stream, as the plugin describes it"),
        Option("--registry", "P", "the plugins (default: registry.json)"),
        Option("--threads", "N", "threads that the plugin may use (default: one a core)"),
    ]

    private static let formats: [String: TranscriptFormat] = [
        "text": .text, "json": .verboseJSON, "srt": .srt, "vtt": .vtt,
    ]

    private let input: String
    private let format: TranscriptFormat
    private let request: StreamRequest
    private let registry: String?
    private let threads: Int

    init(_ arguments: Arguments) throws(UsageError) {
        try arguments.expectRest(1...1, "a sound (FILE, or - for standard input)")
        input = arguments.rest[0]
        let format = try arguments.choice("--format", of: ["text", "json", "srt", "vtt"])
        self.format = format.flatMap { Self.formats[$0] } ?? .text
        let rate = try arguments.integer("--rate", in: 1000...384_000)
        let channels = try arguments.integer("--channels", in: 1...64)
        let configuration = try arguments.value("--configuration")
        if input != "-", rate != nil || channels != nil || configuration != nil {
            throw UsageError("--rate, --channels and --configuration are of raw sound (-), not of a file")
        }
        request = StreamRequest(
            sampleRate: UInt32(rate ?? 16_000), channels: UInt32(channels ?? 1),
            configuration: configuration ?? "{}")
        registry = try arguments.value("--registry")
        threads = try arguments.threads()
    }

    func run() async throws {
        let registry = try Workspace.registry(registry)
        let supervisor = Supervisor(
            workerExecutable: Supervisor.workerBesideThisExecutable, threads: threads, decoder: nil,
            log: Log.text.plugins)
        do {
            if input == "-" {
                try await transcribeLive(registry, supervisor)
            } else {
                try await transcribeFile(registry, supervisor)
            }
        } catch {
            await supervisor.stop()
            throw error
        }
        await supervisor.stop()
    }

    private func plugin(
        for mediaType: String, bytes: Int, in registry: Registry
    ) throws -> (RegisteredPlugin, RegisteredVersion) {
        guard
            let found = try Modalities.Router(registry).listener(
                mediaType: mediaType, bytes: bytes, origin: RequestOrigin())
        else { throw CommandError("\(input): a rule of the registry switches \(mediaType) off") }
        return found
    }

    // MARK: A file

    private func transcribeFile(_ registry: Registry, _ supervisor: Supervisor) async throws {
        let part = try MediaPart(file: input)
        let (plugin, version) = try plugin(for: part.mediaType, bytes: part.bytes.count, in: registry)
        let bar = ProgressBar("Transcribing", unit: .none)
        var call = try EncodeInput([part])
        call.progress = { bar.show(Int($0 * 1000), of: 1000) }
        defer { bar.end() }
        let encoded = try await supervisor.encode(call, plugin: plugin, version: version)
        bar.end()
        guard let transcript = Transcript(encoded.segments) else {
            throw CommandError("\(input): plugin \(plugin.id) makes rows for the decoder, and no text")
        }
        try write(transcript, by: plugin)
    }

    private func write(_ transcript: Transcript, by plugin: RegisteredPlugin) throws {
        if format.needsTimes, transcript.words.isEmpty, !transcript.text.isEmpty {
            throw CommandError("--format: srt and vtt need times, and plugin \(plugin.id) gives none")
        }
        let text = transcript.written(as: format)
        try Terminal.output(text.hasSuffix("\n") ? text : text + "\n")
    }

    // MARK: Live

    private func transcribeLive(_ registry: Registry, _ supervisor: Supervisor) async throws {
        // The program that records ends with the same Ctrl-C, and with it our input; what is said till then is still
        // written. A second one ends us.
        signal(SIGINT) { _ in signal(SIGINT, SIG_DFL) }
        let (plugin, version) = try plugin(for: "audio/wav", bytes: 0, in: registry)
        let stream = try await supervisor.openStream(request, plugin: plugin, version: version)
        var line = format == .text ? LiveLine() : nil
        var words: [TimedWord] = []
        func take(_ updates: [StreamUpdate]) throws {
            for update in updates {
                try line?.show(update)
                if format != .text { words += update.words }
            }
        }
        let frame = 2 * Int(request.channels)
        // 80 ms: what speech is heard in.
        let block = max(1, Int(request.sampleRate) * 8 / 100) * frame
        var rest: [UInt8] = []
        while let bytes = try await Self.read(block) {
            rest += bytes
            let whole = rest.count / frame * frame
            try take(try await stream.push(PCM.samples(rest[..<whole])))
            rest.removeFirst(whole)
        }
        try take(try await stream.finish())
        if format != .text { try write(Transcript(text: stream.text, words: words), by: plugin) }
    }

    /// At most `size` bytes of standard input, as soon as there are any; nil at its end.
    private static func read(_ size: Int) async throws(CommandError) -> [UInt8]? {
        let result: Result<[UInt8]?, CommandError> = await withCheckedContinuation { continuation in
            // Waiting for sound belongs on no thread of Swift's pool.
            DispatchQueue.global().async {
                var buffer = [UInt8](repeating: 0, count: size)
                while true {
                    let count = Foundation.read(STDIN_FILENO, &buffer, size)
                    if count < 0, errno == EINTR { continue }
                    continuation.resume(
                        returning: count < 0
                            ? .failure(CommandError("standard input: \(String(cString: strerror(errno)))"))
                            : .success(count == 0 ? nil : Array(buffer[..<count])))
                    return
                }
            }
        }
        return try result.get()
    }
}
