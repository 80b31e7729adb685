import Glibc

/// What the host hands to a plugin for one media part.
public struct MediaPart: Sendable {
    /// Lower case, without parameters.
    public let mediaType: String
    /// The file's bytes.
    public let bytes: [UInt8]

    public init(mediaType: String, bytes: [UInt8]) {
        self.mediaType = mediaType
        self.bytes = bytes
    }
}

/// Where a part's bytes lie in shared memory.
public struct PartRange: Sendable, Equatable {
    /// Lower case, without parameters.
    var mediaType: String
    /// Bytes from the start of the memory.
    var offset: Int
    /// Bytes.
    var size: Int
}

/// The parts of one call, in memory that can cross to a worker.
public struct EncodeInput: Sendable {
    public let memory: SharedMemory
    public let parts: [PartRange]
    /// Told how far the call has come, 0 … 1, from any thread.
    public var progress: (@Sendable (Double) -> Void)?
    /// Handed each segment of text as the plugin ends it, from any thread.
    public var text: (@Sendable (String) -> Void)?

    /// Copies `parts` into shared memory, one after the other.
    public init(_ parts: [MediaPart]) throws(PluginFailure) {
        var ranges: [PartRange] = []
        var offset = 0
        for part in parts {
            ranges.append(PartRange(mediaType: part.mediaType, offset: offset, size: part.bytes.count))
            // Aligned as malloc would, since a decoder may read words.
            offset = (offset + part.bytes.count + 15) & ~15
        }
        let memory = try SharedMemory(size: offset)
        for (part, range) in zip(parts, ranges) {
            part.bytes.withUnsafeBytes { bytes in
                UnsafeMutableRawBufferPointer(start: memory.base + range.offset, count: range.size)
                    .copyMemory(from: bytes)
            }
        }
        self.memory = memory
        self.parts = ranges
    }

    /// Parts that came from the other process, in memory that it filled.
    public init(_ parts: [PartRange], in memory: SharedMemory) throws(PluginFailure) {
        for part in parts where part.offset > memory.size || part.size > memory.size - part.offset {
            throw PluginFailure(.violation, "an input part lies outside its shared memory")
        }
        self.memory = memory
        self.parts = parts
    }
}
