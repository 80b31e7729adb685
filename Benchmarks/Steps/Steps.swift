import Decoder
import Engine
import Foundation
import Weights

/// Runs what `gatehouse bench` times, twice, on one thread and without its concurrency, which valgrind cannot run:
/// `Benchmarks/instructions.sh` counts the instructions of this.
///
///     swift run -c release steps MODEL PROMPT WRITTEN
@main
struct Steps {
    static func main() {
        let words = CommandLine.arguments
        guard words.count == 4, let prompt = Int(words[2]), let written = Int(words[3]) else {
            fail("usage: steps MODEL PROMPT WRITTEN")
        }
        do {
            let model = try DecoderModel(
                try ModelSource(path: words[1]), options: DecoderModel.Options(threads: 1))
            let benchmark = Benchmark(model)
            if prompt > 0 { _ = try benchmark.prefill(tokens: prompt, repetitions: 1) }
            if written > 0 { _ = try benchmark.decode(tokens: written, batch: 1, repetitions: 1) }
            print(model.backendName)
        } catch {
            fail("\(error)")
        }
    }

    private static func fail(_ reason: String) -> Never {
        FileHandle.standardError.write(Data("\(reason)\n".utf8))
        exit(1)
    }
}
