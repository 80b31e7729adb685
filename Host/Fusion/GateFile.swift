import Decoder
import Foundation
import GatehouseTensorFiles
import Synchronization

/// `gate.safetensors` of a plugin: a gate for each of some decoders. `SDK/README.md` says what stands in it.
public struct GateFile: Sendable {
    private let gates: [(decoder: DecoderIdentity, gate: Gate)]

    /// Reads and checks a file; nothing of it stays mapped.
    public init(path: String) throws(TensorFileError) {
        let file = try SafetensorsFile(path: path)
        var names: Set<String> = []
        for tensor in file.tensors {
            guard let name = Self.decoderName(of: tensor.name) else {
                let known = Self.suffixes.map { "NAME" + $0 }.joined(separator: ", ")
                throw TensorFileError(
                    path: path, field: "tensor \(tensor.name)", expected: "one of \(known)",
                    found: "this name")
            }
            names.insert(name)
        }
        if names.isEmpty {
            throw TensorFileError(
                path: path, field: "tensors", expected: "NAME.weight and others of at least one decoder",
                found: "none")
        }
        var gates: [(DecoderIdentity, Gate)] = []
        for name in names.sorted() { gates.append(try Self.gate(name, file)) }
        self.gates = gates
    }

    /// The gate for a decoder; nil where the file has none for it.
    func gate(for decoder: DecoderIdentity) -> Gate? {
        gates.first { $0.decoder.matches(decoder) }?.gate
    }

    /// The longer before those that they end in.
    private static let suffixes = [".early.weight", ".early.bias", ".fingerprint", ".weight", ".bias"]

    private static func decoderName(of tensor: String) -> String? {
        for suffix in suffixes where tensor.hasSuffix(suffix) && tensor != suffix {
            return String(tensor.dropLast(suffix.count))
        }
        return nil
    }

    private static func gate(
        _ name: String, _ file: SafetensorsFile
    ) throws(TensorFileError) -> (DecoderIdentity, Gate) {
        let weight = try floats("\(name).weight", file, "[3 · hidden]") {
            $0.count == 1 && $0[0] > 0 && $0[0].isMultiple(of: 3)
        }
        let hidden = weight.count / 3
        func bias(_ tensor: String) throws(TensorFileError) -> Float {
            try floats(tensor, file, "[1]") { $0 == [1] || $0 == [] }[0]
        }
        let fingerprint = try floats("\(name).fingerprint", file, "[64, 8]") { $0 == [64, 8] }
        guard let family = file.metadata["\(name).family"] else {
            throw TensorFileError(
                path: file.path, field: "__metadata__.\(name).family",
                expected: "the family of the decoder, such as llama", found: "nothing")
        }
        var early: Gate.Linear?
        if file.tensor(named: "\(name).early.weight") != nil
            || file.tensor(named: "\(name).early.bias") != nil
        {
            early = Gate.Linear(
                weight: try floats("\(name).early.weight", file, "[\(hidden)]") { $0 == [hidden] },
                bias: try bias("\(name).early.bias"))
        }
        let full = Gate.Linear(weight: weight, bias: try bias("\(name).bias"))
        return (
            DecoderIdentity(family: family, hidden: hidden, fingerprint: fingerprint),
            Gate(full: full, early: early)
        )
    }

    /// The values of a float32 tensor whose shape passes `isRight`.
    private static func floats(
        _ name: String, _ file: SafetensorsFile, _ shape: String, _ isRight: ([Int]) -> Bool
    ) throws(TensorFileError) -> [Float] {
        func failure(_ expected: String, _ found: String) -> TensorFileError {
            TensorFileError(path: file.path, field: "tensor \(name)", expected: expected, found: found)
        }
        guard let tensor = file.tensor(named: name) else { throw failure("F32 \(shape)", "no such tensor") }
        guard tensor.type == .f32, isRight(tensor.shape) else {
            throw failure("F32 \(shape)", "\(tensor.type.rawValue) \(tensor.shape)")
        }
        let bytes = tensor.bytes
        let values = stride(from: 0, to: bytes.count, by: 4).map {
            Float(
                bitPattern: UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: $0, as: UInt32.self)))
        }
        if let value = values.first(where: { !$0.isFinite }) { throw failure("finite numbers", "\(value)") }
        return values
    }
}

/// The gate files that requests came by, each read once. Any thread.
final class GateFiles: Sendable {
    /// What tells that a file has been replaced.
    private struct Stamp: Equatable {
        var device: UInt64
        var inode: UInt64
        var size: Int
        var seconds: Int
        var nanoseconds: Int
    }

    private let files = Mutex<[String: (stamp: Stamp, file: GateFile)]>([:])

    /// The file as it is now.
    func file(at path: String) throws(TensorFileError) -> GateFile {
        var status = stat()
        // Where it is not there, reading says so.
        guard stat(path, &status) == 0 else { return try GateFile(path: path) }
        let stamp = Stamp(
            device: UInt64(status.st_dev), inode: UInt64(status.st_ino), size: Int(status.st_size),
            seconds: status.st_mtim.tv_sec, nanoseconds: status.st_mtim.tv_nsec)
        let known = files.withLock { $0[path] }
        if let known, known.stamp == stamp { return known.file }
        let file = try GateFile(path: path)
        files.withLock { $0[path] = (stamp, file) }
        return file
    }
}
