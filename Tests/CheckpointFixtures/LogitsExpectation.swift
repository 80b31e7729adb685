import GatehouseTensorFiles
import Reference

/// A prompt and the logits that transformers computes for it in float32.
public struct LogitsExpectation: Sendable {
    /// What the prompt is about: "tokens", "gates", or "grid" for rows with positions of three axes.
    public var subject: String
    public var prompt: ReferencePrompt
    /// Extents (t, h, w) of the images whose rows are given, in order.
    public var grids: [[Int]] = []
    /// Of the last positions, `[positions, vocabulary]`.
    public var logits: [[Float]]

    static func read(_ path: String) throws -> [LogitsExpectation] {
        let file = try SafetensorsFile(path: path)
        func tensor(_ name: String) throws -> SafetensorsTensor {
            guard let tensor = file.tensor(named: name) else {
                throw UnreadableTensor(name: name, type: "absent")
            }
            return tensor
        }
        func rows(_ name: String) throws -> [[Float]] {
            let tensor = try tensor(name)
            let values = try tensor.floats()
            let width = tensor.shape[1]
            return (0..<tensor.shape[0]).map { Array(values[$0 * width..<($0 + 1) * width]) }
        }

        let tokens = try tensor("tokens").integers()
        let spans = try tensor("gated.spans").integers().map(Int.init)
        let gates = try tensor("gated.alphas").floats().enumerated().map { index, weight in
            ReferencePrompt.Gate(segment: spans[2 * index]..<spans[2 * index + 1], weight: Double(weight))
        }
        var expectations = [
            LogitsExpectation(
                subject: "tokens", prompt: ReferencePrompt(tokens: tokens), logits: try rows("logits")),
            LogitsExpectation(
                subject: "gates", prompt: ReferencePrompt(tokens: tokens, gates: gates),
                logits: try rows("gated.logits")),
        ]
        guard file.tensor(named: "grid.tokens") != nil else { return expectations }

        let ids = try tensor("grid.tokens").integers()
        var given = try rows("grid.rows")[...]
        let places = try tensor("grid.positions").integers()
        let sizes = try tensor("grid.sizes").integers().map(Int.init)
        expectations.append(
            LogitsExpectation(
                subject: "grid",
                prompt: ReferencePrompt(
                    rows: ids.map { $0 < 0 ? .embedding(given.removeFirst()) : .token(Int($0)) },
                    positions: ids.indices.map { row in (0..<3).map { Int(places[$0 * ids.count + row]) } }),
                grids: (0..<sizes.count / 3).map { Array(sizes[3 * $0..<3 * $0 + 3]) },
                logits: try rows("grid.logits")))
        return expectations
    }
}
