import Decoder
import Engine
import Foundation
import GatehouseJSON
import Modalities

/// Measures how fast a model reads and writes.
struct BenchCommand: Command {
    static let name = "bench"
    static let synopsis = "[OPTION]…"
    static let summary = "Measure prefill and decode in tokens per second; bench plugin measures the plugins."
    static let options =
        [
            Option("-p", "N", "tokens of the prompt (default: 512; 0 leaves prefill out)"),
            Option("-n", "N", "tokens to write (default: 128; 0 leaves decode out)"),
            Option("-d", "N", "tokens that each sequence holds already (default: 0)"),
            Option("--batch", "1,4,16", "sequences written at once, each a test (default: 1)"),
            Option("--repetitions", "N", "runs of each test after one that is not counted (default: 5)"),
            Option("--json", nil, "print one JSON object"),
        ] + DecoderSetup.options

    private let setup: DecoderSetup
    private let prompt: Int
    private let written: Int
    private let depth: Int
    private let batches: [Int]
    private let repetitions: Int
    private let json: Bool

    /// One test and what it gave.
    private struct Result {
        var test: String
        var measurement: Benchmark.Measurement
        /// Bytes per second that decoding had to read, over those that the threads can read; nil of a prefill, which
        /// arithmetic limits. Above 1 where a cache holds weights.
        var readBandwidthShare: Double?
    }

    init(_ arguments: Arguments) throws(UsageError) {
        try arguments.expectRest(0...0, "")
        setup = try DecoderSetup(arguments)
        prompt = try arguments.integer("-p", in: 0...(1 << 20)) ?? 512
        written = try arguments.integer("-n", in: 0...(1 << 20)) ?? 128
        depth = try arguments.integer("-d", in: 0...(1 << 20)) ?? 0
        batches = try arguments.integers("--batch", in: 1...4096) ?? [1]
        repetitions = try arguments.integer("--repetitions", in: 1...1000) ?? 5
        json = arguments.flag("--json")
    }

    func run() async throws {
        let path = try setup.path()
        let decoder = try setup.decoder()
        let threads = setup.options.threads
        // Before the tests: each share is then of what the machine gave at the same time.
        let bandwidth = try Benchmark.readBandwidth(threads: threads)
        let peak = try Benchmark.peakArithmetic(threads: threads)
        if !json {
            print(
                "model \(path)\n\(decoder.backendName), \(threads) threads, \(repetitions) runs a test\n"
                    + String(
                        format:
                            "read bandwidth %.1f GB/s; arithmetic %.0f GFLOP/s in float32, %.0f GOP/s in int8\n",
                        bandwidth / 1e9, peak.float32 / 1e9, peak.int8 / 1e9)
                    + "test             tokens/s   ± stddev  MB resident  of read bandwidth")
        }
        let results = try measure(Benchmark(decoder), bandwidth: bandwidth) { if !json { show($0) } }
        if json { printJSON(path, decoder, bandwidth, peak, results) }
    }

    /// Runs all tests and tells `done` of each.
    private func measure(
        _ benchmark: Benchmark, bandwidth: Double, done: (Result) -> Void
    ) throws -> [Result] {
        var results: [Result] = []
        func add(_ test: String, _ measurement: Benchmark.Measurement, _ share: Double?) {
            let name = depth > 0 ? "\(test)+\(depth)" : test
            results.append(Result(test: name, measurement: measurement, readBandwidthShare: share))
            done(results[results.count - 1])
        }
        if prompt > 0 {
            add(
                "pp\(prompt)", try benchmark.prefill(tokens: prompt, depth: depth, repetitions: repetitions),
                nil)
        }
        for batch in written > 0 ? batches : [] {
            let measurement = try benchmark.decode(
                tokens: written, batch: batch, depth: depth, repetitions: repetitions)
            let steps = measurement.mean / Double(batch)
            let bytes = benchmark.bytesRead(tokens: written, batch: batch, depth: depth)
            add(
                batch == 1 ? "tg\(written)" : "tg\(written)@\(batch)", measurement, bytes * steps / bandwidth)
        }
        return results
    }

    private func show(_ result: Result) {
        let share = result.readBandwidthShare.map { String(format: "%16.2f", $0) } ?? ""
        print(
            result.test.padding(toLength: max(15, result.test.count), withPad: " ", startingAt: 0)
                + String(
                    format: "%10.2f %10.2f %12d", result.measurement.mean,
                    result.measurement.standardDeviation, result.measurement.residentBytes / 1_000_000)
                + share
        )
    }

    private func printJSON(
        _ path: String, _ decoder: DecoderModel, _ bandwidth: Double, _ peak: (float32: Double, int8: Double),
        _ results: [Result]
    ) {
        let list = results.map { result in
            var fields: JSONObject = [
                "test": .string(result.test), "tokens_per_second": .number(result.measurement.mean),
                "stddev": .number(result.measurement.standardDeviation),
                "resident_mb": .number(Double(result.measurement.residentBytes) / 1e6),
            ]
            fields["read_bandwidth_share"] = result.readBandwidthShare.map(JSONValue.number)
            return JSONValue.object(fields)
        }
        print(
            JSONValue.object([
                "results": .array(list), "model": .string(path), "backend": .string(decoder.backendName),
                "threads": .number(Double(setup.options.threads)),
                "repetitions": .number(Double(repetitions)),
                "read_bandwidth_gb_per_s": .number(bandwidth / 1e9),
                "peak_float32_gop_per_s": .number(peak.float32 / 1e9),
                "peak_int8_gop_per_s": .number(peak.int8 / 1e9),
            ]).text)
    }
}
