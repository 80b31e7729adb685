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
            Option("--batch", "1,4,16", "sequences written at once, each a test (default: 1)"),
            Option("--repetitions", "N", "runs of each test after one that is not counted (default: 5)"),
            Option("--json", nil, "print one JSON object"),
        ] + DecoderSetup.options

    private let setup: DecoderSetup
    private let prompt: Int
    private let written: Int
    private let batches: [Int]
    private let repetitions: Int
    private let json: Bool

    init(_ arguments: Arguments) throws(UsageError) {
        try arguments.expectRest(0...0, "")
        setup = try DecoderSetup(arguments)
        prompt = try arguments.integer("-p", in: 0...(1 << 20)) ?? 512
        written = try arguments.integer("-n", in: 0...(1 << 20)) ?? 128
        batches = try arguments.integers("--batch", in: 1...4096) ?? [1]
        repetitions = try arguments.integer("--repetitions", in: 1...1000) ?? 5
        json = arguments.flag("--json")
    }

    func run() async throws {
        let path = try setup.path()
        let decoder = try setup.decoder()
        let benchmark = Benchmark(decoder)
        var results: [(test: String, rate: Benchmark.Rate)] = []
        if !json {
            print(
                "model \(path)\n\(decoder.backendName), \(setup.options.threads) threads, \(repetitions) runs a test"
            )
            print("test       tokens/s   ± stddev")
        }
        func add(_ test: String, _ rate: Benchmark.Rate) {
            results.append((test, rate))
            if !json {
                print(
                    test.padding(toLength: 9, withPad: " ", startingAt: 0)
                        + String(format: "%10.2f %10.2f", rate.mean, rate.standardDeviation))
            }
        }
        if prompt > 0 {
            add("pp\(prompt)", try benchmark.prefill(tokens: prompt, repetitions: repetitions))
        }
        if written > 0 {
            for batch in batches {
                let test = batch == 1 ? "tg\(written)" : "tg\(written)@\(batch)"
                add(test, try benchmark.decode(tokens: written, batch: batch, repetitions: repetitions))
            }
        }
        if json { printJSON(path, decoder, results) }
    }

    private func printJSON(
        _ path: String, _ decoder: DecoderModel, _ results: [(test: String, rate: Benchmark.Rate)]
    ) {
        let list = results.map { test, rate in
            JSONValue.object([
                "test": .string(test), "tokens_per_second": .number(rate.mean),
                "stddev": .number(rate.standardDeviation),
            ])
        }
        print(
            JSONValue.object([
                "results": .array(list), "model": .string(path), "backend": .string(decoder.backendName),
                "threads": .number(Double(setup.options.threads)),
                "repetitions": .number(Double(repetitions)),
            ]).text)
    }
}
