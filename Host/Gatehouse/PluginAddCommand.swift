import Foundation
import Modalities
import PluginHost

/// Takes a plugin into the store and the registry.
struct PluginAddCommand: Command {
    static let name = "plugin add"
    static let synopsis = "[OPTION]… FILE|FOLDER"
    static let summary = "Copy a plugin into the store, try that it opens, and add it to the registry."
    static let options = [
        Option("--id", "ID", "the plugin in the library (default: of libNAME.so, NAME)"),
        Option("--library", "F", "the library in FOLDER (default: its only .so file)"),
        Option("--weights", "P", "a file or folder of weights, which is copied too"),
        Option("--registry", "P", "the registry (default: registry.json)"),
        Option("--data", "D", "the folder that holds the store (default: $XDG_DATA_HOME/gatehouse)"),
    ]

    private let source: String
    private let id: String?
    private let library: String?
    private let weights: String?
    private let registry: String?
    private let data: String

    init(_ arguments: Arguments) throws(UsageError) {
        try arguments.expectRest(1...1, "the plugin's file or folder")
        source = arguments.rest[0]
        id = try arguments.value("--id")
        library = try arguments.value("--library")
        weights = try arguments.value("--weights")
        registry = try arguments.value("--registry")
        data = try arguments.value("--data") ?? Workspace.defaultDataFolder
    }

    func run() async throws {
        let path = try Workspace.registry(registry).path
        if path.isEmpty { throw CommandError("there is no registry.json; name one by --registry") }
        var file = try RegistryFile(path)
        let name = try libraryName()
        let id = id ?? Self.id(of: name ?? URL(fileURLWithPath: source).lastPathComponent)
        let store = PluginStore(data: data)
        var new: [String] = []
        do {
            let stored = try store.take(source)
            if stored.isNew { new.append(stored.path) }
            let weights = try weights.map { try store.take($0) }
            if let weights, weights.isNew { new.append(weights.path) }
            let library = name.map { "\(stored.path)/\($0)" } ?? stored.path
            let configuration = file.registry.plugins.first { $0.id == id }?.configuration ?? "{}"
            let facts = try await PluginFacts.inspecting(
                library: library, id: id, weights: weights?.path, configuration: configuration,
                workerExecutable: Supervisor.workerBesideThisExecutable, log: Log.text.plugins)
            try file.add(
                RegistryFile.Addition(
                    facts: facts, library: library, librarySHA256: try PluginStore.digest(of: library),
                    weights: weights?.path, weightsSHA256: weights?.digest))
            print("added \(facts.id) \(facts.version) to \(path)")
        } catch {
            for path in new { store.drop(holding: path) }
            throw error
        }
    }

    /// Of a folder, the library in it; nil where the source is the library.
    private func libraryName() throws -> String? {
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: source, isDirectory: &isFolder), isFolder.boolValue
        else {
            if library != nil { throw CommandError("--library is for a folder; \(source) is none") }
            return nil
        }
        let files = try FileManager.default.contentsOfDirectory(atPath: source)
        let libraries = files.filter { $0.hasSuffix(".so") }.sorted()
        if let library {
            guard files.contains(library) else {
                throw CommandError("--library \(library): \(source) holds no such file")
            }
            return library
        }
        guard libraries.count == 1 else {
            let found = libraries.isEmpty ? "none" : libraries.joined(separator: ", ")
            throw CommandError("\(source): expected one .so file, found \(found); name one by --library")
        }
        return libraries[0]
    }

    private static func id(of fileName: String) -> String {
        var name = fileName[...]
        if name.hasPrefix("lib") { name = name.dropFirst(3) }
        return String(name.prefix { $0 != "." })
    }
}
