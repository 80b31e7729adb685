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
    /// nil where there is no such field.
    func integer(_ key: String) throws -> Int?
    func number(_ key: String) throws -> Double?
}

extension Hyperparameters {
    func unsupported(_ field: String, _ expected: String, _ found: String) -> DecoderError {
        .unsupported(path: path, field: field, expected: expected, found: found)
    }

    /// A number of things, at least 1; required where there is no default.
    func size(_ key: String, default standard: Int? = nil, most: Int = 1 << 20) throws -> Int {
        guard let value = try integer(key) ?? standard else {
            throw unsupported(key, "a number from 1 to \(most)", "no such field")
        }
        guard (1...most).contains(value) else {
            throw unsupported(key, "a number from 1 to \(most)", "\(value)")
        }
        return value
    }

    /// A number above 0; required where there is no default.
    func positive(_ key: String, default standard: Double? = nil) throws -> Float {
        guard let value = try number(key) ?? standard else {
            throw unsupported(key, "a number above 0", "no such field")
        }
        guard value > 0, Float(value) > 0, Float(value).isFinite else {
            throw unsupported(key, "a number above 0", "\(value)")
        }
        return Float(value)
    }
}

extension DecoderShape {
    /// Throws unless the sizes go together; `path` names the file they are from.
    func check(_ source: some Hyperparameters, headsField: String, headDimensionsField: String) throws {
        guard heads.isMultiple(of: keyValueHeads) else {
            throw source.unsupported(headsField, "a divisor of \(heads) heads", "\(keyValueHeads)")
        }
        guard headDimensions.isMultiple(of: 2) else {
            throw source.unsupported(headDimensionsField, "an even number", "\(headDimensions)")
        }
    }
}
