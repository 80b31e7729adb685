/// Byte-pair encoding of one word: its characters or bytes as tokens, then merged, the most urgent pair first.
struct BytePairModel: Sendable {
    /// What a character or a byte is before merging.
    private enum Symbol: Sendable {
        case token(TokenID)
        /// `<0x…>` of each of its bytes in UTF-8.
        case bytes([TokenID])
        /// The unknown token, or nothing if there is none.
        case unknown
    }

    /// Tokens as they are spelled.
    let table: TokenTable
    private let merges: MergeTable
    /// Whether words are bytes, spelled in GPT-2's alphabet, not characters.
    private let isByteLevel: Bool
    private let options: Options
    private let symbolOfByte: [Symbol]
    // The same where all are tokens; -1 for bytes that the vocabulary cannot say. Empty if some need more.
    private let tokenOfByte: [TokenID]

    /// What `model` of `tokenizer.json` says beyond vocabulary and merges.
    struct Options: Sendable {
        /// A word that is a token as it stands is taken without merging.
        var ignoresMerges = false
        var fallsBackToBytes = false
        /// nil leaves out what the vocabulary cannot say.
        var unknown: TokenID?
        var fusesUnknown = false
    }

    init(table: TokenTable, merges: MergeTable, isByteLevel: Bool, options: Options) {
        self.table = table
        self.merges = merges
        self.isByteLevel = isByteLevel
        self.options = options
        let symbols = ByteAlphabet.scalars.map { Self.symbol(Array(String($0).utf8), table, options) }
        symbolOfByte = symbols
        var tokens: [TokenID] = []
        for symbol in symbols {
            switch symbol {
            case .token(let id): tokens.append(id)
            case .unknown where options.unknown == nil: tokens.append(-1)
            case .bytes, .unknown: break
            }
        }
        tokenOfByte = tokens.count == symbols.count ? tokens : []
    }

    /// Whether every byte can be said.
    func says(_ byte: UInt8) -> Bool {
        if case .token = symbolOfByte[Int(byte)] { true } else { false }
    }

    private static func symbol(_ character: [UInt8], _ table: TokenTable, _ options: Options) -> Symbol {
        if let id = table.id(of: character) { return .token(id) }
        if options.fallsBackToBytes {
            let ids = character.compactMap { byte in
                let digits = String(byte, radix: 16, uppercase: true)
                return table.id(of: "<0x\(byte < 16 ? "0" : "")\(digits)>".utf8)
            }
            if ids.count == character.count { return .bytes(ids) }
        }
        return .unknown
    }

    /// Appends the tokens of `word` to `tokens`.
    func encode(_ word: UnsafeBufferPointer<UInt8>, into tokens: inout [TokenID], merger: inout WordMerger) {
        if options.ignoresMerges {
            let whole = isByteLevel ? table.id(of: ByteAlphabet.spelling(of: word)) : table.id(of: word)
            if let whole {
                tokens.append(whole)
                return
            }
        }
        if isByteLevel, !tokenOfByte.isEmpty {
            let ids = word.lazy.map { byte in self.tokenOfByte[Int(byte)] }.filter { $0 >= 0 }
            merger.merge(ids, with: merges, into: &tokens)
        } else {
            merger.merge(symbols(of: word), with: merges, into: &tokens)
        }
    }

    private func symbols(of word: UnsafeBufferPointer<UInt8>) -> [TokenID] {
        var ids: [TokenID] = []
        var hasUnknown = false
        func add(_ symbol: Symbol) {
            switch symbol {
            case .token(let id):
                if hasUnknown, let unknown = options.unknown { ids.append(unknown) }
                hasUnknown = false
                ids.append(id)
            // As in the reference, before an unknown token that has not been written yet.
            case .bytes(let tokens): ids.append(contentsOf: tokens)
            case .unknown:
                guard let unknown = options.unknown else { break }
                if hasUnknown, !options.fusesUnknown { ids.append(unknown) }
                hasUnknown = true
            }
        }
        if isByteLevel {
            for byte in word { add(symbolOfByte[Int(byte)]) }
        } else {
            for scalar in String(decoding: word, as: UTF8.self).unicodeScalars {
                add(Self.symbol(Array(String(scalar).utf8), table, options))
            }
        }
        if hasUnknown, let unknown = options.unknown { ids.append(unknown) }
        return ids
    }
}
