import CheckpointFixtures
import Decoder
import Foundation
import Weights

/// Prints how near the decoder's logits are to those of transformers in float32, in Markdown: every small checkpoint, from
/// either format, in every mode.
///
///     swift run -c release parity [FOLDER]
///
/// FOLDER holds other checkpoints that `Tests/Fixtures/Checkpoints/make_checkpoints.py --out FOLDER` made.
@main
struct Parity {
    /// How the decoder is built.
    private static let modes: [(name: String, options: DecoderModel.Options)] = [
        ("precise", .init(threads: 2, precise: true)),
        ("precise, two parts", .init(threads: 2, precise: true, shards: 2)),
        ("as served", .init(threads: 2)),
        ("as served, int8 pages", .init(threads: 2, keyValueType: .int8)),
        ("int8 weights", .init(threads: 2, quantization: .int8)),
        ("int4 weights", .init(threads: 2, quantization: .int4)),
    ]

    static func main() {
        do {
            try printTable()
        } catch {
            FileHandle.standardError.write(Data("\(error)\n".utf8))
            exit(1)
        }
    }

    private static func printTable() throws {
        let folder = CommandLine.arguments.dropFirst().first.map { URL(fileURLWithPath: $0) }
        let fixtures = try folder.map { try CheckpointFixture.found(in: $0) } ?? CheckpointFixture.all
        print("| checkpoint | family | weights | format | \(modes.map(\.name).joined(separator: " | ")) |")
        print(String(repeating: "|---", count: 4 + modes.count) + "|")
        for fixture in fixtures {
            for format in CheckpointFixture.Format.allCases
            where FileManager.default.fileExists(atPath: fixture.path(format)) {
                let cells = try modes.map { try cell(fixture, format, $0.options) }
                let columns = [fixture.name, fixture.family, try weights(fixture, format), format.rawValue]
                print("| \((columns + cells).joined(separator: " | ")) |")
            }
        }
    }

    /// The largest error of a position, and how many positions have the same most likely token.
    private static func cell(
        _ fixture: CheckpointFixture, _ format: CheckpointFixture.Format, _ options: DecoderModel.Options
    ) throws -> String {
        let decoder: DecoderModel
        do {
            decoder = try fixture.decoder(format, options: options)
        } catch DecoderError.unsupported where options.shards > 1 {
            return "cannot be cut"
        }
        let agreements = try fixture.expectations().map { expectation in
            Agreement(try decoder.logits(expectation.prompt), expectation.logits)
        }
        let error = agreements.map(\.error).max() ?? .nan
        let (same, all) = agreements.reduce((0, 0)) { ($0.0 + $1.sameTop, $0.1 + $1.positions) }
        return String(format: "%.1e, %d of %d", error, same, all)
    }

    /// What the matrices are stored in.
    private static func weights(
        _ fixture: CheckpointFixture, _ format: CheckpointFixture.Format
    ) throws -> String {
        let matrices = try ModelSource(path: fixture.path(format)).weights.tensors.filter {
            $0.shape.count == 2
        }
        return Set(matrices.map { "\($0.type)" }).sorted().joined(separator: ", ")
    }
}
