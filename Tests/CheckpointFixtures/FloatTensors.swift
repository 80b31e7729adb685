import GatehouseTensorFiles
import Weights

/// A tensor that is of a type which the tests do not read.
public struct UnreadableTensor: Error {
    public var name: String
    public var type: String
}

extension SafetensorsTensor {
    /// The elements in float32, row-major.
    public func floats() throws -> [Float] {
        switch type {
        case .f32: elements(UInt32.self).map { Float(bitPattern: $0) }
        case .f16: elements(UInt16.self).map { Float(Float16(bitPattern: $0)) }
        case .bf16: elements(UInt16.self).map { Float(bitPattern: UInt32($0) << 16) }
        default: throw UnreadableTensor(name: name, type: type.rawValue)
        }
    }

    public func integers() throws -> [Int32] {
        guard type == .i32 else { throw UnreadableTensor(name: name, type: type.rawValue) }
        return elements(Int32.self)
    }

    private func elements<Element: FixedWidthInteger>(_ type: Element.Type) -> [Element] {
        let bytes = bytes
        return stride(from: 0, to: bytes.count, by: MemoryLayout<Element>.size).map {
            Element(littleEndian: bytes.loadUnaligned(fromByteOffset: $0, as: Element.self))
        }
    }
}

extension Tensor {
    /// The elements in float32, row-major.
    public func floats() throws -> [Float] {
        let bytes = bytes
        func halves() -> [UInt16] {
            (0..<count).map {
                UInt16(littleEndian: bytes.loadUnaligned(fromByteOffset: 2 * $0, as: UInt16.self))
            }
        }
        switch type {
        case .f32:
            return (0..<count).map {
                Float(
                    bitPattern: UInt32(
                        littleEndian: bytes.loadUnaligned(fromByteOffset: 4 * $0, as: UInt32.self)))
            }
        case .f16: return halves().map { Float(Float16(bitPattern: $0)) }
        case .bf16: return halves().map { Float(bitPattern: UInt32($0) << 16) }
        default: throw UnreadableTensor(name: name, type: "\(type)")
        }
    }
}
