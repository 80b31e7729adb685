import Decoder
import Foundation
import Fusion

/// The default model of the checkout, opened once for all tests of a target.
public enum DefaultModel {
    private static let opened = Result { () throws -> LanguageModel in
        try LanguageModel(path: path(), options: DecoderModel.Options(threads: 2))
    }

    public static func open() throws -> LanguageModel { try opened.get() }

    /// Its file.
    public static func path() throws -> String {
        let path = URL(fileURLWithPath: #filePath)
            .appendingPathComponent("../../../models/SmolLM2-135M-Instruct.Q4_1.gguf").standardized.path
        guard FileManager.default.fileExists(atPath: path) else { throw Missing(path: path) }
        return path
    }

    struct Missing: Error, CustomStringConvertible {
        var path: String
        var description: String { "\(path) is missing: ./run_tests.sh fetches it" }
    }
}

/// Calls `body` with a folder of its own, which is removed afterwards.
public func withTemporaryFolder<Result>(_ body: (URL) async throws -> Result) async throws -> Result {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    return try await body(folder)
}
