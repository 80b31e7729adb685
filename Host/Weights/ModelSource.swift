import Foundation
import GatehouseNumerics

/// A model as people have it, by format.
public enum ModelSource: Sendable {
    case gguf(GGUFFile)
    case checkpoint(Checkpoint)

    /// Opens a checkpoint's folder, or a GGUF file.
    public init(path: String) throws(TensorFileError) {
        var isFolder: ObjCBool = false
        if FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), isFolder.boolValue {
            self = .checkpoint(try Checkpoint(path: path))
        } else {
            self = .gguf(try GGUFFile(path: path))
        }
    }

    /// The weights, whatever the format.
    public var weights: any TensorSource {
        switch self {
        case .gguf(let file): file
        case .checkpoint(let checkpoint): checkpoint
        }
    }
}
