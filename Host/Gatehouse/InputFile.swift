import Foundation

/// A file that a command reads whole.
enum InputFile {
    static func read(_ path: String) throws(CommandError) -> Data {
        do {
            return try Data(contentsOf: URL(fileURLWithPath: path))
        } catch {
            throw CommandError("\(path): \(error.systemReason)")
        }
    }
}
