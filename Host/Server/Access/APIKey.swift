import Digest

/// What a client may do, and the digest of the word that it proves itself with.
public struct APIKey: Sendable, Equatable {
    /// Letters, digits and `-_.@`, at least one.
    public let label: String
    /// SHA-256 of the key, 32 bytes. Keys are long random words, so that they need no salt.
    public let digest: [UInt8]
    public let limits: Limits

    public struct Limits: Sendable, Equatable {
        public var requestsPerMinute: Int?
        /// Of prompts and answers together.
        public var tokensPerMinute: Int?
        /// Requests at once.
        public var concurrent: Int?
        /// What its requests may hold beside text, by the modality of plugins; nil: whatever they like.
        public var modalities: Set<String>?

        public init(
            requestsPerMinute: Int? = nil, tokensPerMinute: Int? = nil, concurrent: Int? = nil,
            modalities: Set<String>? = nil
        ) {
            self.requestsPerMinute = requestsPerMinute
            self.tokensPerMinute = tokensPerMinute
            self.concurrent = concurrent
            self.modalities = modalities
        }
    }

    public init(label: String, key: String, limits: Limits = Limits()) {
        self.init(label: label, digest: Self.digest(of: key), limits: limits)
    }

    init(label: String, digest: [UInt8], limits: Limits) {
        self.label = label
        self.digest = digest
        self.limits = limits
    }

    /// A new key: `gh-` and 256 random bits in hexadecimal.
    public static func makeKey() -> String {
        var random = SystemRandomNumberGenerator()
        let words = (0..<4).map { _ in UInt64.random(in: 0...UInt64.max, using: &random) }
        return "gh-"
            + words.map { word in
                let digits = String(word, radix: 16)
                return String(repeating: "0", count: 16 - digits.count) + digits
            }.joined()
    }

    static func digest(of key: String) -> [UInt8] {
        var hash = SHA256()
        hash.update(Array(key.utf8))
        return hash.finishBytes()
    }

    /// Whether it is the key with this digest, found out in a time that does not tell where they differ.
    func matches(_ other: [UInt8]) -> Bool {
        var difference: UInt8 = digest.count == other.count ? 0 : 1
        for (mine, theirs) in zip(digest, other) { difference |= mine ^ theirs }
        return difference == 0
    }

    public static func isLabel(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.count <= 64
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"),
                    UInt8(ascii: "."), UInt8(ascii: "@"):
                    true
                default: false
                }
            }
    }
}
