import Foundation
import Modalities
import PluginHost
import Testing

extension RealWorkers {
    /// The example of the SDK: a plugin written in Swift, built alone, run by the host.
    @Suite struct SwiftPluginTests {
        private static let package = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("SDK/Examples/WordCount")

        @Test func wordCountEncodesThroughTheHost() async throws {
            let library = Self.package.appendingPathComponent(".build/release/libWordCount.so").path
            guard FileManager.default.fileExists(atPath: library) else {
                throw Fixtures.Failure(
                    description: """
                        \(library) is missing; build it with: \
                        swift build -c release --package-path SDK/Examples/WordCount
                        """)
            }
            let bench = try Bench()
            let plugin = try Fixtures.plugin("word-count", idle: "0", library: library)
            let encoded = try await bench.encode(plugin, "one two\nthree é", "")
            #expect(encoded.segments.text == "4 words, 15 characters|0 words, 0 characters")
            #expect(encoded.outputs.kinds == 1)
            // Again, in another process.
            try await eventually("it unloads") { await bench.status(plugin)?.state == .unloaded }
            #expect(try await bench.text(plugin, "") == "0 words, 0 characters")
            await bench.supervisor.stop()
        }
    }
}
