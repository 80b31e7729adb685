import Foundation

/// The small random checkpoints that `Tests/Fixtures/Checkpoints/make_checkpoints.py` makes.
enum Checkpoints {
    static func path(_ name: String) -> String {
        URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("Fixtures/Checkpoints/\(name)").path
    }
}
