import Foundation

/// A number of bytes as people read it: `4096 B`, `98.36 MB`.
struct ByteSize: CustomStringConvertible {
    let bytes: Int

    init(_ bytes: Int) {
        self.bytes = bytes
    }

    var description: String {
        bytes < 10_000 ? "\(bytes) B" : String(format: "%.2f MB", Double(bytes) / 1e6)
    }
}
