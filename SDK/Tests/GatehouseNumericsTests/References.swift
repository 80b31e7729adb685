import Foundation
import GatehouseNumerics
import Testing

/// What `reference/make_references.py` made with PyTorch and Pillow, in float64 where a function is the subject.
struct References {
    private let file: SafetensorsFile

    init() throws {
        let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("reference/references.safetensors").path
        file = try SafetensorsFile(path: path)
    }

    var path: String { file.path }

    func floats(_ name: String) throws -> [Float] {
        let tensor = try #require(file.tensor(named: name))
        let format = try #require(FloatFormat(tensor.type))
        return [Float](unsafeUninitializedCapacity: tensor.count) { buffer, count in
            if let base = buffer.baseAddress { format.widen(tensor.bytes, into: base) }
            count = tensor.count
        }
    }

    func bytes(_ name: String) throws -> [UInt8] { Array(try #require(file.tensor(named: name)).bytes) }

    func weight(_ name: String, _ residency: WeightReader.Residency) throws -> WeightMatrix {
        let tensor = try #require(file.tensor(named: name))
        return try WeightReader(file, residency: residency).weight(name, tensor.shape)
    }
}

/// Numbers from -1 to 1 that float32 has exactly, the same as the script's.
func pattern(_ rows: Int, _ columns: Int, seed: Int, scale: Float = 1) -> Matrix {
    Matrix(
        rows: rows, columns: columns,
        (0..<rows * columns).map { scale * (Float(($0 * 7919 + seed * 104729) % 1009) / 512 - 1) })
}

func picture(_ height: Int, _ width: Int, _ channels: Int, seed: Int) -> PixelImage {
    PixelImage(
        width: width, height: height, channels: channels,
        samples: (0..<height * width * channels).map {
            UInt8(($0 * 7919 + seed * 104729) % 1009 % 256)
        })
}

/// Whether all elements are near the reference: differences at most `tolerance` of the greatest magnitude.
func expectNear(
    _ matrix: Matrix, _ reference: [Float], tolerance: Float = 2e-6,
    sourceLocation: SourceLocation = #_sourceLocation
) {
    let elements = matrix.elements
    #expect(elements.count == reference.count, sourceLocation: sourceLocation)
    let most = reference.map(abs).max() ?? 0
    let furthest = zip(elements, reference).map { abs($0 - $1) }.max() ?? .infinity
    #expect(furthest <= tolerance * most, sourceLocation: sourceLocation)
}
