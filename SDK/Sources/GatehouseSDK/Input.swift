/// The parts of one call, in the order in which the message carries them. Valid during the call only.
public struct Input: RandomAccessCollection {
    private let parts: UnsafeBufferPointer<GatehousePart>

    init(_ input: UnsafePointer<GatehouseInput>) {
        parts = UnsafeBufferPointer(start: input.pointee.parts, count: Int(input.pointee.part_count))
    }

    public var startIndex: Int { 0 }
    public var endIndex: Int { parts.count }

    public subscript(index: Int) -> Part { Part(parts[index]) }
}

/// One part of the input. Valid during the call only.
public struct Part {
    /// What the bytes of a part are.
    public enum Kind: Equatable {
        /// A file's bytes, as the media type says.
        case encoded
        /// UTF-8.
        case text
        /// Float32 samples in -1 … 1, channels interleaved.
        case pcm(sampleRate: Int, channels: Int)
        /// 8-bit RGBA, not premultiplied, sRGB, `stride` bytes from row to row.
        case pixels(width: Int, height: Int, stride: Int)
        /// A kind that this SDK does not know.
        case other(UInt32)
    }

    public let kind: Kind
    /// Lower case, without parameters.
    public let mediaType: String
    /// Read-only, and gone after the call.
    public let bytes: UnsafeRawBufferPointer

    init(_ part: GatehousePart) {
        kind =
            switch Int(part.kind) {
            case GATEHOUSE_PART_ENCODED: .encoded
            case GATEHOUSE_PART_TEXT: .text
            case GATEHOUSE_PART_PCM: .pcm(sampleRate: Int(part.sample_rate), channels: Int(part.channels))
            case GATEHOUSE_PART_PIXELS:
                .pixels(width: Int(part.width), height: Int(part.height), stride: Int(part.stride))
            default: .other(part.kind)
            }
        mediaType = String(cString: part.media_type)
        bytes = UnsafeRawBufferPointer(start: part.data, count: Int(part.size))
    }
}

/// One call's connection to the request behind it. Valid during the call only, on any thread of the plugin.
public struct Job: @unchecked Sendable {  // the ABI lets any thread of the plugin ask it during the call
    private let pointer: UnsafePointer<GatehouseJob>

    init(_ pointer: UnsafePointer<GatehouseJob>) {
        self.pointer = pointer
    }

    /// For logs; unique in the process.
    public var id: UInt64 { pointer.pointee.id }

    /// Whether the result is no longer wanted, the deadline included. Costs some nanoseconds.
    public var isCancelled: Bool { pointer.pointee.cancelled(pointer.pointee.ctx) != 0 }

    /// Throws ``PluginError/cancelled`` when the result is no longer wanted. Call it at least every 50 ms.
    public func checkCancellation() throws(PluginError) {
        if isCancelled { throw .cancelled }
    }

    /// Reports how much of the call is done, 0 … 1, never falling.
    public func progress(_ fraction: Double) {
        pointer.pointee.progress(pointer.pointee.ctx, fraction)
    }
}
