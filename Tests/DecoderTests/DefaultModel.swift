import Decoder
import Foundation
import Testing
import Weights

/// The default model of the checkout, opened once for all tests.
enum DefaultModel {
    static let name = "SmolLM2-135M-Instruct.Q4_1.gguf"
    static let fixtures = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("Fixtures")

    private static let opened = Result { () throws -> ModelSource in
        let path = fixtures.appendingPathComponent("../../../models/\(name)").standardized.path
        guard FileManager.default.fileExists(atPath: path) else { throw Missing(path: path) }
        return try ModelSource(path: path)
    }
    private static let fastModel = Result {
        try DecoderModel(opened.get(), options: .init(threads: 2))
    }
    private static let preciseModel = Result {
        try DecoderModel(opened.get(), options: .init(threads: 2, precise: true))
    }

    static func file() throws -> ModelSource { try opened.get() }
    /// As it is served: quantised activations.
    static func fast() throws -> DecoderModel { try fastModel.get() }
    /// Float32 throughout.
    static func precise() throws -> DecoderModel { try preciseModel.get() }

    struct Missing: Error, CustomStringConvertible {
        var path: String
        var description: String { "\(path) is missing: ./run_tests.sh fetches it" }
    }
}

/// Logits of a text as `Fixtures/make_logits_reference.py` computes them: numpy, float32, dequantised weights.
struct LogitsReference {
    private struct Description: Decodable {
        var ids: [Int32]
        var top: [Int32]
        var column_stride: Int
    }

    let ids: [Int32]
    /// The most likely token at each position.
    let top: [Int32]
    /// Every `columnStride`-th column of the logits is in the fixture.
    let columnStride: Int
    /// `[positions, columns]`
    private let values: [Float]

    init() throws {
        let folder = DefaultModel.fixtures
        let description = try JSONDecoder().decode(
            Description.self, from: Data(contentsOf: folder.appendingPathComponent("logits_reference.json")))
        ids = description.ids
        top = description.top
        columnStride = description.column_stride
        values = try Data(contentsOf: folder.appendingPathComponent("logits_reference.f32")).withUnsafeBytes {
            Array($0.bindMemory(to: Float.self))
        }
    }

    /// The reference at one position.
    func row(_ position: Int) -> [Double] {
        let columns = values.count / ids.count
        return values[position * columns..<(position + 1) * columns].map(Double.init)
    }

    /// The same columns of computed logits `[positions, vocabulary]`.
    func columns(of logits: [Float], vocabulary: Int, position: Int) -> [Double] {
        stride(from: 0, to: vocabulary, by: columnStride).map { Double(logits[position * vocabulary + $0]) }
    }
}
