import Foundation
import Weights

/// Writes small model files, sound or damaged on purpose.
package struct GGUFBuilder {
    /// A metadata value with its type as the file numbers it.
    package struct Field {
        package var type: UInt32
        package var bytes: [UInt8]

        package init(type: UInt32, bytes: [UInt8]) {
            self.type = type
            self.bytes = bytes
        }

        package static func uint32(_ value: UInt32) -> Field { Field(type: 4, bytes: littleEndian(value)) }
        package static func float32(_ value: Float) -> Field {
            Field(type: 6, bytes: littleEndian(value.bitPattern))
        }
        package static func string(_ value: String) -> Field { Field(type: 8, bytes: text(value)) }
        package static func array(_ element: UInt32, _ elements: [[UInt8]]) -> Field {
            let count = littleEndian(UInt64(elements.count))
            return Field(type: 9, bytes: littleEndian(element) + count + elements.flatMap(\.self))
        }
    }

    package struct Tensor {
        package var name: String
        /// As in the file: innermost first.
        package var extents: [UInt64]
        package var type: UInt32 = TensorType.f32.rawValue
        package var data: [UInt8]
        /// Where the directory says the data starts, if not where it does.
        package var offset: UInt64?

        package init(
            name: String, extents: [UInt64], type: UInt32 = TensorType.f32.rawValue, data: [UInt8],
            offset: UInt64? = nil
        ) {
            self.name = name
            self.extents = extents
            self.type = type
            self.data = data
            self.offset = offset
        }

        package static func floats(_ name: String, shape: [Int], _ values: [Float]) -> Tensor {
            Tensor(
                name: name, extents: shape.reversed().map(UInt64.init),
                data: values.flatMap { littleEndian($0.bitPattern) })
        }
    }

    package var magic: [UInt8] = Array("GGUF".utf8)
    package var version: UInt32 = 3
    package var metadata: [(key: String, field: Field)] = []
    package var tensors: [Tensor] = []
    package var tensorCount: UInt64?
    package var entryCount: UInt64?
    package var alignment = 32
    /// Bytes left out at the end.
    package var cut = 0

    package init() {}

    package func bytes() -> [UInt8] {
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

package func littleEndian<T: FixedWidthInteger>(_ value: T) -> [UInt8] {
    withUnsafeBytes(of: value.littleEndian, Array.init)
}

/// A string as the file stores it.
package func text(_ string: String) -> [UInt8] {
    littleEndian(UInt64(string.utf8.count)) + Array(string.utf8)
}

/// Calls `body` with a file of these bytes, which is removed afterwards.
package func withFile<Result>(_ bytes: [UInt8], _ body: (String) throws -> Result) throws -> Result {
    let url = FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID().uuidString).gguf")
    try Data(bytes).write(to: url)
    defer { try? FileManager.default.removeItem(at: url) }
    return try body(url.path)
}
