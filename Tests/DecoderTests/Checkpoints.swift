import CheckpointFixtures
import Foundation

/// Files beside the small checkpoints.
enum Checkpoints {
    static func path(_ name: String) -> String {
        CheckpointFixture.folder.appendingPathComponent(name).path
    }
}
