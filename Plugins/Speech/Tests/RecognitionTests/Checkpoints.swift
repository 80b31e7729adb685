import Foundation
import GatehouseNumerics
import Sounds
import Testing

/// What `reference/make_checkpoints.py` made.
struct Checkpoints {
    private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("checkpoints")

    let references: SafetensorsFile
    /// Texts by their names.
    let expected: [String: String]
    /// The sound, 16 kHz.
    let samples: [Float]

    init() throws {
        references = try SafetensorsFile(path: Self.path("references.safetensors"))
        expected = try JSONDecoder().decode(
            [String: String].self, from: Data(contentsOf: URL(fileURLWithPath: Self.path("expected.json"))))
        samples = try Data(contentsOf: URL(fileURLWithPath: Self.path("sound.flac"))).withUnsafeBytes {
            bytes in
            let reader = try SoundReader(decoding: bytes, as: .flac, rate: 16000)
            var samples = [Float](repeating: 0, count: 100_000)
            let count = try samples.withUnsafeMutableBufferPointer { try reader.read(into: $0) }
            return Array(samples[..<count])
        }
    }

    static func path(_ name: String) -> String { folder.appendingPathComponent(name).path }

    func reference(_ name: String) throws -> Matrix {
        let tensor = try #require(references.tensor(named: name))
        return try WeightReader(references).floats(name, tensor.shape).reshaped(columns: tensor.shape[1])
    }

    /// The greatest difference to a reference, of its root mean square.
    func difference(_ rows: Matrix, _ name: String) throws -> Float {
        let reference = try reference(name)
        #expect((rows.rows, rows.columns) == (reference.rows, reference.columns))
        let scale = (reference.elements.reduce(0) { $0 + $1 * $1 } / Float(reference.elements.count))
            .squareRoot()
        return (zip(rows.elements, reference.elements).map { abs($0 - $1) }.max() ?? .infinity) / scale
    }
}
