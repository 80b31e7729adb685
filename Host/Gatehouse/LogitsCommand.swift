import Decoder
import Engine
import Foundation

/// Computes what the decoder says after each token of a text.
struct LogitsCommand: Command {
    static let name = "logits"
    static let synopsis = "--ids 1,2,3 --output F [OPTION]…"
    static let summary = "Write the logits after each token: float32, [tokens, vocabulary], row-major."
    static let options =
        [
            Option("--ids", "1,2,3", "the tokens"),
            Option("--output", "F", "the file to write"),
        ] + DecoderSetup.options + [
            Option("--precise", nil, "compute in float32 throughout")
        ]

    private let ids: [Int32]
    private let output: String
    private let setup: DecoderSetup

    init(_ arguments: Arguments) throws(UsageError) {
        try arguments.expectRest(0...0, "")
        guard let ids = try arguments.integers("--ids", in: 0...Int(Int32.max)) else {
            throw UsageError("--ids is needed")
        }
        self.ids = ids.map { Int32($0) }
        output = try arguments.required("--output")
        setup = try DecoderSetup(arguments, precise: arguments.flag("--precise"))
    }

    func run() async throws {
        let decoder = try setup.decoder()
        try OutputFile(output, option: "--output").write { append in
            try decoder.logits(ids) { try append(Data(buffer: $0)) }
        }
    }
}
