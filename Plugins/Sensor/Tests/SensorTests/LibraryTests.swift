import CGatehouse
import Foundation
import GatehouseTestSupport
import Testing

/// The library through the symbol it exports. Serial: the library is one for the process.
@Suite(.serialized) struct LibraryTests {
    private let swing =
        "time (s),ax (g)\n" + (0..<500).map { "\(Double($0) / 50),\(sin(Double($0) * 0.4 * .pi))\n" }.joined()

    @Test func aFileBecomesTextWithTheTimesItSpeaksOf() throws {
        let answer = try OpenedPlugin().encode(swing)
        #expect(answer.status == GATEHOUSE_OK)
        #expect(answer.text.hasSuffix("The main frequency is 10 Hz (period 0.1 s), in channel ax.\n"))
        #expect(!answer.spans.isEmpty)
        #expect(answer.spans.allSatisfy { $0.bytes.upperBound <= answer.text.utf8.count })
    }

    @Test func anInstanceRepeatsItselfAfterAnyError() throws {
        let plugin = try OpenedPlugin()
        let first = plugin.encode(swing).text
        let bad = plugin.encode("a,b\nc,d\n")
        #expect(bad.status == GATEHOUSE_BAD_INPUT)
        #expect(bad.message == "row 2, column 1: expected a number or a time, found \"c\"")
        #expect(bad.text.isEmpty)
        let cancelled = plugin.encode(swing, cancelled: true)
        #expect(cancelled.status == GATEHOUSE_CANCELLED)
        #expect(cancelled.message == nil)
        #expect(plugin.encode(swing, kind: GATEHOUSE_PART_PCM).status == GATEHOUSE_UNSUPPORTED)
        #expect(plugin.encode(swing).text == first)
    }

    @Test func configurationIsObeyed() throws {
        let plugin = try OpenedPlugin(configuration: " { \"most_peaks\" : 0 , \"most_channels\":1 } ")
        let text = plugin.encode("t,a,b\n0,1,2\n1,3,1\n2,2,2\n3,1,3\n").text
        #expect(text.contains("\na: mean"))
        #expect(text.contains("Not shown: b."))
        #expect(!text.contains("peaks"))
    }

    @Test(
        arguments: zip(
            [
                "{\"most_peaks\": 21}", "{\"most_peaks\": \"3\"}", "{\"most\": 1}", "[]", "{",
                "{\"most_peaks\": 1,}",
                "{} x", "",
            ],
            [
                "most_peaks: expected an integer from 0 to 20, found 21",
                "most_peaks: expected an integer from 0 to 20, found \"3\"",
                "configuration: expected \"most_channels\" or \"most_peaks\", found \"most\"",
                "configuration: expected a JSON object, '{' next, found \"[]\"",
                "configuration: expected a JSON object, '\"' next, found its end",
                "configuration: expected a JSON object, '\"' next, found \"}\"",
                "configuration: expected its end after the object, found 'x'",
                "configuration: expected a JSON object, '{' next, found its end",
            ]))
    func aWrongConfigurationIsRefusedWithItsKey(_ json: String, _ message: String) throws {
        do {
            _ = try OpenedPlugin(configuration: json)
            Issue.record("was taken")
        } catch OpenedPlugin.Failure.create(let status, let found) {
            #expect(status == GATEHOUSE_BAD_CONFIGURATION)
            #expect(found == message)
        }
    }

    @Test func theDescriptorSaysWhatItTakes() throws {
        let entry = try OpenedPlugin().entry
        let plugin = try #require(entry.pointee.plugin(entry.pointee.ctx, 0)).pointee
        #expect(entry.pointee.plugin_count(entry.pointee.ctx) == 1)
        #expect(String(cString: plugin.id) == "sensor")
        #expect(String(cString: plugin.media_types) == "text/csv")
        #expect(plugin.output_kinds == UInt32(GATEHOUSE_OUTPUT_TEXT))
        let schema = try #require(plugin.configuration_schema.map { String(cString: $0) })
        #expect(throws: Never.self) { try JSONSerialization.jsonObject(with: Data(schema.utf8)) }
    }
}

extension OpenedPlugin {
    fileprivate convenience init(configuration: String = "{}") throws {
        try self.init(library: "Sensor", id: "sensor", configuration: configuration)
    }

    fileprivate func encode(
        _ text: String, kind: Int = GATEHOUSE_PART_ENCODED, cancelled: Bool = false
    ) -> Answer {
        encode([.file(Data(text.utf8), type: "text/csv", kind: kind)], cancelled: cancelled)
    }
}
