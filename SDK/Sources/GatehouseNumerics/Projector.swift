/// An MLP from an encoder's features to rows in a decoder's space: `projector.safetensors`.
///
/// Layers are `linear_1`, `linear_2` and so on, each with `.weight` and perhaps `.bias`; between them stands the
/// activation that the file's metadata names under `activation` (`gelu` if it names none). Where an encoder has class tokens,
/// the metadata's `features` says what goes in: `patches` (the standard) or `all`, the class tokens first. `decoder.family` of
/// the metadata and the tensor `decoder.fingerprint`, `[64, 8]`, say whose space the rows are in; without them it is the
/// decoder at hand.
public struct Projector: Sendable {
    public static let fileName = "projector.safetensors"

    public let layers: [Linear]
    public let activation: Activation
    public let takesClassToken: Bool
    /// Whose space its rows are in.
    public let decoder: (family: String, fingerprint: [Float])?

    /// - Parameter width: of the features.
    public init(_ file: SafetensorsFile, width: Int) throws(TensorFileError) {
        let weights = WeightReader(file)
        var layers: [Linear] = []
        var inputs = width
        while let shape = file.tensor(named: "linear_\(layers.count + 1).weight")?.shape {
            let name = "linear_\(layers.count + 1)"
            guard shape.count == 2, shape[0] > 0 else {
                throw TensorFileError(
                    path: file.path, field: "tensor \(name).weight", expected: "[outputs, \(inputs)]",
                    found: "\(shape)")
            }
            layers.append(try weights.linear(name, inputs: inputs, outputs: shape[0]))
            inputs = shape[0]
        }
        guard !layers.isEmpty else {
            throw TensorFileError(
                path: file.path, field: "tensor linear_1.weight", expected: "[outputs, \(width)]",
                found: "no such tensor")
        }
        let name = file.metadata["activation"] ?? "gelu"
        guard let activation = Activation(named: name) else {
            throw TensorFileError(
                path: file.path, field: "__metadata__.activation",
                expected: "one of \(Activation.allCases.map(\.rawValue).joined(separator: ", "))",
                found: "\"\(name)\"")
        }
        switch file.metadata["features"] ?? "patches" {
        case "patches": takesClassToken = false
        case "all": takesClassToken = true
        case let other:
            throw TensorFileError(
                path: file.path, field: "__metadata__.features", expected: "patches or all",
                found: "\"\(other)\"")
        }
        self.layers = layers
        self.activation = activation
        guard let family = file.metadata["decoder.family"] else {
            decoder = nil
            return
        }
        decoder = (family, try weights.floats("decoder.fingerprint", [64, 8]).elements)
    }

    /// Of its rows.
    public var width: Int { layers.last?.outputs ?? 0 }

    /// Rows from an encoder's last hidden state, which begins with `classTokens`.
    public func rows(_ features: Matrix, classTokens: Int, _ team: ThreadTeam) -> Matrix {
        var x = takesClassToken ? features : features.rows(classTokens..<features.rows)
        for (index, layer) in layers.enumerated() {
            let y = Matrix(uninitializedRows: x.rows, columns: layer.outputs)
            team.linear(x, layer, index + 1 < layers.count ? activation : .identity, into: y)
            x = y
        }
        return x
    }
}
