import Decoder
import Engine
import Foundation
import GatehouseJSON
import Modalities

/// Measures what the plugin platform costs.
struct BenchPluginCommand: Command {
    static let name = "bench plugin"
    static let synopsis = "[OPTION]…"
    static let summary =
        "Measure what plugins cost: calls, starts, loads, swaps, and streams beside an encoder."
    static let options =
        [
            Option(
                "--probes", "P",
                "the registry of the plugins to measure with (default: Benchmarks/Plugins/registry.json)"),
            Option(
                "--only", "T", "one of calls, starts, loads, swaps, streams; may be repeated (default: all)"),
            Option("--calls", "N", "calls over each way (default: 1000)"),
            Option("--starts", "N", "starts of each plugin (default: 50)"),
            Option("--loads", "N", "loads and unloads (default: 1000)"),
            Option("--swaps", "N", "swaps (default: 50)"),
            Option("--clients", "N", "clients under the swaps (default: 16)"),
            Option("--streams", "N", "answers beside the encoder (default: 4)"),
            Option("--rounds", "N", "rounds of them, each alone and beside it (default: 5)"),
            Option("--json", nil, "print one JSON object"),
        ] + DecoderSetup.options

    /// What can be measured.
    private enum Test: String, CaseIterable, Sendable {
        case calls, starts, loads, swaps, streams
    }

    private let probes: String?
    private let tests: [Test]
    private let calls: Int
    private let starts: Int
    private let loads: Int
    private let swaps: Int
    private let clients: Int
    private let streams: Int
    private let rounds: Int
    /// The model that writes the answers; the encoder beside it has as many threads.
    private let setup: DecoderSetup
    private let json: Bool

    init(_ arguments: Arguments) throws(UsageError) {
        try arguments.expectRest(0...0, "")
        probes = try arguments.value("--probes")
        let known = Test.allCases.map(\.rawValue)
        for name in arguments.values("--only") where !known.contains(name) {
            throw UsageError("--only: expected one of \(known.joined(separator: ", ")), found \"\(name)\"")
        }
        let chosen = Set(arguments.values("--only"))
        tests = Test.allCases.filter { chosen.isEmpty || chosen.contains($0.rawValue) }
        calls = try arguments.integer("--calls", in: 1...1_000_000) ?? 1000
        starts = try arguments.integer("--starts", in: 1...100_000) ?? 50
        loads = try arguments.integer("--loads", in: 1...1_000_000) ?? 1000
        swaps = try arguments.integer("--swaps", in: 1...100_000) ?? 50
        clients = try arguments.integer("--clients", in: 1...1024) ?? 16
        streams = try arguments.integer("--streams", in: 1...32) ?? 4
        rounds = try arguments.integer("--rounds", in: 1...1000) ?? 5
        setup = try DecoderSetup(arguments)
        json = arguments.flag("--json")
    }

    func run() async throws {
        // Writing to a worker that is gone is an error of that write alone.
        signal(SIGPIPE, SIG_IGN)
        let registry = try readProbes()
        // The model first: whatever is wrong with the command is told before minutes of measuring.
        let decoder = tests.contains(.streams) ? try setup.decoder() : nil
        let benchmark = PluginBenchmark(
            registry: registry, workerExecutable: Supervisor.workerBesideThisExecutable, log: logFailures)
        var results: JSONObject = [:]
        for test in tests {
            let rows =
                switch test {
                case .calls: try await measureCalls(benchmark)
                case .starts: try await measureStarts(benchmark)
                case .loads: try await measureLoads(benchmark)
                case .swaps: try await measureSwaps(benchmark)
                case .streams: try await measureStreams(registry, decoder)
                }
            for row in rows {
                if !json { try Terminal.output("\(row.text)\n") }
                results[row.name] = .object(row.figures)
            }
        }
        if json { print(JSONValue.object(results).text) }
    }

    /// One line of the table.
    private struct Row {
        let name: String
        let figures: JSONObject
        let text: String

        init(_ name: String, _ figures: KeyValuePairs<String, Double>, _ text: String) {
            self.name = name
            self.figures = figures.reduce(into: [:]) { $0[$1.key] = .number($1.value) }
            self.text = name.padding(toLength: 36, withPad: " ", startingAt: 0) + text
        }
    }

    // MARK: The tests

    private func measureCalls(_ benchmark: PluginBenchmark) async throws -> [Row] {
        let result = try await benchmark.calls(calls)
        let more = (result.worker.median - result.inProcess.median) * 1000
        return [
            row("1 MB of rows, worker", result.worker), row("1 MB of rows, in process", result.inProcess),
            Row(
                "worker over in-process", ["median_us": more],
                String(format: "%+.0f µs at the median", more)),
        ]
    }

    private func measureStarts(_ benchmark: PluginBenchmark) async throws -> [Row] {
        [
            row("start to answer, empty C plugin", try await benchmark.starts(of: "empty-c", starts)),
            row("start to answer, empty Swift plugin", try await benchmark.starts(of: "empty-swift", starts)),
        ]
    }

    private func row(_ name: String, _ timing: Timing) -> Row {
        Row(
            name,
            ["median_ms": timing.median, "p95_ms": timing.quantile(0.95), "shortest_ms": timing.shortest],
            String(
                format: "%.2f ms at the median, %.2f at the 95th percentile", timing.median,
                timing.quantile(0.95)))
    }

    private func measureLoads(_ benchmark: PluginBenchmark) async throws -> [Row] {
        var rows: [Row] = []
        for (isolation, place) in [
            (RegisteredPlugin.Isolation.worker, "worker"), (.inProcess, "in process"),
        ] {
            let (before, after) = try await benchmark.cycles(loads, isolation)
            let growth = (Double(after.resident) / Double(before.resident) - 1) * 100
            rows.append(
                Row(
                    "\(loads) loads and unloads, \(place)",
                    [
                        "descriptors_before": Double(before.descriptors),
                        "descriptors_after": Double(after.descriptors),
                        "threads_before": Double(before.threads), "threads_after": Double(after.threads),
                        "mappings_before": Double(before.mappings), "mappings_after": Double(after.mappings),
                        "resident_bytes_before": Double(before.resident),
                        "resident_bytes_after": Double(after.resident),
                    ],
                    "descriptors \(before.descriptors) to \(after.descriptors), threads \(before.threads) to "
                        + "\(after.threads), mappings \(before.mappings) to \(after.mappings), resident memory "
                        + String(
                            format: "%.2f to %.2f MB (%+.2f%%)", Double(before.resident) / 1e6,
                            Double(after.resident) / 1e6, growth)))
        }
        return rows
    }

    private func measureSwaps(_ benchmark: PluginBenchmark) async throws -> [Row] {
        let result = try await benchmark.swaps(swaps, clients: clients)
        for failure in Set(result.failures) { Terminal.error("[WARNING] a request failed: \(failure)\n") }
        return [
            Row(
                "\(swaps) swaps under \(clients) clients",
                [
                    "answered": Double(result.answered), "failed": Double(result.failures.count),
                    "misrouted": Double(result.misrouted), "switch_median_ms": result.switches.median,
                    "answer_median_ms": result.answers.median, "answer_longest_ms": result.answers.longest,
                ],
                "\(result.answered) requests answered, \(result.failures.count) failed, \(result.misrouted) by a "
                    + "version that was not live; "
                    + String(
                        format: "a swap took %.1f ms, the longest answer %.1f", result.switches.median,
                        result.answers.longest))
        ]
    }

    private func measureStreams(_ registry: Registry, _ decoder: DecoderModel?) async throws -> [Row] {
        guard let decoder else { return [] }
        var options = Engine.Options()
        options.context = min(2048, decoder.contextLength)
        options.poolTokens = options.context.map { $0 * streams }
        let supervisor = Supervisor(
            workerExecutable: Supervisor.workerBesideThisExecutable, threads: setup.options.threads,
            decoder: nil,
            log: logFailures)
        guard let plugin = registry.plugins.first(where: { $0.id == "busy" }) else {
            throw CommandError(
                "\(registry.path): no plugin busy; expected the registry of Benchmarks/Plugins")
        }
        let result = try await StreamsBesideEncoder(
            engine: try Engine(decoder, options: options), supervisor: supervisor, plugin: plugin
        ).measure(streams: streams, rounds: rounds)
        await supervisor.stop()
        let median = result.kept[result.kept.count / 2]
        let (least, most) = (result.kept[0], result.kept[result.kept.count - 1])
        return [
            Row(
                "\(streams) streams beside an encoder",
                [
                    "alone_tokens_per_second": result.alone, "beside_tokens_per_second": result.beside,
                    "kept_median": median, "kept_least": least, "kept_most": most,
                    "encode_alone_ms": result.encodeAlone, "encode_beside_ms": result.encodeBeside,
                ],
                String(
                    format:
                        "%.0f tokens/s alone, %.0f beside it: %.0f%% kept (%.0f to %.0f); an encode takes %.0f ms "
                        + "alone, %.0f beside them", result.alone, result.beside, median * 100, least * 100,
                    most * 100, result.encodeAlone, result.encodeBeside))
        ]
    }

    // MARK: The probes

    private func readProbes() throws -> Registry {
        guard let path = probes ?? Workspace.file("Benchmarks/Plugins/registry.json") else {
            throw CommandError(
                "no Benchmarks/Plugins/registry.json here or in the checkout; give it by --probes")
        }
        do {
            return try Registry(contentsOf: path)
        } catch {
            let folder = URL(fileURLWithPath: path).deletingLastPathComponent().relativePath
            throw CommandError("\(error); make -C \(folder) builds the plugins")
        }
    }

    /// The platform tells of each load and swap, thousands of them; what went wrong is enough.
    private var logFailures: PluginLog {
        { plugin, level, line in
            if level == .error { Log.text.plugins(plugin, level, line) }
        }
    }
}
