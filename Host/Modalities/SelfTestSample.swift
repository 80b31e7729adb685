import Foundation
import PluginHost

/// The sample that the registry names for a version, read into memory.
struct SelfTestSample: Sendable {
    private let name: String
    private let input: EncodeInput
    /// What the texts of all segments must be; nil where any segment will do.
    private let expected: String?

    init(
        _ selfTest: RegisteredVersion.SelfTest, of plugin: RegisteredPlugin, _ version: RegisteredVersion
    ) throws(PluginFailure) {
        name = "self-test of plugin \(plugin.id) \(version.version)"
        let bytes = try Self.read(selfTest.input)
        let types = [MediaType.named(selfTest.input), MediaType.sniffed(bytes)].compactMap { $0 }
        let type = types.first { plugin.acceptance(of: $0) != nil } ?? plugin.mediaTypes.first ?? ""
        input = try EncodeInput([MediaPart(mediaType: type, bytes: bytes)])
        expected = try selfTest.output.map { path throws(PluginFailure) in
            Self.trimmed(String(decoding: try Self.read(path), as: UTF8.self))
        }
    }

    /// Throws where the plugin does not make of the sample what it should.
    func check(_ loaded: any LoadedPlugin, timeLimit: Double?) async throws(PluginFailure) {
        let output: EncodeOutput
        do throws(PluginFailure) {
            output = try await loaded.encode(input, timeLimit: timeLimit, isBehindOthers: false)
        } catch {
            throw error.prefixed(name)
        }
        guard let expected else { return }
        let texts = output.segments.compactMap {
            if case .text(let text) = $0.content { text.text } else { nil }
        }
        let found = Self.trimmed(texts.joined())
        if found != expected {
            throw PluginFailure(
                .violation, "\(name): expected \"\(expected.prefix(80))\", found \"\(found.prefix(80))\"")
        }
    }

    private static func read(_ path: String) throws(PluginFailure) -> [UInt8] {
        do {
            return Array(try Data(contentsOf: URL(fileURLWithPath: path)))
        } catch {
            throw PluginFailure(
                .refused, "\(path): the self-test cannot be read (\(error.systemReason))")
        }
    }

    /// A text file's last line end is the editor's, not the plugin's.
    private static func trimmed(_ text: String) -> String {
        text.trimmingCharacters(in: .newlines)
    }
}
