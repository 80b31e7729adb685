import GatehouseJSON
import Glibc

/// Features to soft tokens, which any decoder can read: `soft_head.safetensors`.
///
/// Each slot looks at the features by a query of its own, `queries` `[slots, width]`, as one head of attention; what it
/// sees is classified by `classifier.weight` `[pieces, width]` and perhaps `classifier.bias`. The metadata's `pieces` is a
/// JSON array of the pieces' texts. Further metadata may give each slot pieces of its own, of which one means nothing, so that
/// the slots read as phrases: see ``SoftTokenPhrases``.
public struct SoftTokenHead: Sendable {
    public static let fileName = "soft_head.safetensors"
    /// Pieces of a slot that are handed on: the likeliest.
    public static let mostPieces = 8

    private let queries: Matrix
    private let classifier: Linear
    private let pieces: [String]
    private let phrases: SoftTokenPhrases?

    /// - Parameter width: of the features.
    public init(_ file: SafetensorsFile, width: Int) throws(TensorFileError) {
        func failure(_ field: String, _ expected: String, _ found: String) -> TensorFileError {
            TensorFileError(path: file.path, field: field, expected: expected, found: found)
        }
        let field = "__metadata__.pieces"
        guard let text = file.metadata["pieces"] else {
            throw failure(field, "a JSON array of texts", "nothing")
        }
        let list: JSONValue
        do { list = try JSONValue(parsing: text.utf8) } catch {
            throw failure(field, error.expected, error.found)
        }
        guard let values = list.arrayValue, !values.isEmpty else {
            throw failure(field, "a JSON array of texts", list.summary)
        }
        var pieces: [String] = []
        for value in values {
            guard let piece = value.stringValue else { throw failure(field, "texts", value.summary) }
            pieces.append(piece)
        }
        let weights = WeightReader(file)
        guard let shape = file.tensor(named: "queries")?.shape, shape.count == 2, shape[0] > 0 else {
            throw failure("tensor queries", "[slots, \(width)]", "none of two extents")
        }
        queries = try weights.floats("queries", [shape[0], width]).reshaped(columns: width)
        classifier = try weights.linear("classifier", inputs: width, outputs: pieces.count)
        phrases = try SoftTokenPhrases(file.metadata, path: file.path, slots: shape[0], pieces: pieces.count)
        self.pieces = pieces
    }

    /// For each slot its likeliest pieces with their probabilities, the likeliest first; of a head that reads as phrases, the
    /// slots that have something to say, the most certain first, with separators between them. The features begin with
    /// `classTokens`, which no slot looks at.
    public func soft(
        _ features: Matrix, classTokens: Int, _ team: ThreadTeam
    ) -> [[(text: String, weight: Float)]] {
        let features = features.rows(classTokens..<features.rows)
        let seen = Matrix(uninitializedRows: queries.rows, columns: queries.columns)
        team.attention(
            queries, features, features, heads: 1, scale: 1 / Float(queries.columns).squareRoot(), into: seen)
        let scores = Matrix(uninitializedRows: queries.rows, columns: pieces.count)
        team.linear(seen, classifier, into: scores)
        if let phrases {
            let probabilities = phrases.slots.enumerated().map { Self.softmax(scores.row($0), $1.pieces) }
            return phrases.said(probabilities, pieces: pieces, most: Self.mostPieces)
        }
        return (0..<queries.rows).map { slot in
            let weights = Self.softmax(scores.row(slot), 0..<pieces.count)
            return weights.indices.sorted { weights[$0] > weights[$1] }.prefix(Self.mostPieces)
                .map { (pieces[$0], weights[$0]) }
        }
    }

    /// Of some of a row's scores.
    private static func softmax(_ row: UnsafeMutableBufferPointer<Float>, _ columns: Range<Int>) -> [Float] {
        let row = row[columns]
        let most = row.max() ?? 0
        let weights = row.map { exp($0 - most) }
        let sum = weights.reduce(0, +)
        return weights.map { $0 / sum }
    }
}
