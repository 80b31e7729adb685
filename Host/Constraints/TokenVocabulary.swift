import Text

/// The tokens of a model as bytes, made once for all constraints. Immutable; any thread.
public final class TokenVocabulary: Sendable {
    /// Tokens with logits.
    let count: Int
    let trie: TokenTrie
    /// Those that are not whole characters which stand in a JSON string as they are.
    let irregular: TokenTrie
    /// The others, by their number of characters: the ids as masks, of numbers that no token has none.
    let plain: [Int: [UInt64]]
    /// Characters of the longest of them.
    let mostPlain: Int
    /// Tokens without text.
    let silent: [UInt64]
    let longest: Int
    /// Whether every byte that is part of UTF-8 is a token.
    let hasAllBytes: Bool
    private let spellings: [[UInt8]]

    /// - Parameter count: Logits of the model, of which the last may be no tokens.
    public init(_ tokenizer: Tokenizer, count: Int) {
        self.count = count
        let words = (count + 63) / 64
        spellings = (0..<Int32(min(count, tokenizer.vocabulary))).map { tokenizer.bytes(of: $0) }
        var all: [(bytes: [UInt8], token: Int32)] = []
        var irregular: [(bytes: [UInt8], token: Int32)] = []
        var plain: [Int: [UInt64]] = [:]
        var silent = [UInt64](repeating: 0, count: words)
        var single = Set<UInt8>()
        for (index, bytes) in spellings.enumerated() where bytes.count < 1 << 15 {
            let (word, bit) = (index / 64, UInt64(1) << UInt64(index % 64))
            if bytes.isEmpty {
                silent[word] |= bit
                continue
            }
            if bytes.count == 1 { single.insert(bytes[0]) }
            all.append((bytes, Int32(index)))
            let isPlain = bytes.allSatisfy { $0 >= 0x20 && $0 != 0x22 && $0 != 0x5C }
            if isPlain, let text = String(validating: bytes, as: UTF8.self) {
                plain[text.unicodeScalars.count, default: [UInt64](repeating: 0, count: words)][word] |= bit
            } else {
                irregular.append((bytes, Int32(index)))
            }
        }
        trie = TokenTrie(all)
        self.irregular = TokenTrie(irregular)
        self.plain = plain
        self.silent = silent
        longest = all.map(\.bytes.count).max() ?? 0
        hasAllBytes = (UInt8.min ... .max).allSatisfy {
            single.contains($0) || $0 < 0x20 && $0 != 0x0A || $0 == 0xC0 || $0 == 0xC1 || $0 > 0xF4
        }
        mostPlain = plain.keys.max() ?? 0
    }

    /// What a token says; nothing for ids that no token has.
    func bytes(of token: Int32) -> [UInt8] {
        spellings.indices.contains(Int(token)) ? spellings[Int(token)] : []
    }
}
