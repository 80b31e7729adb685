import Foundation
import GatehouseJSON
import PluginHost

/// A registry file as text: entries are added and removed, and whatever else the user wrote there stays.
public struct RegistryFile {
    /// A version to be added, all paths absolute.
    public struct Addition: Sendable {
        public var facts: PluginFacts
        public var library: String
        public var librarySHA256: String
        public var weights: String?
        public var weightsSHA256: String?

        public init(
            facts: PluginFacts, library: String, librarySHA256: String, weights: String? = nil,
            weightsSHA256: String? = nil
        ) {
            self.facts = facts
            self.library = library
            self.librarySHA256 = librarySHA256
            self.weights = weights
            self.weightsSHA256 = weightsSHA256
        }
    }

    /// The file itself, links followed.
    public let path: String
    public private(set) var registry: Registry

    /// Throws ``RegistryError`` where it is no good registry.
    public init(_ path: String) throws {
        self.path = URL(fileURLWithPath: path).resolvingSymlinksInPath().path
        registry = try Registry(contentsOf: self.path)
    }

    /// Adds a version, and its plugin where the registry has none of that id.
    public mutating func add(_ addition: Addition) throws {
        let facts = addition.facts
        let known = registry.plugins.first { $0.id == facts.id }
        if let known, known.versions.contains(where: { $0.version.description == facts.version }) {
            throw RegistryEditError(
                "\(path): plugin \(facts.id) has version \(facts.version) already; remove it first")
        }
        try edit { layout, plugins in
            let version = Self.text(of: addition)
            if let known, let plugin = Self.entry(known.id, plugins, layout),
                let versions = layout.member("versions", of: plugin.range)
            {
                layout.append(version, to: versions)
                return
            }
            let types = facts.mediaTypes.map { JSONValue.string($0).text }.joined(separator: ", ")
            layout.append(
                """
                {
                  "id": \(JSONValue.string(facts.id).text),
                  "modality": \(JSONValue.string(facts.modality).text),
                  "accepts": [\(types)],
                  "versions": [
                    \(version.replacing("\n", with: "\n    "))
                  ]
                }
                """, to: plugins)
        }
    }

    /// Removes a version, or all of a plugin, and returns what was removed. A plugin goes with its last version.
    public mutating func remove(_ id: String, _ version: SemanticVersion?) throws -> [RegisteredVersion] {
        guard let plugin = registry.plugins.first(where: { $0.id == id }) else {
            let known = registry.plugins.map(\.id).joined(separator: ", ")
            throw RegistryEditError("\(path): no plugin \(id); it has \(known.isEmpty ? "none" : known)")
        }
        let removed = plugin.versions.filter { version == nil || $0.version == version }
        if let version, removed.isEmpty {
            let known = plugin.versions.map(\.version.description).joined(separator: ", ")
            throw RegistryEditError("\(path): plugin \(id) has no version \(version); it has \(known)")
        }
        try edit { layout, plugins in
            guard let entry = Self.entry(id, plugins, layout) else { return }
            if removed.count == plugin.versions.count {
                layout.remove(entry.index, from: plugins)
            } else if let versions = layout.member("versions", of: entry.range) {
                let index = layout.elements(of: versions).firstIndex { element in
                    layout.member("version", of: element).flatMap { Self.string($0, layout) }
                        == removed[0].version.description
                }
                if let index { layout.remove(index, from: versions) }
            }
        }
        return removed
    }

    /// Changes the text, checks the result as the host would, and puts it in the place of the file in one step.
    private mutating func edit(_ change: (inout JSONLayout, Range<Int>) throws -> Void) throws {
        let url = URL(fileURLWithPath: path)
        var layout = JSONLayout(bytes: [UInt8](try Data(contentsOf: url)))
        guard let plugins = layout.member("plugins", of: layout.root) else {
            throw RegistryEditError("\(path): changed while it was read; try again")
        }
        try change(&layout, plugins)
        let folder = url.deletingLastPathComponent().path
        let draft = "\(folder)/.registry-\(UUID().uuidString)"
        defer { unlink(draft) }
        var status = stat()
        let mode = stat(path, &status) == 0 ? status.st_mode & 0o777 : 0o644
        let descriptor = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode)
        guard descriptor >= 0 else { throw StoreError(path: folder, errno: errno) }
        let file = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        try file.write(contentsOf: Data(layout.bytes))
        guard fchmod(descriptor, mode) == 0, fsync(descriptor) == 0 else {
            throw StoreError(path: draft, errno: errno)
        }
        do {
            registry = try Registry(contentsOf: draft)
        } catch let error as RegistryError {
            throw RegistryEditError(
                "\(path) stays as it is; it would have: "
                    + error.problems.map(\.description).joined(separator: "; "))
        }
        guard rename(draft, path) == 0 else { throw StoreError(path: path, errno: errno) }
        try PluginStore.synchronise(folder)
    }

    private static func entry(
        _ id: String, _ plugins: Range<Int>, _ layout: JSONLayout
    ) -> (index: Int, range: Range<Int>)? {
        layout.elements(of: plugins).enumerated().first { _, range in
            layout.member("id", of: range).flatMap { string($0, layout) } == id
        }.map { ($0.offset, $0.element) }
    }

    private static func string(_ range: Range<Int>, _ layout: JSONLayout) -> String? {
        (try? JSONValue(parsing: Data(layout.bytes[range])))?.stringValue
    }

    private static func text(of addition: Addition) -> String {
        var lines = [
            #""version": \#(JSONValue.string(addition.facts.version).text)"#,
            #""library": \#(JSONValue.string(addition.library).text)"#,
        ]
        var digests = [#""library": "\#(addition.librarySHA256)""#]
        if let weights = addition.weights {
            lines.append(#""weights": \#(JSONValue.string(weights).text)"#)
        }
        if let digest = addition.weightsSHA256 { digests.append(#""weights": "\#(digest)""#) }
        lines.append(#""sha256": {\#(digests.joined(separator: ", "))}"#)
        return "{\n  \(lines.joined(separator: ",\n  "))\n}"
    }
}

/// Why a registry was not changed.
public struct RegistryEditError: Error, Sendable, CustomStringConvertible {
    public let description: String

    init(_ description: String) {
        self.description = description
    }
}
