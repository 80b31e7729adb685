import Foundation
import GatehouseTensorFiles

/// Writes small safetensors files, sound or damaged on purpose.
struct SafetensorsBuilder {
    struct Entry {
        var name: String
        var type = "F32"
        /// JSON text: hostile extents do not fit in an integer.
        var shape: String
        var offsets: String
    }

    var entries: [Entry] = []
    var metadata: String? = #"{"format": "pt"}"#
    var data: [UInt8] = []
    /// What stands for the header, if not the entries.
    var header: String?
    /// What the length says, if not the truth.
    var headerLength: UInt64?
    /// Bytes left out at the end.
    var cut = 0

    /// Two tensors: `a`, F32 [2, 3], and `b`, BF16 [2].
    static var sound: SafetensorsBuilder {
        SafetensorsBuilder(
            entries: [
                Entry(name: "a", shape: "[2, 3]", offsets: "[0, 24]"),
                Entry(name: "b", type: "BF16", shape: "[2]", offsets: "[24, 28]"),
            ], data: Array(0..<28))
    }

    func bytes() -> [UInt8] {
        var members = entries.map {
            #""\#($0.name)": {"dtype": "\#($0.type)", "shape": \#($0.shape), "data_offsets": \#($0.offsets)}"#
        }
        if let metadata { members.append(#""__metadata__": \#(metadata)"#) }
        let text = Array((header ?? "{\(members.joined(separator: ", "))}").utf8)
        let length = withUnsafeBytes(of: (headerLength ?? UInt64(text.count)).littleEndian, Array.init)
        return Array((length + text + data).dropLast(cut))
    }
}

/// Calls `body` with a folder of its own, which is removed afterwards.
func withFolder<Result>(_ files: [String: [UInt8]], _ body: (String) throws -> Result) throws -> Result {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    for (name, bytes) in files { try Data(bytes).write(to: folder.appendingPathComponent(name)) }
    return try body(folder.path)
}
