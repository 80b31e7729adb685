import Decoder
import Testing

@Suite struct DecoderIdentityTests {
    /// Rows E_t[d] = t + d² / 2 - d of width 5.
    private var rows: [Float] {
        (0..<64 * 5).map { index in
            let (t, d) = (Float(index / 5), Float(index % 5))
            return t + 0.5 * d * d - d
        }
    }

    /// Reference values from Python integers, after the formula of `GatehouseDecoderIdentity` in gatehouse.h:
    /// sum((1 if splitmix64(8 * d + j) >> 63 == 0 else -1) * (t + d * d / 2 - d) for d in range(5)).
    @Test func theFingerprintFollowsTheFormulaOfTheABI() {
        #expect(splitmix64(0) == 0xe220_a839_7b1d_cdaf)
        let identity = DecoderIdentity(family: "llama", hidden: 5, rows: rows)
        #expect(identity.fingerprint.count == 512)
        #expect(Array(identity.fingerprint.prefix(8)) == [-5, 3, -6, 2, -5, -5, -6, -5])
        #expect(Array(identity.fingerprint.suffix(8)) == [-194, -186, -69, 65, -68, -68, -195, -194])
    }

    @Test func identitiesMatchByFamilyWidthAndDirection() {
        let identity = DecoderIdentity(family: "llama", hidden: 5, rows: rows)
        var quantised = identity
        for index in quantised.fingerprint.indices {
            quantised.fingerprint[index] *= index.isMultiple(of: 2) ? 1.1 : 0.9
        }
        #expect(identity.matches(quantised))  // cosine 0.995
        var other = identity
        other.family = "glm4"
        #expect(!identity.matches(other))
        other = identity
        other.hidden = 6
        #expect(!identity.matches(other))
        other = identity
        for index in other.fingerprint.indices where index.isMultiple(of: 8) {
            other.fingerprint[index] *= -1
        }
        #expect(!identity.matches(other))
        other.fingerprint = [Float](repeating: 0, count: 512)
        #expect(!identity.matches(other) && !other.matches(other))
        other.fingerprint[0] = .nan
        #expect(!other.matches(other))
    }

    @Test func theDefaultModelMatchesItselfAtAnotherPrecision() throws {
        let tokens = (0..<64).map { Int32(1000 + $0) }
        let fast = try DefaultModel.fast().identity(byteTokens: tokens)
        let precise = try DefaultModel.precise().identity(byteTokens: tokens)
        #expect(fast.family == "llama" && fast.hidden == 576)
        #expect(fast.matches(precise))
        #expect(!fast.matches(try DefaultModel.fast().identity(byteTokens: tokens.map { $0 + 64 })))
    }
}
