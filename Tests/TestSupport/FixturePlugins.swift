import Foundation

/// The plugins of Tests/Plugins, built once for all tests.
public enum FixturePlugins {
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent("Plugins")

    private static let built = Result { try make() }

    /// Absolute path of a built library, such as `fixtures` or `other-minor`.
    public static func library(_ name: String = "fixtures") throws -> String {
        try built.get()
        return folder.appendingPathComponent("build/\(name).so").path
    }

    private static func make() throws {
        let make = Process()
        let output = Pipe()
        make.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        make.arguments = ["make", "-s", "-C", folder.path]
        make.standardOutput = output
        make.standardError = output
        try make.run()
        let said = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        make.waitUntilExit()
        guard make.terminationStatus == 0 else {
            throw Failure(
                description: "make -C \(folder.path) failed, so there are no fixture plugins:\n\(said)")
        }
    }
}
