import CKernels

/// SplitMix64: the same numbers on every machine.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    mutating func floats(_ count: Int, in range: ClosedRange<Float> = -1...1) -> [Float] {
        (0..<count).map { _ in Float.random(in: range, using: &self) }
    }
}

extension gh_type {
    static let all: [gh_type] = [
        GH_TYPE_F32, GH_TYPE_F16, GH_TYPE_BF16, GH_TYPE_Q4_0, GH_TYPE_Q4_1, GH_TYPE_Q5_0, GH_TYPE_Q5_1,
        GH_TYPE_Q8_0, GH_TYPE_Q4_K, GH_TYPE_Q5_K, GH_TYPE_Q6_K,
    ]

    var name: String {
        gh_type_name(rawValue).map { String(cString: $0) } ?? "unknown"
    }
}

/// A weight matrix of random blocks, its elements within about ±0.1, and the memory that holds it.
final class RandomMatrix {
    let matrix: gh_matrix
    private let memory: UnsafeMutableRawPointer

    /// Half-precision fields of a block, by byte offset, chosen so that the elements come out small and centred.
    private static func halves(_ type: gh_type) -> [(offset: Int, value: Float)] {
        switch type {
        case GH_TYPE_Q4_0: [(0, 0.01)]
        case GH_TYPE_Q4_1: [(0, 0.01), (2, -0.075)]
        case GH_TYPE_Q5_0: [(0, 0.005)]
        case GH_TYPE_Q5_1: [(0, 0.005), (2, -0.0775)]
        case GH_TYPE_Q8_0: [(0, 0.0008)]
        case GH_TYPE_Q4_K: [(0, 0.0003), (2, 0.00225)]
        case GH_TYPE_Q5_K: [(0, 0.00015), (2, 0.00225)]
        case GH_TYPE_Q6_K: [(208, 0.00003)]
        default: []
        }
    }

    init(_ type: gh_type, rows: Int, cols: Int, using generator: inout SeededGenerator) {
        let blockBytes = Int(gh_type_block_bytes(type.rawValue))
        let blocks = rows * cols / Int(gh_type_block_size(type.rawValue))
        memory = .allocate(byteCount: max(1, blocks * blockBytes), alignment: 64)
        for block in 0..<blocks {
            let place = memory + block * blockBytes
            let value = Float.random(in: -0.1...0.1, using: &generator)
            switch type {
            case GH_TYPE_F32: place.storeBytes(of: value, as: Float.self)
            case GH_TYPE_F16: place.storeBytes(of: Self.half(value), as: UInt16.self)
            case GH_TYPE_BF16: place.storeBytes(of: UInt16(value.bitPattern >> 16), as: UInt16.self)
            default:
                for byte in 0..<blockBytes {
                    place.storeBytes(
                        of: UInt8.random(in: 0...255, using: &generator), toByteOffset: byte, as: UInt8.self)
                }
                for field in Self.halves(type) {
                    let scale = field.value * Float.random(in: 0.9...1.1, using: &generator)
                    place.storeBytes(of: Self.half(scale), toByteOffset: field.offset, as: UInt16.self)
                }
            }
        }
        matrix = gh_matrix(
            data: UnsafeRawPointer(memory), bias: nil, stride: 0, type: type.rawValue, rows: UInt32(rows),
            cols: UInt32(cols), reserved: 0)
    }

    deinit {
        memory.deallocate()
    }

    /// The elements, row-major, `[rows, cols]`.
    var values: [Float] {
        let count = Int(matrix.rows) * Int(matrix.cols)
        return [Float](unsafeUninitializedCapacity: count) { buffer, initialized in
            let status = gh_dequantize_row(matrix.type, matrix.data, buffer.baseAddress, UInt64(count))
            precondition(status == GH_OK)
            initialized = count
        }
    }

    /// A normal half-precision number near `value`, rounded towards zero.
    private static func half(_ value: Float) -> UInt16 {
        let bits = value.bitPattern
        let exponent = Int(bits >> 23 & 0xFF) - 112
        guard exponent > 0 else { return UInt16(bits >> 16 & 0x8000) }
        return UInt16(bits >> 16 & 0x8000) | UInt16(exponent << 10) | UInt16(bits >> 13 & 0x3FF)
    }
}
