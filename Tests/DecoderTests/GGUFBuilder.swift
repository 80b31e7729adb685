import Foundation
import Weights

/// Writes small model files, sound or damaged on purpose.
struct GGUFBuilder {
    /// A metadata value with its type as the file numbers it.
    struct Field {
        var type: UInt32
        var bytes: [UInt8]

        static func uint32(_ value: UInt32) -> Field { Field(type: 4, bytes: littleEndian(value)) }
        static func float32(_ value: Float) -> Field { Field(type: 6, bytes: littleEndian(value.bitPattern)) }
        static func string(_ value: String) -> Field { Field(type: 8, bytes: text(value)) }
        static func array(_ element: UInt32, _ elements: [[UInt8]]) -> Field {
            let count = littleEndian(UInt64(elements.count))
            return Field(type: 9, bytes: littleEndian(element) + count + elements.flatMap(\.self))
        }
    }

    struct Tensor {
        var name: String
        /// As in the file: innermost first.
        var extents: [UInt64]
        var type: UInt32 = TensorType.f32.rawValue
        var data: [UInt8]
        /// Where the directory says the data starts, if not where it does.
        var offset: UInt64?

        static func floats(_ name: String, shape: [Int], _ values: [Float]) -> Tensor {
            Tensor(
                name: name, extents: shape.reversed().map(UInt64.init),
                data: values.flatMap { littleEndian($0.bitPattern) })
        }
    }

    var magic: [UInt8] = Array("GGUF".utf8)
    var version: UInt32 = 3
    var metadata: [(key: String, field: Field)] = []
    var tensors: [Tensor] = []
    var tensorCount: UInt64?
    var entryCount: UInt64?
    var alignment = 32
    /// Bytes left out at the end.
    var cut = 0

    func bytes() -> [UInt8] {
        var file = magic + littleEndian(version)
        file += littleEndian(tensorCount ?? UInt64(tensors.count))
        file += littleEndian(entryCount ?? UInt64(metadata.count))
        for (key, field) in metadata {
            file += text(key) + littleEndian(field.type) + field.bytes
        }
        var data: [UInt8] = []
        for tensor in tensors {
            file += text(tensor.name) + littleEndian(UInt32(tensor.extents.count))
            file += tensor.extents.flatMap { littleEndian($0) }
            file += littleEndian(tensor.type) + littleEndian(tensor.offset ?? UInt64(data.count))
            data += tensor.data
            pad(&data)
        }
        pad(&file)
        file += data
        return Array(file.dropLast(cut))
    }

    private func pad(_ bytes: inout [UInt8]) {
        while bytes.count % alignment != 0 { bytes.append(0) }
    }
}

func littleEndian<T: FixedWidthInteger>(_ value: T) -> [UInt8] {
    withUnsafeBytes(of: value.littleEndian, Array.init)
}

/// A string as the file stores it.
func text(_ string: String) -> [UInt8] {
    littleEndian(UInt64(string.utf8.count)) + Array(string.utf8)
}

/// Calls `body` with a file of these bytes, which is removed afterwards.
func withFile<Result>(_ bytes: [UInt8], _ body: (String) throws -> Result) throws -> Result {
    let url = FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID().uuidString).gguf")
    try Data(bytes).write(to: url)
    defer { try? FileManager.default.removeItem(at: url) }
    return try body(url.path)
}
