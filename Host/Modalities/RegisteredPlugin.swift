import Foundation
import GatehouseJSON

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

    /// A media type that it takes.
    public struct Acceptance: Sendable, Equatable {
        /// Lower case, without parameters.
        public let type: String
        /// Bytes that a part may have; nil: whatever a request may hold.
        public let mostBytes: Int?
    }

    public let id: String
    public let modality: String
    /// At least one, each type once.
    public let accepts: [Acceptance]
    public let load: Load
    public internal(set) var isolation: Isolation
    /// Seconds without a call until it is unloaded; nil for never.
    public let idleUnloadSeconds: Double?
    /// MiB that one worker may take; nil for no limit but the budget's.
    public let memoryLimitMegabytes: Int?
    /// Workers of a version, each of which takes one call at a time.
    public let concurrency: Int
    /// Workers of a version beside those, each of which holds as many live streams as the plugin declares; 0 takes none.
    public let streamWorkers: Int
    /// Seconds that one call may take inside the plugin; nil for no limit.
    public let timeLimitSeconds: Double?
    /// Seconds from the start of a worker until its plugin is ready; nil for no limit.
    public let startLimitSeconds: Double?
    /// Crashes, failed starts and overrun calls in a row until a version is taken out.
    public let failureLimit: Int
    /// What stands in the prompt where the part stood; `{output}` is the plugin's text, or its soft tokens.
    public let prompt: String
    /// A JSON object that the plugin is given.
    public private(set) var configuration: String
    /// Absolute paths of files and folders that its workers may read, beside library and weights.
    public let reads: [String]
    /// At least one; newest first.
    public internal(set) var versions: [RegisteredVersion]

    public static let defaultIdleUnloadSeconds = 300.0
    public static let defaultTimeLimitSeconds = 120.0
    public static let defaultStartLimitSeconds = 60.0
    public static let defaultFailureLimit = 3

    /// The media types of ``accepts``.
    public var mediaTypes: [String] { accepts.map(\.type) }

    /// How it accepts a media type; nil where it does not.
    public func acceptance(of mediaType: String) -> Acceptance? {
        accepts.first { $0.type == mediaType }
    }

    /// Whether some version of it has the weights that it needs.
    public var takesPart: Bool { versions.contains { !$0.lacksWeights } }

    /// The version that serves where a request names none: the one with the largest share, of these the newest.
    public var defaultVersion: RegisteredVersion {
        versions.max { $0.share < $1.share } ?? versions[0]
    }

    /// The version that serves the conversation at `point` of the traffic, 0 ..< 1. Newest first, each takes its share
    /// until nothing is left; what is left at the end goes to ``defaultVersion``.
    public func version(at point: Double) -> RegisteredVersion {
        var end = 0.0
        for version in versions {
            end += version.share
            if point < end { return version }
        }
        return defaultVersion
    }

    /// Sets members of ``configuration``.
    mutating func configure(_ members: [String: JSONValue]) {
        guard !members.isEmpty, case .object(var all)? = try? JSONValue(parsing: configuration.utf8) else {
            return
        }
        for (key, value) in members { all[key] = value }
        configuration = JSONValue.object(all).canonicalText
    }

    /// Figures of memory that a registry may give, in MiB.
    static let megabytes = 1...(1 << 30)

    private static let fields = [
        "id", "modality", "accepts", "load", "isolation", "idle_unload_seconds", "memory_limit_mb",
        "concurrency", "stream_workers",
        "time_limit_seconds", "start_limit_seconds", "failure_limit", "prompt", "configuration", "reads",
        "versions",
    ]

    /// Reads one element of `plugins`; nil where it has no id to speak of it by.
    init?(_ cursor: JSONCursor, folder: URL) {
        cursor.object(known: Self.fields)
        let id = cursor["id"].string(Self.idRule)
        if let id, !Self.isID(id) { cursor["id"].expected(Self.idRule) }
        modality = cursor["modality"].string("a modality such as \"image\"") ?? ""
        accepts = Self.accepts(cursor["accepts"])
        load = cursor["load"].choice(default: .onDemand)
        isolation = cursor["isolation"].choice(default: .worker)
        idleUnloadSeconds = cursor["idle_unload_seconds"].limit(
            "seconds from 0, or null for never", in: 0...1e9, default: Self.defaultIdleUnloadSeconds)
        memoryLimitMegabytes = cursor["memory_limit_mb"].integer("MiB from 1", in: Self.megabytes)
        concurrency = cursor["concurrency"].integer("a number of workers from 1 to 64", in: 1...64) ?? 1
        streamWorkers =
            cursor["stream_workers"].integer("a number of workers from 0 to 64", in: 0...64) ?? 1
        timeLimitSeconds = cursor["time_limit_seconds"].limit(
            "seconds from 0.001, or null for no limit", in: 0.001...1e9, default: Self.defaultTimeLimitSeconds
        )
        startLimitSeconds = cursor["start_limit_seconds"].limit(
            "seconds from 0.001, or null for no limit", in: 0.001...1e9,
            default: Self.defaultStartLimitSeconds)
        failureLimit =
            cursor["failure_limit"].integer("a number of failures from 1 to 1000", in: 1...1000)
            ?? Self.defaultFailureLimit
        let prompt = cursor["prompt"].string("a text with {output}", default: "{output}")
        if let prompt, !prompt.contains("{output}") { cursor["prompt"].expected("a text with {output}") }
        self.prompt = prompt ?? ""
        if case .object = cursor["configuration"].value ?? .object([:]) {
        } else {
            cursor["configuration"].expected("an object")
        }
        configuration = (cursor["configuration"].value ?? .object([:])).canonicalText
        let reads = cursor["reads"].value == nil ? [] : cursor["reads"].array("an array of paths")
        self.reads = reads.compactMap { $0.existingPath("the path of a file or folder", in: folder) }
        versions = Self.versions(cursor["versions"], folder: folder)
        guard let id, !versions.isEmpty else { return nil }
        self.id = id
    }

    static let idRule = "an id of lower case letters, digits and -"

    static func isID(_ text: String) -> Bool {
        !text.isEmpty
            && text.utf8.allSatisfy { byte in
                (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
                    || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || byte == UInt8(ascii: "-")
            }
    }

    private static func accepts(_ cursor: JSONCursor) -> [Acceptance] {
        let elements = cursor.array("an array of media types")
        if elements.isEmpty, cursor.value == .array([]) { cursor.expected("at least one media type") }
        var accepts: [Acceptance] = []
        for element in elements {
            guard let acceptance = Acceptance(element) else { continue }
            if accepts.contains(where: { $0.type == acceptance.type }) {
                element.reject(expected: "each media type once", found: "\(acceptance.type) a second time")
            }
            accepts.append(acceptance)
        }
        return accepts
    }

    private static func versions(_ cursor: JSONCursor, folder: URL) -> [RegisteredVersion] {
        let elements = cursor.array("an array of versions")
        if elements.isEmpty, cursor.value == .array([]) { cursor.expected("at least one version") }
        var versions: [RegisteredVersion] = []
        for element in elements {
            guard let version = RegisteredVersion(element, folder: folder) else { continue }
            if versions.contains(where: { $0.version == version.version }) {
                element["version"].reject(
                    expected: "a version of its own", found: "\(version.version) a second time")
            }
            versions.append(version)
        }
        return versions.sorted { $0.version > $1.version }
    }
}

extension RegisteredPlugin.Acceptance {
    /// Reads `"image/png"` or `{"type": "image/png", "most_bytes": 1000}`.
    init?(_ cursor: JSONCursor) {
        let what = "a media type such as \"image/png\""
        var place = cursor
        if case .object = cursor.value {
            cursor.object(known: ["type", "most_bytes"])
            place = cursor["type"]
            mostBytes = cursor["most_bytes"].integer("bytes from 1", in: 1...(1 << 53))
        } else {
            mostBytes = nil
        }
        guard let type = place.string(what) else { return nil }
        if MediaType.normalised(type) != type || type.contains("*") { place.expected("\(what), lower case") }
        self.type = type
    }
}
