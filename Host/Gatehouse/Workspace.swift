import Foundation
import Modalities

/// Where things lie when no option says so: in the working folder, else in the checkout that holds the executable.
enum Workspace {
    /// The model that `run_server.sh` fetches.
    static let defaultModelName = "SmolLM2-135M-Instruct.Q4_1.gguf"

    /// The model to run: `option`, else what `models/` holds.
    static func model(_ option: String?) throws -> String {
        if let option {
            guard FileManager.default.fileExists(atPath: option) else {
                throw CommandError("--model \(option): no such file")
            }
            return option
        }
        for folder in folders {
            let models = folder.appendingPathComponent("models")
            let files = ((try? FileManager.default.contentsOfDirectory(atPath: models.path)) ?? [])
                .filter { $0.hasSuffix(".gguf") }.sorted()
            if let name = files.first(where: { $0 == defaultModelName }) ?? files.first {
                return models.appendingPathComponent(name).path
            }
        }
        throw CommandError(
            "no model: models/ holds no .gguf file; give one by --model, or fetch the default by ./run_server.sh"
        )
    }

    /// The registry to honour: `option`, else `registry.json` where there is one, else one without plugins.
    static func registry(_ option: String?) throws -> Registry {
        if let option { return try Registry(contentsOf: option) }
        return try file("registry.json").map { try Registry(contentsOf: $0) } ?? .empty
    }

    /// The path of a file in the working folder, else in the checkout; nil where there is none.
    static func file(_ name: String) -> String? {
        folders.map { $0.appendingPathComponent(name).path }.first {
            FileManager.default.fileExists(atPath: $0)
        }
    }

    /// Where a daemon keeps what outlives it: `$XDG_DATA_HOME/gatehouse`.
    static var defaultDataFolder: String {
        let environment = ProcessInfo.processInfo.environment
        let home = environment["HOME"] ?? "/"
        let data = environment["XDG_DATA_HOME"].flatMap { $0.isEmpty ? nil : $0 } ?? "\(home)/.local/share"
        return "\(data)/gatehouse"
    }

    private static var folders: [URL] {
        let working = URL(fileURLWithPath: FileManager.default.currentDirectoryPath)
        return [working] + (checkout.map { [$0] } ?? [])
    }

    /// The folder above the executable that holds `Package.swift`.
    private static var checkout: URL? {
        let path = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        var folder = URL(fileURLWithPath: path).deletingLastPathComponent()
        while folder.path != "/" {
            if FileManager.default.fileExists(atPath: folder.appendingPathComponent("Package.swift").path) {
                return folder
            }
            folder.deleteLastPathComponent()
        }
        return nil
    }
}
