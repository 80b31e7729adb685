import Foundation
import Modalities
import PluginHost
import Testing

extension RealWorkers {
    /// What plugins make arrives as they made it, wherever they run; what breaks a rule does not arrive.
    @Suite struct OutputTests {
        /// A decoder with rows of 5 elements, and a fingerprint in which no two values are alike.
        static let decoder = DecoderFacts(
            identity: DecoderIdentityFacts(
                family: "llama", hidden: 5,
                fingerprint: (0..<DecoderIdentityFacts.fingerprintCount).map { Float($0) / 8 }),
            vocabulary: 1000, context: 2048)

        static let isolations = ["worker", "in-process"]

        /// Element j of row i is i + j / 4, as Tests/Plugins/outputs.c has it.
        @Test(
            arguments: ["rows", "rows-in-place", "rows-float16", "rows-bfloat16"],
            isolations)
        func rowsArriveWithPositionsGridAndIdentity(_ id: String, _ isolation: String) async throws {
            let bench = try Bench(decoder: Self.decoder)
            let encoded = try await bench.encode(try Fixtures.plugin(id, isolation: isolation))
            #expect(encoded.outputs.decoder == Self.decoder.identity)
            #expect(encoded.segments.count == 1)
            guard case .rows(let rows) = encoded.segments.first?.content else {
                Issue.record("\(id) made no rows")
                return
            }
            #expect(rows.count == 6)
            #expect(rows.width == 5)
            #expect(rows.grid == (1, 2, 3))
            #expect(rows.positions == [0, 0, 0, 0, 0, 1, 0, 0, 2, 0, 1, 0, 0, 1, 1, 0, 1, 2])
            let values = rows.withValues { Array($0) }
            let expected = (0..<30).map { (i: Int) -> Float in Float(i / 5) + Float(i % 5) / 4 }
            #expect(values == expected)
            await bench.supervisor.stop()
        }

        @Test(arguments: isolations)
        func softTokensArriveUnchanged(_ isolation: String) async throws {
            let bench = try Bench()
            let encoded = try await bench.encode(try Fixtures.plugin("soft", isolation: isolation))
            guard case .soft(let soft) = encoded.segments.first?.content else {
                Issue.record("no soft tokens")
                return
            }
            #expect(soft.slots.map { $0.map(\.text) } == [["the", "a"], [" cat"]])
            #expect(soft.slots.map { $0.map(\.weight) } == [[0.75, 0.25], [0.5]])
            #expect(soft.mostLikelyReading == "the cat")
            await bench.supervisor.stop()
        }

        @Test(arguments: isolations)
        func spansArriveUnchanged(_ isolation: String) async throws {
            let bench = try Bench()
            let encoded = try await bench.encode(try Fixtures.plugin("spans", isolation: isolation))
            guard case .text(let text) = encoded.segments.first?.content else {
                Issue.record("no text")
                return
            }
            #expect(text.text == "hello world")
            #expect(text.spans.map(\.begin) == [0, 5])
            #expect(text.spans.map(\.end) == [5, 11])
            #expect(text.spans.map(\.startSeconds) == [0, 0.5])
            #expect(text.spans.map(\.endSeconds) == [0.5, 2])
            #expect(text.spans.map(\.confidence) == [0.75, 1])
            await bench.supervisor.stop()
        }

        @Test(arguments: isolations)
        func megabytesOfInputArriveUnchanged(_ isolation: String) async throws {
            let bench = try Bench()
            let text = String(repeating: "0123456789abcdef", count: 1 << 17)
            let echo = try Fixtures.plugin("echo", isolation: isolation)
            #expect(try await bench.text(echo, text) == text)
            await bench.supervisor.stop()
        }

        /// What travels inside a message is bounded; beyond it the plugin is refused, not the connection broken.
        @Test func textBeyondTheBoundFailsTheCallAndKeepsTheWorker() async throws {
            let bench = try Bench()
            let echo = try Fixtures.plugin("echo")
            let failure = await bench.failure(echo, String(repeating: "x", count: (32 << 20) + 1))
            #expect(failure?.reason == .violation)
            #expect(failure?.message.contains("take more than 33554432 bytes") == true)
            let process = try await bench.process(echo)
            #expect(try await bench.text(echo, "x") == "x")
            #expect(try await bench.process(echo) == process)
            await bench.supervisor.stop()
        }

        @Test(
            arguments: [
                ("not-a-number", "row 1 of its output holds nan"),
                ("wrong-width", "its rows are 5 wide; it declared 4"),
                ("short-stride", "its rows have a stride of 8 bytes for 4 elements of 4"),
                ("huge-stride", "its rows have a stride of 18446744073709551612 bytes for 4 elements of 4"),
                ("huge-rows", "its rows are larger than 1073741824 bytes"),
                ("unknown-element", "its rows have the unknown type 9"),
                ("two-axes", "its rows have 2 axes; expected 0 or 3"),
                ("outside-grid", "row 0 has position 3 on axis 2 of a grid of 3"),
                ("other-struct", "its GatehouseRows has another size than the ABI's"),
                ("too-many-rows", "it made 3 rows for one part; it declared at most 2"),
                ("too-much-text", "it made 4 bytes of text for one part; it declared at most 3"),
                ("commits-too-many", "it committed 2 of 1 rows"),
                ("never-commits", "it ended a segment that is not open"),
                ("not-utf8", "its text is not UTF-8"),
                ("null-text", "its text of 4 bytes has no data"),
                ("null-spans", "its 2 spans have no data"),
                ("spans-out-of-order", "a span of its text lies outside the text or out of order (0 … 2)"),
                ("span-outside", "a span of its text lies outside the text or out of order (2 … 5)"),
                ("not-ended", "it returned without ending the segment it began for part 0"),
                ("begun-twice", "it began a segment inside another"),
                ("undeclared", "it began output of kind 4, which it does not declare"),
                ("no-such-part", "it began a segment for part 1 of 1"),
                ("unknown-status", "it returned 99, which is no status of the ABI"),
                ("overweight", "the weights of slot 0 sum to 1.5; expected at most 1"),
                ("offsets-fall", "piece 1 has bytes 2 … 1"),
            ], isolations)
        func brokenRuleIsNamed(_ violation: (id: String, message: String), _ isolation: String) async throws {
            let bench = try Bench()
            let plugin = try Fixtures.plugin(violation.id, isolation: isolation)
            #expect(
                await bench.failure(plugin)
                    == PluginFailure(.violation, "plugin \(violation.id) 1.0.0: \(violation.message)"))
            // It is the call that failed; the plugin stays for the next.
            #expect(await bench.status(plugin)?.state == .ready)
            await bench.supervisor.stop()
        }

        @Test func goingBackToAnEarlierPartIsNamed() async throws {
            let bench = try Bench()
            let plugin = try Fixtures.plugin("goes-back")
            await #expect(
                throws: PluginFailure(
                    .violation, "plugin goes-back 1.0.0: it went back from part 1 to 0")
            ) { try await bench.encode(plugin, "a", "b") }
            await bench.supervisor.stop()
        }
    }
}
