import CGatehouse
import Foundation
import GatehouseTestSupport
import Testing

/// The library through the symbol it exports. Serial: the library is one for the process.
@Suite(.serialized) struct LibraryTests {
    private static let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent()

    private func checkpoint(_ name: String) -> String {
        Self.tests.appendingPathComponent("EncodersTests/checkpoints/\(name)").path
    }

    private func file(_ path: String, _ type: String = "image/png") throws -> (Data, type: String) {
        (try Data(contentsOf: Self.tests.appendingPathComponent(path)), type)
    }

    private let square = "EncodersTests/checkpoints/glm4v-square.png"
    private let tall = "EncodersTests/checkpoints/glm4v-tall.png"

    @Test func aTowersRowsComeWithTheirPlaces() throws {
        let plugin = try OpenedPlugin(weights: checkpoint("glm4v"), threads: 2, hidden: 40)
        #expect(plugin.outputs() == (UInt32(GATEHOUSE_OUTPUT_ROWS), 40, "glm4v"))
        let answer = plugin.encode([try file(tall), try file(square)])
        #expect(answer.status == GATEHOUSE_OK)
        #expect(answer.rows.map(\.grid) == [[1, 11, 4], [1, 3, 3]])
        #expect(answer.rows.map(\.rows) == [44, 9])
        let places: [Int32] = [
            0, 0, 0, 0, 0, 1, 0, 0, 2, 0, 1, 0, 0, 1, 1, 0, 1, 2, 0, 2, 0, 0, 2, 1, 0, 2, 2,
        ]
        #expect(answer.rows[1].positions == places)
        #expect(answer.rows.allSatisfy { rows in rows.values.allSatisfy(\.isFinite) && rows.width == 40 })
        #expect(answer.progress == answer.progress.sorted() && answer.progress.last == 1)
        // Each part is encoded as if it were alone.
        #expect(plugin.encode([try file(square)]).rows == [answer.rows[1]])
    }

    @Test func aProjectorsRowsAreItsOwnDecoders() throws {
        let plugin = try OpenedPlugin(weights: checkpoint("vit"), hidden: 24)
        #expect(plugin.outputs() == (UInt32(GATEHOUSE_OUTPUT_ROWS), 24, "llama"))
        let rows = plugin.encode([try file("PicturesTests/images/rgb-0.jpg", "image/jpeg")]).rows
        #expect(rows.map(\.grid) == [[0, 0, 0]])
        #expect(rows.map(\.rows) == [15] && rows.map(\.positions) == [[]])
    }

    @Test func aSoftHeadMakesSoftTokens() throws {
        let plugin = try OpenedPlugin(weights: checkpoint("vit-renamed"))
        #expect(plugin.outputs() == (UInt32(GATEHOUSE_OUTPUT_SOFT), 0, nil))
        let answer = plugin.encode([try file("PicturesTests/images/lossy.webp", "image/webp")])
        #expect(answer.status == GATEHOUSE_OK && answer.slots.count == 3)
        #expect(answer.slots.allSatisfy { $0.reduce(0) { $0 + $1.weight } <= 1.001 })
    }

    @Test func anInstanceRepeatsItselfAfterAnyError() throws {
        let plugin = try OpenedPlugin(weights: checkpoint("glm4v"), threads: 2)
        let first = plugin.encode([try file(square)]).rows
        let bad = plugin.encode([try file("PicturesTests/images/cut.png")])
        #expect(bad.status == GATEHOUSE_BAD_INPUT)
        #expect(bad.message == "the PNG is damaged: it is cut short")
        let large = plugin.encode([try file(square), try file("PicturesTests/images/huge.png")])
        #expect(
            large.message
                == "part 2: the image is 20000 × 20000 pixels: at most 65535 on a side and 67108864 in all are taken"
        )
        let cancelled = plugin.encode([try file(square)], cancelled: true)
        #expect(cancelled.status == GATEHOUSE_CANCELLED && cancelled.message == nil)
        #expect(
            plugin.encode([try file(square)], kind: GATEHOUSE_PART_PIXELS).status == GATEHOUSE_UNSUPPORTED)
        #expect(plugin.encode([try file(square)]).rows == first)
    }

    @Test func configurationBoundsTheSizeOfAPicture() throws {
        let small = try OpenedPlugin(weights: checkpoint("glm4v"), configuration: #"{"max_pixels": 1000}"#)
        #expect(small.encode([try file(tall)]).rows.map(\.grid) == [[1, 4, 1]])
        let large = try OpenedPlugin(weights: checkpoint("glm4v"), configuration: #"{"min_pixels": 5000}"#)
        #expect(large.encode([try file(square)]).rows.map(\.grid) == [[1, 7, 7]])
    }

    @Test(
        arguments: zip(
            [#"{"max_pixels": 0}"#, #"{"most": 1}"#, "[]", "{", #"{"min_pixels": 9, "max_pixels": 8}"#],
            [
                "max_pixels: expected a whole number from 1 to 1073741824, found the number 0",
                "most: expected \"min_pixels\" or \"max_pixels\", found another key",
                "configuration: expected an object, found an array of 0",
                "configuration: expected valid JSON, found its end instead of a key in quotes",
                "min_pixels: expected at most max_pixels 8, found 9",
            ]))
    func aWrongConfigurationIsRefusedWithItsKey(_ json: String, _ message: String) throws {
        expectFailure(GATEHOUSE_BAD_CONFIGURATION, message) {
            try OpenedPlugin(weights: checkpoint("glm4v"), configuration: json)
        }
    }

    @Test func withoutWeightsThereIsNoInstance() throws {
        expectFailure(GATEHOUSE_NO_WEIGHTS, "weights: expected the folder of a vit or glm4v checkpoint") {
            try OpenedPlugin(weights: nil)
        }
        let path = checkpoint("none")
        expectFailure(
            GATEHOUSE_NO_WEIGHTS, "\(path)/config.json: file: expected a readable configuration file"
        ) {
            try OpenedPlugin(weights: path)
        }
    }

    @Test func rowsOfAnotherWidthAreNotPassedOffAsTheDecodersAtHand() throws {
        #expect(try OpenedPlugin(weights: checkpoint("glm4v"), hidden: 41).outputs().width == 40)
    }

    private func expectFailure(
        _ status: Int, _ message: String, _ make: () throws -> OpenedPlugin,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        do {
            _ = try make()
            Issue.record("was taken", sourceLocation: sourceLocation)
        } catch OpenedPlugin.Failure.create(let found, let text) {
            #expect(found == status && text.hasPrefix(message), sourceLocation: sourceLocation)
        } catch {
            Issue.record("\(error)", sourceLocation: sourceLocation)
        }
    }

    @Test func theDescriptorSaysWhatItTakes() throws {
        let entry = try OpenedPlugin(weights: checkpoint("glm4v")).entry
        let plugin = try #require(entry.pointee.plugin(entry.pointee.ctx, 0)).pointee
        #expect(String(cString: plugin.id) == "vision")
        #expect(String(cString: plugin.media_types) == "image/png image/jpeg image/webp")
        #expect(plugin.output_kinds == UInt32(GATEHOUSE_OUTPUT_ROWS | GATEHOUSE_OUTPUT_SOFT))
        #expect(plugin.flags == UInt32(GATEHOUSE_NEEDS_WEIGHTS))
        for text in [plugin.configuration_schema, plugin.weights_manifest] {
            let json = try #require(text.map { String(cString: $0) })
            #expect(throws: Never.self) { try JSONSerialization.jsonObject(with: Data(json.utf8)) }
        }
    }
}

extension OpenedPlugin {
    fileprivate convenience init(
        weights: String?, configuration: String = "{}", threads: UInt32 = 1, hidden: UInt32? = nil
    ) throws {
        try self.init(
            library: "Vision", id: "vision", weights: weights, configuration: configuration, threads: threads,
            hidden: hidden)
    }

    fileprivate func encode(
        _ files: [(Data, type: String)], kind: Int = GATEHOUSE_PART_ENCODED, cancelled: Bool = false
    ) -> Answer {
        encode(files.map { .file($0.0, type: $0.type, kind: kind) }, cancelled: cancelled)
    }
}
