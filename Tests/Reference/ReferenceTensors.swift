/// A tensor's elements in float32, row-major.
public struct ReferenceTensor: Sendable {
    public var shape: [Int]
    public var values: [Float]

    public init(shape: [Int], values: [Float]) {
        self.shape = shape
        self.values = values
    }
}

/// The tensors of a checkpoint by name, from whatever format it is in.
public struct ReferenceTensors {
    private let read: (String) throws -> ReferenceTensor?

    /// - Parameter read: The tensor of that name, or nil where there is none.
    public init(_ read: @escaping (String) throws -> ReferenceTensor?) {
        self.read = read
    }

    func find(_ name: String) throws -> ReferenceTensor? { try read(name) }

    func require(_ name: String) throws -> ReferenceTensor {
        guard let tensor = try read(name) else { throw ReferenceError("there is no tensor \(name)") }
        return tensor
    }

    func vector(_ name: String) throws -> [Float] { try require(name).values }

    /// `NAME.weight` and, where there is one, `NAME.bias`.
    func linear(_ name: String) throws -> Linear {
        Linear(try vector(name + ".weight"), bias: try find(name + ".bias")?.values)
    }
}

/// Why the reference engine cannot read a checkpoint.
public struct ReferenceError: Error, CustomStringConvertible {
    public let description: String

    init(_ description: String) {
        self.description = description
    }
}
