import Foundation
import PluginHost

/// Writes `gate.safetensors`, sound or damaged on purpose.
public struct GateFileBuilder {
    public var metadata: [String: String]
    public var tensors: [(name: String, type: String, shape: [Int], values: [Float])] = []

    /// A gate for one decoder, called `decoder` in the file.
    ///
    /// - Parameters:
    ///   - weight: `[3 · hidden]`; nil for zeros, so that α is σ(bias) whatever is gated.
    ///   - early: The bias of an early gate whose weights are zero; nil for none.
    public init(
        for decoder: DecoderIdentityFacts, weight: [Float]? = nil, bias: Float, early: Float? = nil
    ) {
        let hidden = Int(decoder.hidden)
        metadata = ["decoder.family": decoder.family]
        tensors = [
            ("decoder.fingerprint", "F32", [64, 8], decoder.fingerprint),
            ("decoder.weight", "F32", [3 * hidden], weight ?? [Float](repeating: 0, count: 3 * hidden)),
            ("decoder.bias", "F32", [1], [bias]),
        ]
        if let early {
            tensors.append(
                ("decoder.early.weight", "F32", [hidden], [Float](repeating: 0, count: hidden)))
            tensors.append(("decoder.early.bias", "F32", [1], [early]))
        }
    }

    public mutating func change(_ name: String, _ change: (inout [Float]) -> Void) {
        for index in tensors.indices where tensors[index].name == name { change(&tensors[index].values) }
    }

    /// Writes the file `name` into a folder, and says where it is.
    @discardableResult
    public func write(to folder: URL, name: String = "gate.safetensors") throws -> String {
        var entries = [
            "\"__metadata__\":{" + metadata.map { "\"\($0)\":\"\($1)\"" }.joined(separator: ",") + "}"
        ]
        var data = Data()
        for tensor in tensors {
            let start = data.count
            for value in tensor.values {
                // Of a half only the size is needed.
                let bits = value.bitPattern.littleEndian
                withUnsafeBytes(of: bits) { data.append(contentsOf: $0.prefix(tensor.type == "F16" ? 2 : 4)) }
            }
            entries.append(
                #""\#(tensor.name)":{"dtype":"\#(tensor.type)","shape":\#(tensor.shape),"data_offsets":[\#(start),\#(data.count)]}"#
            )
        }
        let header = Data("{\(entries.joined(separator: ","))}".utf8)
        let length = withUnsafeBytes(of: UInt64(header.count).littleEndian) { Data($0) }
        let url = folder.appendingPathComponent(name)
        try (length + header + data).write(to: url)
        return url.path
    }
}
