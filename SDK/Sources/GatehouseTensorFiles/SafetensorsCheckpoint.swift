import GatehouseJSON
import Glibc

/// The tensors of a checkpoint in safetensors format: of one file, or of the shards that an index names.
public struct SafetensorsCheckpoint: Sendable {
    public static let fileName = "model.safetensors"
    public static let indexName = "model.safetensors.index.json"

    /// The files, each once, in the order of their names.
    public let files: [SafetensorsFile]
    /// What it was opened by: the path of a file or of a folder.
    public let path: String
    /// Tensors, file by file.
    public let tensors: [SafetensorsTensor]
    private let index: [String: Int]

    /// Opens a safetensors file, or a folder that has ``fileName`` or ``indexName``; of both, the first counts.
    public init(path: String) throws(TensorFileError) {
        guard Self.isFolder(path) else {
            try self.init([try SafetensorsFile(path: path)], path: path)
            return
        }
        if Self.exists("\(path)/\(Self.fileName)") {
            try self.init([try SafetensorsFile(path: "\(path)/\(Self.fileName)")], path: path)
        } else if Self.exists("\(path)/\(Self.indexName)") {
            try self.init(folder: path, index: "\(path)/\(Self.indexName)")
        } else {
            throw TensorFileError(
                path: path, field: "folder", expected: "\(Self.fileName) or \(Self.indexName)",
                found: "neither")
        }
    }

    private init(_ files: [SafetensorsFile], path: String) throws(TensorFileError) {
        var tensors: [SafetensorsTensor] = []
        var index: [String: Int] = [:]
        for tensor in files.flatMap(\.tensors) {
            if let other = index.updateValue(tensors.count, forKey: tensor.name) {
                throw TensorFileError(
                    path: tensor.file.path, field: "tensor \(tensor.name)", expected: "it in one file",
                    found: "it in \(tensors[other].file.path) too")
            }
            tensors.append(tensor)
        }
        self.files = files
        self.path = path
        self.tensors = tensors
        self.index = index
    }

    /// Opens every shard that the index names; each has to hold what the index says.
    private init(folder: String, index path: String) throws(TensorFileError) {
        let shards = try Self.shardsByTensor(path)
        var files: [String: SafetensorsFile] = [:]
        for (tensor, shard) in shards {
            let file: SafetensorsFile
            if let opened = files[shard] {
                file = opened
            } else {
                file = try SafetensorsFile(path: "\(folder)/\(shard)")
                files[shard] = file
            }
            guard file.tensor(named: tensor) != nil else {
                throw TensorFileError(
                    path: file.path, field: "tensor \(tensor)", expected: "it here, as \(path) says",
                    found: "no such tensor")
            }
        }
        try self.init(files.sorted { $0.key < $1.key }.map(\.value), path: folder)
    }

    public func tensor(named name: String) -> SafetensorsTensor? { index[name].map { tensors[$0] } }

    private static func shardsByTensor(
        _ path: String
    ) throws(TensorFileError) -> [(tensor: String, shard: String)] {
        func failure(_ field: String, _ expected: String, _ found: String) -> TensorFileError {
            TensorFileError(path: path, field: field, expected: expected, found: found)
        }
        let document: JSONValue
        let file = try MappedFile(path: path, kind: "safetensors index")
        do {
            document = try JSONValue(parsing: file.bytes, repeatedKeys: .refused)
        } catch {
            throw failure("index", error.expected, error.found)
        }
        guard case .object(let map) = document["weight_map"], !map.isEmpty else {
            throw failure(
                "weight_map", "a file for each tensor", document["weight_map"]?.summary ?? "nothing")
        }
        var shards: [(tensor: String, shard: String)] = []
        for (tensor, value) in map {
            // A name leads nowhere but to this folder.
            guard let shard = value.stringValue, !shard.isEmpty, shard != ".", shard != "..",
                !shard.utf8.contains(where: { $0 == UInt8(ascii: "/") || $0 == 0 })
            else {
                throw failure(
                    "weight_map[\"\(tensor)\"]", "the name of a file beside the index", value.summary)
            }
            shards.append((tensor, shard))
        }
        return shards
    }

    private static func isFolder(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    private static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }
}
