import Engine
import Foundation
import Fusion
import Modalities
import Server
import TestSupport

/// The real default model behind a chat service, with a registry of the test's.
enum ServiceFixture {
    /// One pool for all tests: small, and large enough for several short chats at once.
    private static let sharedEngine = Result { try engine(poolTokens: 8 * 1024) }

    static func engine(poolTokens: Int) throws -> Engine {
        var options = Engine.Options()
        options.poolTokens = poolTokens
        options.context = 1024
        return try Engine(DefaultModel.open().decoder, options: options)
    }

    /// - Parameter engine: nil for the one that the tests share.
    static func chat(_ registry: Registry = .empty, engine: Engine? = nil) throws -> ChatService {
        let model = try DefaultModel.open()
        let engine = try engine ?? sharedEngine.get()
        return try ChatService(model: model, engine: engine, registry: registry, threads: 1) { _, _, _ in }
    }

    /// A registry with one plugin of Tests/Plugins, for `application/octet-stream`, in the process of the tests.
    ///
    /// - Parameters:
    ///   - gate: A file of gates, or nil for none.
    ///   - extra: Further fields of the registry, each with a comma before it; `pluginExtra` likewise of the plugin.
    static func registry(
        of plugin: String, in folder: URL, gate: String? = nil, extra: String = "", pluginExtra: String = ""
    ) throws -> Registry {
        let file = folder.appendingPathComponent("registry-\(UUID().uuidString).json")
        let gate = gate.map { #", "gate": "\#($0)""# } ?? ""
        try #"""
        {"format": 1\#(extra), "plugins": [{"id": "\#(plugin)", "modality": "image",
         "accepts": ["application/octet-stream"], "isolation": "in-process"\#(pluginExtra),
         "versions": [{"version": "1.0.0", "library": "\#(try FixturePlugins.library())"\#(gate)}]}]}
        """#.write(to: file, atomically: true, encoding: .utf8)
        return try Registry(contentsOf: file.path)
    }

    /// A registry with the plugin `eye` for PNG, whose library is a file that nothing can open as one.
    static func registryOfABrokenPlugin(in folder: URL) throws -> Registry {
        let file = folder.appendingPathComponent("registry.json")
        try "no library".write(
            to: folder.appendingPathComponent("libeye.so"), atomically: true, encoding: .utf8)
        try #"""
        {"format": 1, "plugins": [{"id": "eye", "modality": "image", "accepts": ["image/png"],
         "isolation": "in-process", "versions": [{"version": "1.0.0", "library": "libeye.so"}]}]}
        """#.write(to: file, atomically: true, encoding: .utf8)
        return try Registry(contentsOf: file.path)
    }
}
