import GatehouseTensorFiles

/// A tensor as a file stores it, whatever the file's format.
public struct StoredTensor: @unchecked Sendable {  // nobody writes to `bytes`
    /// nil where it is not of floating point; then `typeName` says of what.
    public let format: FloatFormat?
    public let typeName: String
    /// Extents, row-major, outermost first.
    public let shape: [Int]
    /// Valid while `owner` lives.
    public let bytes: UnsafeRawBufferPointer
    public let owner: MappedFile

    public init(
        format: FloatFormat?, typeName: String, shape: [Int], bytes: UnsafeRawBufferPointer, owner: MappedFile
    ) {
        self.format = format
        self.typeName = typeName
        self.shape = shape
        self.bytes = bytes
        self.owner = owner
    }
}

/// Files that tensors are read from by name.
public protocol TensorLookup: Sendable {
    /// For messages.
    var path: String { get }
    func stored(_ name: String) -> StoredTensor?
}

extension SafetensorsFile: TensorLookup {
    public func stored(_ name: String) -> StoredTensor? { tensor(named: name).map { StoredTensor($0) } }
}

extension SafetensorsCheckpoint: TensorLookup {
    public func stored(_ name: String) -> StoredTensor? { tensor(named: name).map { StoredTensor($0) } }
}

extension StoredTensor {
    /// The name of GGUF's blocks of 32 int8 with a scale of their own.
    static let blocksOfInt8 = "Q8_0"

    init(_ tensor: SafetensorsTensor) {
        self.init(
            format: FloatFormat(tensor.type), typeName: tensor.type.rawValue, shape: tensor.shape,
            bytes: tensor.bytes, owner: tensor.file)
    }
}

/// Reads layers by their names under one prefix, and holds each tensor to the shape that the encoder gives it.
///
/// Weights are of floating point, or int8 (`I8`) with a tensor `<name>_scale` of one float for each row along the first extent,
/// which that row is multiplied by, or of a GGUF file `Q8_0`.
public struct WeightReader: Sendable {
    /// Where matrices of weights stay.
    public enum Residency: Sendable {
        /// In memory as float32, in the order in which products read them: fastest.
        case packed
        /// In the mapped file as it has them; they are widened and ordered at each use. Half the memory or less, and worth
        /// it where rows come by the hundred.
        case stored
    }

    public let file: any TensorLookup
    /// Stands before every name; empty, or ends with a dot.
    public let prefix: String
    public let residency: Residency

    public init(_ file: any TensorLookup, prefix: String = "", residency: Residency = .packed) {
        self.file = file
        self.prefix = prefix
        self.residency = residency
    }

    /// The same file, further names under `name`.
    public func under(_ name: String) -> WeightReader {
        WeightReader(file, prefix: "\(prefix)\(name).", residency: residency)
    }

    public func has(_ name: String) -> Bool { file.stored(prefix + name) != nil }

    /// The elements of a tensor of this shape.
    public func floats(_ name: String, _ shape: [Int]) throws(TensorFileError) -> Matrix {
        let elements = try checked(name, shape)
        let matrix = Matrix(uninitializedRows: 1, columns: shape.reduce(1, *))
        // A single row has no rows to tell apart.
        let rows = shape.count > 1 || elements.hasRowScales ? shape.first ?? 1 : 1
        elements.widen(0..<rows, columns: matrix.columns / max(1, rows), into: matrix.base)
        return matrix
    }

    /// A tensor of this shape as a matrix `[outputs, inputs]`, the first extent being the outputs and all others, row-major,
    /// the inputs.
    public func weight(_ name: String, _ shape: [Int]) throws(TensorFileError) -> WeightMatrix {
        let elements = try checked(name, shape)
        return WeightMatrix(
            outputs: shape[0], inputs: shape.dropFirst().reduce(1, *), elements, residency: residency)
    }

    /// `name.weight` and, where there is one, `name.bias`.
    public func linear(_ name: String, inputs: Int, outputs: Int) throws(TensorFileError) -> Linear {
        Linear(
            weight: try weight("\(name).weight", [outputs, inputs]), bias: try bias(name, outputs))
    }

    /// Several linear layers of the same input as one, in this order; all have a bias or none.
    public func stacked(_ names: [String], inputs: Int, outputs: Int) throws(TensorFileError) -> Linear {
        let weight = Matrix(uninitializedRows: names.count * outputs, columns: inputs)
        let bias = Matrix(uninitializedRows: 1, columns: names.count * outputs)
        var biased = 0
        for (index, name) in names.enumerated() {
            let elements = try checked("\(name).weight", [outputs, inputs])
            elements.widen(0..<outputs, columns: inputs, into: weight.base + index * outputs * inputs)
            guard let own = try self.bias(name, outputs) else { continue }
            biased += 1
            (bias.base + index * outputs).update(from: own.base, count: outputs)
        }
        guard biased == 0 || biased == names.count else {
            throw TensorFileError(
                path: file.path, field: "tensors \(prefix)\(names.joined(separator: ", "))",
                expected: "a bias in all or in none", found: "one in \(biased) of \(names.count)")
        }
        return Linear(weight: WeightMatrix(weight), bias: biased > 0 ? bias : nil)
    }

    /// `name.weight` and, where there is one, `name.bias`.
    public func layerNorm(_ name: String, _ width: Int, epsilon: Float) throws(TensorFileError) -> LayerNorm {
        LayerNorm(
            weight: try floats("\(name).weight", [width]), bias: try bias(name, width), epsilon: epsilon)
    }

    /// `name.weight`.
    public func rmsNorm(_ name: String, _ width: Int, epsilon: Float) throws(TensorFileError) -> RMSNorm {
        RMSNorm(weight: try floats("\(name).weight", [width]), epsilon: epsilon)
    }

    /// `name.bias`, where there is one.
    public func bias(_ name: String, _ count: Int) throws(TensorFileError) -> Matrix? {
        has("\(name).bias") ? try floats("\(name).bias", [count]) : nil
    }

    private func checked(_ name: String, _ shape: [Int]) throws(TensorFileError) -> WeightElements {
        func failure(_ name: String, _ expected: String, _ found: String) -> TensorFileError {
            TensorFileError(
                path: file.path, field: "tensor \(prefix)\(name)", expected: expected, found: found)
        }
        guard let tensor = file.stored(prefix + name) else {
            throw failure(name, "\(shape)", "no such tensor")
        }
        guard tensor.shape == shape else { throw failure(name, "\(shape)", "\(tensor.shape)") }
        if let format = tensor.format {
            return WeightElements(format: .float(format), bytes: tensor.bytes, owner: tensor.owner)
        }
        if tensor.typeName == StoredTensor.blocksOfInt8 {
            return WeightElements(format: .blocksOfInt8, bytes: tensor.bytes, owner: tensor.owner)
        }
        guard tensor.typeName == SafetensorsType.i8.rawValue, let rows = shape.first else {
            throw failure(name, "F32, F16 or BF16", tensor.typeName)
        }
        let scaleName = "\(name)_scale"
        guard let scale = file.stored(prefix + scaleName) else {
            throw failure(scaleName, "[\(rows)], since \(name) is I8", "no such tensor")
        }
        guard scale.shape.reduce(1, *) == rows else {
            throw failure(scaleName, "[\(rows)]", "\(scale.shape)")
        }
        guard let format = scale.format else {
            throw failure(scaleName, "F32, F16 or BF16", scale.typeName)
        }
        let scales = [Float](unsafeUninitializedCapacity: rows) { buffer, count in
            if let base = buffer.baseAddress { format.widen(scale.bytes, into: base) }
            count = rows
        }
        return WeightElements(format: .int8(scales: scales), bytes: tensor.bytes, owner: tensor.owner)
    }
}
