import Foundation
import GatehouseJSON
import Modalities
import PluginHost

/// Runs one plugin alone.
struct EncodeCommand: Command {
    static let name = "encode"
    static let synopsis = "--plugin ID --input F [OPTION]…"
    static let summary = "Run one plugin alone on a file and show what it makes."
    static let options = [
        Option("--plugin", "ID", "the plugin, by its id in the registry"),
        Option("--input", "F", "the file to encode"),
        Option("--registry", "P", "the registry (default: registry.json)"),
        Option("--version", "V", "the version of the plugin (default: as the registry says)"),
        Option("--threads", "N", "threads that the plugin may use (default: one a core)"),
        Option("--json", nil, "print one JSON object"),
        Option("--output", "F", "write rows as float32, row after row"),
    ]

    private let plugin: String
    private let input: String
    private let registry: String?
    private let version: String?
    private let threads: Int
    private let json: Bool
    private let output: String?

    init(_ arguments: Arguments) throws(UsageError) {
        try arguments.expectRest(0...0, "")
        plugin = try arguments.required("--plugin")
        input = try arguments.required("--input")
        registry = try arguments.value("--registry")
        version = try arguments.value("--version")
        threads = try arguments.threads()
        json = arguments.flag("--json")
        output = try arguments.value("--output")
    }

    func run() async throws {
        let registry = try Workspace.registry(registry)
        guard let plugin = registry.plugins.first(where: { $0.id == self.plugin }) else {
            let known = registry.plugins.map(\.id).joined(separator: ", ")
            throw CommandError(
                "--plugin \(self.plugin): the registry has no such plugin; it has \(known.isEmpty ? "none" : known)"
            )
        }
        let version = try chosenVersion(of: plugin)
        let part = try MediaPart(file: input)
        guard plugin.acceptance(of: part.mediaType) != nil else {
            throw CommandError(
                "\(input) is \(part.mediaType); plugin \(plugin.id) accepts \(plugin.mediaTypes.joined(separator: ", "))"
            )
        }
        let supervisor = Supervisor(
            workerExecutable: Supervisor.workerBesideThisExecutable,
            threads: threads, decoder: nil, log: Log.text.plugins)
        let encoded = try await supervisor.encode(try EncodeInput([part]), plugin: plugin, version: version)
        await supervisor.stop()
        if let output { try write(encoded.segments, to: output) }
        json ? printJSON(encoded, version) : printText(encoded)
    }

    private func chosenVersion(of plugin: RegisteredPlugin) throws -> RegisteredVersion {
        guard let version else { return plugin.defaultVersion }
        guard let chosen = plugin.versions.first(where: { $0.version.description == version }) else {
            let known = plugin.versions.map(\.version.description).joined(separator: ", ")
            throw CommandError("--version \(version): plugin \(plugin.id) has \(known)")
        }
        return chosen
    }

    private func write(_ segments: [EncodedSegment], to path: String) throws {
        var data = Data()
        for case .rows(let rows) in segments.map(\.content) {
            rows.withValues { data.append(contentsOf: UnsafeRawBufferPointer($0)) }
        }
        guard !data.isEmpty else { throw CommandError("--output \(path): the plugin made no rows") }
        try OutputFile(path, option: "--output").write { append in try append(data) }
    }

    private func printText(_ encoded: Supervisor.Encoded) {
        for segment in encoded.segments {
            switch segment.content {
            case .text(let text): print(text.text)
            case .soft(let soft): print(soft.mostLikelyReading)
            case .rows(let rows): print("\(rows.count) rows of \(rows.width)")
            }
        }
    }

    private func printJSON(_ encoded: Supervisor.Encoded, _ version: RegisteredVersion) {
        let value: JSONValue = .object([
            "segments": .array(encoded.segments.map(\.json)),
            "plugin": .string(plugin),
            "version": .string(version.version.description),
            "load_ms": .number(encoded.loadMilliseconds.rounded(to: 3)),
            "encode_ms": .number(encoded.encodeMilliseconds.rounded(to: 3)),
        ])
        print(value.text)
    }
}

extension EncodedSegment {
    fileprivate var json: JSONValue {
        switch content {
        case .text(let text):
            return .object([
                "kind": .string("text"), "part": .number(Double(part)), "text": .string(text.text),
            ])
        case .rows(let rows):
            return .object([
                "kind": .string("rows"), "part": .number(Double(part)), "rows": .number(Double(rows.count)),
                "width": .number(Double(rows.width)),
            ])
        case .soft(let soft):
            let slots = soft.slots.map { slot in
                JSONValue.array(
                    slot.map {
                        .object(["text": .string($0.text), "p": .number(Double($0.weight).rounded(to: 6))])
                    })
            }
            return .object([
                "kind": .string("soft"), "part": .number(Double(part)),
                "text": .string(soft.mostLikelyReading),
                "slots": .array(slots),
            ])
        }
    }
}

extension MediaPart {
    /// Reads a file; its signature decides the media type, else its name.
    init(file path: String) throws {
        let bytes = [UInt8](try InputFile.read(path))
        let name = URL(fileURLWithPath: path).lastPathComponent
        guard let type = MediaType.sniffed(bytes) ?? MediaType.named(name) else {
            throw CommandError("\(path): neither its first bytes nor its name tell what kind of file it is")
        }
        self.init(mediaType: type, bytes: bytes)
    }
}
