/// Which decoder embedding rows are meant for.
///
/// The formula and the rule of matching are part of the plugin ABI: see `GatehouseDecoderIdentity` in
/// `SDK/Sources/CGatehouse/include/gatehouse.h`.
public struct DecoderIdentity: Sendable, Equatable {
    /// Tokens whose embedding rows make the fingerprint: those of the single bytes 0x21 … 0x60.
    public static let tokenCount = 64
    /// Values of the fingerprint for each of them.
    public static let projections = 8

    public var family: String
    /// Width of an embedding row.
    public var hidden: Int
    /// `[tokenCount, projections]`, row-major.
    public var fingerprint: [Float]

    /// - Parameter rows: The embedding rows of the 64 tokens, `[64, hidden]`.
    public init(family: String, hidden: Int, rows: [Float]) {
        precondition(hidden > 0 && rows.count == Self.tokenCount * hidden, "rows are [64, hidden]")
        self.family = family
        self.hidden = hidden
        let signs = (0..<hidden * Self.projections).map { index in
            splitmix64(UInt64(index)) >> 63 == 0 ? 1.0 : -1.0
        }
        fingerprint = (0..<Self.tokenCount * Self.projections).map { index in
            let (token, projection) = index.quotientAndRemainder(dividingBy: Self.projections)
            var sum = 0.0
            for dimension in 0..<hidden {
                sum +=
                    signs[Self.projections * dimension + projection]
                    * Double(rows[token * hidden + dimension])
            }
            return Float(sum)
        }
    }

    /// An identity as a plugin states it.
    public init(family: String, hidden: Int, fingerprint: [Float]) {
        precondition(fingerprint.count == Self.tokenCount * Self.projections, "a fingerprint is [64, 8]")
        self.family = family
        self.hidden = hidden
        self.fingerprint = fingerprint
    }

    /// Whether rows for the one can be read by the other: equal in family and hidden size, and a cosine of the
    /// fingerprints above 0.98, so that a quantised file matches its original.
    public func matches(_ other: DecoderIdentity) -> Bool {
        family == other.family && hidden == other.hidden && cosine(with: other) > 0.98
    }

    /// The cosine of the two fingerprints; 0 where one of them is zero.
    public func cosine(with other: DecoderIdentity) -> Double {
        var product = 0.0
        var (square, otherSquare) = (0.0, 0.0)
        for (value, otherValue) in zip(fingerprint, other.fingerprint) {
            product += Double(value) * Double(otherValue)
            square += Double(value) * Double(value)
            otherSquare += Double(otherValue) * Double(otherValue)
        }
        let norms = (square * otherSquare).squareRoot()
        return norms > 0 ? product / norms : 0
    }
}

extension DecoderModel {
    /// The model's identity.
    /// - Parameter byteTokens: The ids of the tokens that stand for the single bytes 0x21 … 0x60, in order.
    public func identity(byteTokens: [Int32]) throws(DecoderError) -> DecoderIdentity {
        precondition(byteTokens.count == DecoderIdentity.tokenCount, "one token for each byte 0x21 … 0x60")
        return DecoderIdentity(family: family, hidden: hidden, rows: try embed(byteTokens))
    }
}

/// The mixing function of Steele, Lea and Flood, "Fast splittable pseudorandom number generators" (2014).
public func splitmix64(_ x: UInt64) -> UInt64 {
    var z = x &+ 0x9E37_79B9_7F4A_7C15
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
}
