import Foundation
import GatehouseTensorFiles

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

    /// The file, or the folder.
    public var path: String {
        switch self {
        case .gguf(let file): file.path
        case .checkpoint(let checkpoint): checkpoint.path
        }
    }

    /// The files that hold the weights.
    public var files: [ModelFile] {
        switch self {
        case .gguf(let file): [ModelFile(path: file.path, byteCount: file.byteCount)]
        case .checkpoint(let checkpoint): checkpoint.files
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

/// A file of weights.
public struct ModelFile: Sendable, Equatable {
    public var path: String
    public var byteCount: Int

    /// The last part of the path.
    public var name: String { path.split(separator: "/").last.map(String.init) ?? path }
}
