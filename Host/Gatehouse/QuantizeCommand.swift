import Decoder
import Foundation
import Fusion
import Weights

/// Writes a model with smaller weights.
struct QuantizeCommand: Command {
    static let name = "quantize"
    static let synopsis = "IN OUT --type T [OPTION]…"
    static let summary = "Write a model, a GGUF file or a checkpoint's folder, as GGUF with smaller weights."
    static let options = [
        Option("--type", "T", "what matrices become: q8_0, q4_0, q4_k and so on, or f32, f16, bf16"),
        Option("--threads", "N", "threads (default: one a core)"),
    ]

    private let input: String
    private let output: String
    private let target: GGUFConversion.Target
    private let threads: Int

    init(_ arguments: Arguments) throws(UsageError) {
        try arguments.expectRest(2...2, "the file to read, or the one to write,")
        input = arguments.rest[0]
        output = arguments.rest[1]
        let names = GGUFConversion.Target.allCases.map(\.rawValue)
        guard let name = try arguments.choice("--type", of: names),
            let target = GGUFConversion.Target(rawValue: name)
        else { throw UsageError("--type is needed: \(names.joined(separator: ", "))") }
        self.target = target
        threads = try arguments.threads()
    }

    func run() async throws {
        let source = try ModelSource(path: input)
        let bar = ProgressBar("Quantising")
        let conversion = try GGUFConversion(
            source, to: target, threads: threads,
            name: URL(fileURLWithPath: input).standardizedFileURL.lastPathComponent,
            tokenizer: { try $0.tokenizerEntries(architecture: $1, vocabulary: $2) },
            progress: LoadProgress { bar.show($0, of: $1) })
        try OutputFile(output, option: "OUT").write { append in
            try conversion.writer.write { try append(Data($0)) }
        }
        for (name, type) in conversion.fallbacks {
            print("\(name) is \(type): its rows are no multiple of \(target.type.blockElements)")
        }
        print("\(output): \(conversion.writer.dataByteCount) bytes of weights")
    }
}
