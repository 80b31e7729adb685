import Foundation

/// Which plugins exist, their versions, and how they are loaded: `registry.json`, checked.
public struct Registry: Sendable {
    /// The file it was read from.
    public let path: String
    public let plugins: [RegisteredPlugin]

    /// A registry without plugins.
    public static let empty = Registry(path: "", plugins: [])

    private init(path: String, plugins: [RegisteredPlugin]) {
        self.path = path
        self.plugins = plugins
    }

    /// Reads and checks a registry. Throws ``RegistryError`` with every problem found.
    public init(contentsOf path: String) throws {
        let url = URL(fileURLWithPath: path)
        let problems = JSONCursor.Problems()
        let document: JSONValue
        do {
            document = try JSONValue(parsing: try Data(contentsOf: url))
        } catch let problem as JSONProblem {
            throw RegistryError(path: path, problems: [problem])
        } catch {
            throw RegistryError(
                path: path,
                problems: [
                    JSONProblem(path: "", expected: "a readable file", found: error.localizedDescription)
                ])
        }
        let root = JSONCursor(document, problems: problems)
        root.object(known: ["$schema", "format", "plugins", "rules"])
        if root["format"].value != .number(1) { root["format"].expected("1") }
        let folder = url.deletingLastPathComponent().standardizedFileURL
        var plugins: [RegisteredPlugin] = []
        for cursor in root["plugins"].array("an array of plugins") {
            guard let plugin = RegisteredPlugin(cursor, folder: folder) else { continue }
            if plugins.contains(where: { $0.id == plugin.id }) {
                cursor["id"].reject(expected: "an id of its own", found: "\"\(plugin.id)\" a second time")
            }
            plugins.append(plugin)
        }
        if let rule = root["rules"].value == nil ? nil : root["rules"].array("an array of rules").first {
            rule.reject(
                expected: "no rule: this version of the host has none", found: rule.value?.summary ?? "one")
        }
        guard problems.all.isEmpty else { throw RegistryError(path: path, problems: problems.all) }
        self.init(path: url.path, plugins: plugins)
    }

    /// Every media type that some plugin accepts, sorted.
    public var acceptedMediaTypes: [String] {
        Set(plugins.flatMap(\.accepts)).sorted()
    }
}

/// Everything that is wrong with a registry file.
public struct RegistryError: Error, Sendable, CustomStringConvertible {
    public let path: String
    public let problems: [JSONProblem]

    public var description: String {
        "\(path): " + problems.map(\.description).joined(separator: "; ")
    }
}

/// One plugin as the registry has it.
public struct RegisteredPlugin: Sendable {
    /// When its encoder is loaded.
    public enum Load: String, CaseIterable, Sendable {
        /// When the first request needs it.
        case onDemand = "on-demand"
        /// When the daemon starts.
        case eager
        /// Only when the operator says so.
        case manual
    }

    /// Where it runs.
    public enum Isolation: String, CaseIterable, Sendable {
        /// In a process of its own.
        case worker
        /// In the host, for plugins that the operator trusts.
        case inProcess = "in-process"
    }

    public let id: String
    public let modality: String
    /// Media types, lower case, without parameters.
    public let accepts: [String]
    public let load: Load
    public let isolation: Isolation
    /// Seconds without a call until it is unloaded; nil for never.
    public let idleUnloadSeconds: Double?
    /// What stands in the prompt where the part stood; `{output}` is the plugin's text.
    public let prompt: String
    /// A JSON object that the plugin is given.
    public let configuration: String
    /// Absolute paths of files and folders outside its weights that it may read in its sandbox.
    public let reads: [String]
    /// At least one; newest first.
    public let versions: [RegisteredVersion]

    /// The version that serves where a request names none: the one with the largest share, of these the newest.
    public var defaultVersion: RegisteredVersion {
        versions.max { $0.share < $1.share } ?? versions[0]
    }

    static let defaultIdleUnloadSeconds = 300.0

    /// Reads one element of `plugins`; nil where it has no id to speak of it by.
    init?(_ cursor: JSONCursor, folder: URL) {
        cursor.object(known: [
            "id", "modality", "accepts", "load", "isolation", "idle_unload_seconds", "prompt",
            "configuration", "reads", "versions",
        ])
        let isPluginID = { (text: String) in
            text.allSatisfy { $0.isASCII && ($0.isLowercase || $0.isNumber || $0 == "-") }
        }
        let id = cursor["id"].string("an id of lower case letters, digits and -")
        if let id, !isPluginID(id) { cursor["id"].expected("an id of lower case letters, digits and -") }
        modality = cursor["modality"].string("a modality such as \"image\"") ?? ""
        let accepts = cursor["accepts"].array("an array of media types")
        if accepts.isEmpty, cursor["accepts"].value == .array([]) {
            cursor["accepts"].expected("at least one media type")
        }
        self.accepts = accepts.compactMap { type in
            guard let text = type.string("a media type such as \"image/png\"") else { return nil }
            if MediaType.normalised(text) != text {
                type.expected("a media type such as \"image/png\", lower case")
            }
            return text
        }
        load = cursor["load"].choice(default: .onDemand)
        isolation = cursor["isolation"].choice(default: .worker)
        let idle = cursor["idle_unload_seconds"]
        idleUnloadSeconds =
            idle.value == .null
            ? nil
            : idle.number("seconds from 0, or null for never", in: 0...1e9) ?? Self.defaultIdleUnloadSeconds
        let prompt = cursor["prompt"].string("a text with {output}", default: "{output}")
        if let prompt, !prompt.contains("{output}") { cursor["prompt"].expected("a text with {output}") }
        self.prompt = prompt ?? ""
        if case .object = cursor["configuration"].value ?? .object([:]) {
        } else {
            cursor["configuration"].expected("an object")
        }
        configuration = (cursor["configuration"].value ?? .object([:])).text
        let reads = cursor["reads"].value == nil ? [] : cursor["reads"].array("an array of paths")
        self.reads = reads.compactMap { path in
            path.string("the path of a file or folder").map {
                URL(fileURLWithPath: $0, relativeTo: folder).standardizedFileURL.path
            }
        }
        let list = cursor["versions"].array("an array of versions")
        if list.isEmpty, cursor["versions"].value == .array([]) {
            cursor["versions"].expected("at least one version")
        }
        var versions: [RegisteredVersion] = []
        for element in list {
            guard let version = RegisteredVersion(element, folder: folder) else { continue }
            if versions.contains(where: { $0.version == version.version }) {
                element["version"].reject(
                    expected: "a version of its own", found: "\(version.version) a second time")
            }
            versions.append(version)
        }
        self.versions = versions.sorted { $0.version > $1.version }
        guard let id, !versions.isEmpty else { return nil }
        self.id = id
    }
}

/// One version of a plugin as the registry has it.
public struct RegisteredVersion: Sendable {
    public let version: SemanticVersion
    /// Absolute path of the shared library.
    public let library: String
    /// Absolute path of a file or folder.
    public let weights: String?
    /// Lower case hexadecimal; nil where none was given.
    public let librarySHA256: String?
    public let weightsSHA256: String?
    /// Part of the traffic, 0 … 1.
    public let share: Double

    init?(_ cursor: JSONCursor, folder: URL) {
        cursor.object(known: ["version", "library", "weights", "sha256", "share"])
        let version = cursor["version"].string("a semantic version such as \"1.0.0\"").flatMap { text in
            let version = SemanticVersion(text)
            if version == nil { cursor["version"].expected("a semantic version such as \"1.0.0\"") }
            return version
        }
        library = Self.library(cursor["library"], folder: folder) ?? ""
        weights =
            cursor["weights"].value == nil
            ? nil : Self.file(cursor["weights"], "the path of a file or folder", folder: folder)
        let digests = cursor["sha256"]
        if digests.value != nil { digests.object(known: ["library", "weights"]) }
        librarySHA256 = Self.digest(digests["library"])
        weightsSHA256 = Self.digest(digests["weights"])
        if weightsSHA256 != nil, cursor["weights"].value == nil {
            digests["weights"].reject(expected: "weights that it is the digest of", found: "no field weights")
        }
        share = cursor["share"].number("a part of the traffic, 0 to 1", in: 0...1) ?? 1
        guard let version else { return nil }
        self.version = version
    }

    /// An absolute path of something that exists, or nil after recording a problem.
    private static func file(_ cursor: JSONCursor, _ what: String, folder: URL) -> String? {
        guard let text = cursor.string(what) else { return nil }
        let path = URL(fileURLWithPath: text, relativeTo: folder).standardizedFileURL.path
        if !FileManager.default.fileExists(atPath: path) {
            cursor.reject(expected: what, found: "nothing at \(path)")
        }
        return path
    }

    /// The same for a shared library. Opening what is no file may wait for ever, so it is refused here.
    private static func library(_ cursor: JSONCursor, folder: URL) -> String? {
        let what = "the path of a shared library"
        guard let path = file(cursor, what, folder: folder) else { return nil }
        var status = stat()
        if stat(path, &status) == 0, status.st_mode & S_IFMT != S_IFREG {
            cursor.reject(expected: what, found: "something that is no file at \(path)")
        }
        return path
    }

    private static func digest(_ cursor: JSONCursor) -> String? {
        guard cursor.value != nil, let text = cursor.string("64 hexadecimal digits") else { return nil }
        if text.count != 64 || !text.allSatisfy(\.isHexDigit) { cursor.expected("64 hexadecimal digits") }
        return text.lowercased()
    }
}
