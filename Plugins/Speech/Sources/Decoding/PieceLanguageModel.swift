import GatehouseNumerics
import Glibc

/// Which pieces follow which: n-grams with back-off, from `language_model.safetensors`. Nodes of order n are n pieces in a row;
/// those that follow a node stand together, by their piece. Of each order n from 1:
///
/// | tensor | | |
/// |---|---|---|
/// | `n.pieces` | `[nodes]` I16 | the last piece; of order 1 each piece in turn, and after them the mark of a beginning |
/// | `n.logs` | `[nodes, 2]` I16 | the logarithm of its probability, and of the weight of the shorter context, times 400 |
/// | `n.children` | `[nodes + 1]` I32 | the first node of order n + 1 that follows; none of the highest order |
public struct PieceLanguageModel: Sendable {
    public static let fileName = "language_model.safetensors"
    private static let mostOrders = 9
    /// Of a unit, that logarithms are stored in.
    private static let parts: Float = 400

    private struct Order: Sendable {
        var pieces: [Int16]
        var probabilities: [Float]
        var weights: [Float]
        /// Empty of the highest order.
        var children: [Int32]
    }

    private let orders: [Order]
    /// How much it counts beside what is heard.
    public let weight: Double
    /// What each piece is worth, so that few long ones are not preferred to many short ones.
    public let bonus: Double

    /// - Parameter pieces: of the vocabulary, without the blank.
    public init(_ file: SafetensorsFile, pieces: Int) throws(TensorFileError) {
        func failure(_ field: String, _ expected: String, _ found: String) -> TensorFileError {
            TensorFileError(path: file.path, field: field, expected: expected, found: found)
        }
        func number(_ key: String, _ standard: Double) throws(TensorFileError) -> Double {
            guard let text = file.metadata[key] else { return standard }
            guard let number = Double(text), (-100...100).contains(number) else {
                throw failure("__metadata__.\(key)", "a number from -100 to 100", "\"\(text)\"")
            }
            return number
        }
        func bytes(
            _ name: String, _ type: SafetensorsType, _ shape: [Int]
        ) throws(TensorFileError) -> UnsafeRawBufferPointer {
            guard let tensor = file.tensor(named: name) else {
                throw failure("tensor \(name)", "\(type.rawValue) \(shape)", "no such tensor")
            }
            guard tensor.type == type, tensor.shape == shape else {
                throw failure(
                    "tensor \(name)", "\(type.rawValue) \(shape)", "\(tensor.type.rawValue) \(tensor.shape)")
            }
            return tensor.bytes
        }
        func elements<Element>(_ bytes: UnsafeRawBufferPointer, _: Element.Type) -> [Element] {
            let size = MemoryLayout<Element>.size
            return (0..<bytes.count / size).map {
                bytes.loadUnaligned(fromByteOffset: $0 * size, as: Element.self)
            }
        }
        weight = try number("weight", 0.5)
        bonus = try number("bonus", 0)
        var orders: [Order] = []
        var nodes = pieces + 1
        while true {
            let order = orders.count + 1
            let own = elements(try bytes("\(order).pieces", .i16, [nodes]), Int16.self)
            let logs = elements(try bytes("\(order).logs", .i16, [nodes, 2]), Int16.self)
                .map { Float($0) / Self.parts }
            guard order > 1 || own.enumerated().allSatisfy({ $0 == Int($1) }) else {
                throw failure("tensor 1.pieces", "each piece in turn", "another order")
            }
            guard own.allSatisfy({ (0...pieces).contains(Int($0)) }) else {
                throw failure("tensor \(order).pieces", "pieces from 0 to \(pieces)", "another")
            }
            var children: [Int32] = []
            let isLast = file.tensor(named: "\(order).children") == nil
            if !isLast {
                children = elements(try bytes("\(order).children", .i32, [nodes + 1]), Int32.self)
                guard children.first == 0, zip(children, children.dropFirst()).allSatisfy({ $0 <= $1 }),
                    children.last.map({ $0 < 1 << 26 }) == true
                else {
                    throw failure("tensor \(order).children", "numbers that rise from 0", "others")
                }
            }
            orders.append(
                Order(
                    pieces: own, probabilities: stride(from: 0, to: logs.count, by: 2).map { logs[$0] },
                    weights: stride(from: 1, to: logs.count, by: 2).map { logs[$0] }, children: children))
            guard !isLast, orders.count < Self.mostOrders else { break }
            nodes = Int(children.last ?? 0)
        }
        self.orders = orders
    }

    /// Pieces of a context that bear on what follows.
    public var contextLength: Int { orders.count - 1 }

    /// What a context comes to: its endings that are nodes, the longest first, the last one of no pieces.
    public struct State: Sendable {
        fileprivate var nodes: [(order: Int, node: Int)]
    }

    /// Nothing is known of what stands before.
    public var unknown: State { State(nodes: [(0, 0)]) }

    /// The beginning of an utterance.
    public var start: State { state(unknown, (orders.first?.pieces.count ?? 1) - 1) }

    /// The context with one more piece.
    public func state(_ state: State, _ piece: Int) -> State {
        let longer = state.nodes.compactMap { order, node in
            order < contextLength ? child(piece, of: node, order: order).map { (order + 1, $0) } : nil
        }
        return State(nodes: longer + [(0, 0)])
    }

    /// The logarithm of a piece's probability after a context.
    public func logProbability(_ piece: Int, after state: State) -> Double {
        var sum = 0.0
        for (order, node) in state.nodes {
            if let found = child(piece, of: node, order: order) {
                return sum + Double(orders[order].probabilities[found])
            }
            sum += Double(orders[order - 1].weights[node])
        }
        preconditionFailure("every piece is a node of order 1")
    }

    /// Of a node of an order the one that a piece follows with.
    private func child(_ piece: Int, of node: Int, order: Int) -> Int? {
        guard order > 0 else { return piece }
        let parent = orders[order - 1]
        guard !parent.children.isEmpty else { return nil }
        var (low, high) = (Int(parent.children[node]), Int(parent.children[node + 1]))
        let pieces = orders[order].pieces
        while low < high {
            let middle = (low + high) / 2
            if Int(pieces[middle]) < piece { low = middle + 1 } else { high = middle }
        }
        return low < Int(parent.children[node + 1]) && Int(pieces[low]) == piece ? low : nil
    }
}
