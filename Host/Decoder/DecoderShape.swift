import CKernels

/// Sizes and constants of a decoder, wherever they were read from.
struct DecoderShape {
    var layers: Int
    var hidden: Int
    var heads: Int
    /// A divisor of `heads`.
    var keyValueHeads: Int
    /// Even.
    var headDimensions: Int
    var feedForward: Int
    /// As configured; the embedding has the last word, because files pad it differently. nil: it alone tells.
    var vocabulary: Int?
    /// Tokens the model was trained for.
    var contextLength: Int
    var normEpsilon: Float
    var rotary: RotaryEmbedding
    /// Whether the output is the embedding, even where the file has one of its own.
    var isTied = false
    /// Whether query, key and value must have biases. They are read wherever there are any.
    var needsAttentionBias = false
}

/// How queries and keys turn with their position.
struct RotaryEmbedding {
    /// Leading dimensions of a head that turn; even.
    var dimensions: Int
    var pairing: gh_rope_pairing
    var base: Float
    /// Divisors of the frequencies, `[dimensions / 2]`; nil for none.
    var factors: [Float]?
    /// Pairs that turn by time, height and width, together `dimensions / 2`; nil where positions have one axis.
    var sections: [Int]?
}

/// Numbers by name, as files hold them: the metadata of a GGUF file, or `config.json`.
protocol Hyperparameters {
    var path: String { get }
    /// How messages call a field.
    func field(_ key: String) -> String
    /// nil where there is no such field.
    func integer(_ key: String) throws -> Int?
    func number(_ key: String) throws -> Double?
}

extension Hyperparameters {
    func unsupported(_ key: String, _ expected: String, _ found: String) -> DecoderError {
        .unsupported(path: path, field: field(key), expected: expected, found: found)
    }

    /// A number of things, at least 1; required where there is no default.
    func size(_ key: String, default standard: Int? = nil, most: Int = 1 << 20) throws -> Int {
        guard let value = try integer(key) ?? standard else {
            throw unsupported(key, "a number from 1 to \(most)", "no such key")
        }
        guard (1...most).contains(value) else {
            throw unsupported(key, "a number from 1 to \(most)", "\(value)")
        }
        return value
    }

    /// A number above 0; required where there is no default.
    func positive(_ key: String, default standard: Double? = nil) throws -> Float {
        guard let value = try number(key) ?? standard else {
            throw unsupported(key, "a number above 0", "no such key")
        }
        guard value > 0, Float(value) > 0, Float(value).isFinite else {
            throw unsupported(key, "a number above 0", "\(value)")
        }
        return Float(value)
    }
}

extension Hyperparameters {
    /// Key and value heads, of which each serves the same number of query heads.
    func keyValueHeads(_ key: String, heads: Int) throws -> Int {
        let count = try size(key, default: heads)
        guard heads.isMultiple(of: count) else {
            throw unsupported(key, "a divisor of \(heads) heads", "\(count)")
        }
        return count
    }

    func headDimensions(_ key: String, hidden: Int, heads: Int) throws -> Int {
        let dimensions = try size(key, default: hidden / heads)
        guard dimensions.isMultiple(of: 2) else {
            throw unsupported(key, "an even number", "\(dimensions)")
        }
        return dimensions
    }
}
