import Foundation
import GatehouseJSON

/// One version of a plugin as the registry has it.
public struct RegisteredVersion: Sendable {
    /// What a new version is tried on before it takes requests.
    public struct SelfTest: Sendable, Equatable {
        /// Absolute path of a file that the plugin accepts.
        public let input: String
        /// Absolute path of the text that it must make of it; nil where it is enough that it makes something.
        public let output: String?
    }

    public let version: SemanticVersion
    /// Absolute path of the shared library.
    public let library: String
    /// Absolute path of a file or folder.
    public private(set) var weights: String?
    /// Whether the registry says `null` for them: the plugin needs weights, and there are none yet. It takes no part.
    public private(set) var lacksWeights: Bool
    /// Families of models that bring its weights along; see ``ModelEncoder``.
    public let modelFamilies: [String]
    /// Whether its weights are those that the model brings along.
    public private(set) var isModels = false
    /// Absolute path of the plugin's learned gates: the file that the registry names, or `gate.safetensors` of the
    /// weights' folder where it is there; else nil.
    public private(set) var gate: String?
    /// Lower case hexadecimal; nil where none was given.
    public let librarySHA256: String?
    /// Of a file its own digest, of a folder that of its manifest; see ``PluginStore``.
    public private(set) var weightsSHA256: String?
    /// Part of the traffic, 0 … 1; see ``RegisteredPlugin/version(at:)``.
    public internal(set) var share: Double
    /// The share that the registry gives, whether there are weights or not.
    private let registeredShare: Double
    public let selfTest: SelfTest?

    init?(_ cursor: JSONCursor, folder: URL) {
        cursor.object(known: [
            "version", "library", "weights", "model_weights", "gate", "sha256", "share", "self_test",
        ])
        let rule = "a semantic version such as \"1.0.0\""
        let version = cursor["version"].string(rule).flatMap { text in
            let version = SemanticVersion(text)
            if version == nil { cursor["version"].expected(rule) }
            return version
        }
        library = Self.library(cursor["library"], folder: folder) ?? ""
        lacksWeights = cursor["weights"].value == .null
        let isGiven = cursor["weights"].value != nil && !lacksWeights
        weights =
            isGiven
            ? cursor["weights"].existingPath("the path of a file or folder", in: folder)
            : nil
        gate =
            cursor["gate"].value == nil
            ? weights.flatMap { Self.file("gate.safetensors", in: $0) }
            : cursor["gate"].existingPath("the path of a file", in: folder)
        let digests = cursor["sha256"]
        if digests.value != nil { digests.object(known: ["library", "weights"]) }
        librarySHA256 = Self.digest(digests["library"])
        weightsSHA256 = Self.digest(digests["weights"])
        if weightsSHA256 != nil, !isGiven {
            digests["weights"].reject(expected: "weights that it is the digest of", found: "no field weights")
        }
        let families = cursor["model_weights"]
        modelFamilies =
            families.value == nil
            ? []
            : families.array("an array of families of models").compactMap {
                $0.string("a family such as \"glm4v\"")
            }
        registeredShare = cursor["share"].number("a part of the traffic, 0 to 1", in: 0...1) ?? 1
        share = lacksWeights ? 0 : registeredShare
        selfTest = SelfTest(cursor["self_test"], folder: folder)
        guard let version else { return nil }
        self.version = version
    }

    /// The same version on the weights that a model brings along, if they are for it. One that is not serves only
    /// requests that name it.
    func serving(_ encoder: ModelEncoder) -> RegisteredVersion {
        var version = self
        guard modelFamilies.contains(encoder.family) else {
            version.share = 0
            return version
        }
        if gate == weights.flatMap({ Self.file("gate.safetensors", in: $0) }) {
            version.gate = Self.file("gate.safetensors", in: encoder.weights)
        }
        version.weights = encoder.weights
        version.weightsSHA256 = nil
        version.lacksWeights = false
        version.isModels = true
        version.share = registeredShare
        return version
    }

    /// A path as ``JSONCursor/existingPath(_:in:)``. Opening what is no file may wait for ever, so it is refused here.
    private static func library(_ cursor: JSONCursor, folder: URL) -> String? {
        let what = "the path of a shared library"
        guard let path = cursor.existingPath(what, in: folder) else { return nil }
        var status = stat()
        if stat(path, &status) == 0, status.st_mode & S_IFMT != S_IFREG {
            cursor.reject(expected: what, found: "something that is no file at \(path)")
        }
        return path
    }

    private static func file(_ name: String, in folder: String) -> String? {
        let path = URL(fileURLWithPath: folder).appendingPathComponent(name).path
        return FileManager.default.fileExists(atPath: path) ? path : nil
    }

    private static func digest(_ cursor: JSONCursor) -> String? {
        guard cursor.value != nil, let text = cursor.string("64 hexadecimal digits") else { return nil }
        if text.utf8.count != 64 || !text.utf8.allSatisfy({ isHexadecimal($0) }) {
            cursor.expected("64 hexadecimal digits")
        }
        return text.lowercased()
    }

    private static func isHexadecimal(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"),
            UInt8(ascii: "A")...UInt8(ascii: "F"):
            true
        default: false
        }
    }
}

extension RegisteredVersion.SelfTest {
    /// nil where there is none, or after recording a problem.
    init?(_ cursor: JSONCursor, folder: URL) {
        guard cursor.value != nil else { return nil }
        cursor.object(known: ["input", "output"])
        guard case .object = cursor.value else { return nil }
        let what = "the path of a file"
        output = cursor["output"].value == nil ? nil : cursor["output"].existingPath(what, in: folder)
        guard let input = cursor["input"].existingPath(what, in: folder) else { return nil }
        self.input = input
    }
}

extension JSONCursor {
    /// An absolute path of something that exists, or nil after recording a problem.
    func existingPath(_ what: String, in folder: URL) -> String? {
        guard let text = string(what) else { return nil }
        let path = URL(fileURLWithPath: text, relativeTo: folder).standardizedFileURL.path
        if !FileManager.default.fileExists(atPath: path) {
            reject(expected: what, found: "nothing at \(path)")
        }
        return path
    }
}
