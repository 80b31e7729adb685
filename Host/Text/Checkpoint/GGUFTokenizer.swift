/// The arrays that a GGUF file holds for a tokenizer.
extension CheckpointTokenizer {
    /// The tokenizer as GGUF describes it.
    ///
    /// - Parameter vocabulary: Rows of the model's embedding; ids that no token has are filled. nil adds none.
    /// - Throws: ``GGUFTokenizerError`` where GGUF has no words for it.
    public func description(vocabulary: Int? = nil) throws(GGUFTokenizerError) -> TokenizerDescription {
        guard
            let known = PreTokenizer.known.first(where: { known in
                known.steps == file.preTokenizer.steps && known.takesWholeWords == file.model.ignoresMerges
            })
        else { throw .preTokenizer }
        guard case .bytes = file.spelling else { throw .decoder }
        if let vocabulary, vocabulary < file.pieces.count {
            throw .vocabulary(rows: vocabulary, tokens: file.pieces.count)
        }
        let count = max(vocabulary ?? 0, file.pieces.count)
        var tokens = file.pieces
        var kinds = [Int32](repeating: TokenKind.normal.rawValue, count: tokens.count)
        for token in special.added {
            kinds[Int(token.id)] = (token.isSpecial ? TokenKind.control : .userDefined).rawValue
        }
        tokens += Array(repeating: "", count: count - tokens.count)
        kinds += Array(repeating: TokenKind.unused.rawValue, count: count - kinds.count)
        // Names as llama.cpp's converter gives them: no two tokens may be spelled alike.
        for index in tokens.indices where tokens[index].isEmpty {
            tokens[index] = "[PAD\(index)]"
            kinds[index] = TokenKind.unused.rawValue
        }
        return TokenizerDescription(
            preTokenizer: known.names[0], tokens: tokens, kinds: kinds,
            merges: file.merges.map { "\($0.left) \($0.right)" }, bos: tokenizer.bos, eos: tokenizer.eos,
            unknown: special.unknown, separator: special.separator, padding: special.padding,
            addsBOS: tokenizer.bos.map { tokenizer.prefix.contains($0) } ?? false,
            chatTemplate: templateSource)
    }

    /// Whether text is normalised before it is cut, which GGUF cannot say.
    public var normalizes: Bool { file.normalizer != nil }
}

/// Why a tokenizer cannot be written to GGUF.
public enum GGUFTokenizerError: Error, Equatable, CustomStringConvertible {
    case preTokenizer
    case decoder
    case vocabulary(rows: Int, tokens: Int)

    public var description: String {
        switch self {
        case .preTokenizer:
            "tokenizer.json: pre_tokenizer has no name in GGUF that this host knows; known are "
                + PreTokenizer.known.map { $0.names[0] }.joined(separator: ", ")
        case .decoder: "tokenizer.json: decoder: expected ByteLevel, as GGUF's model \"gpt2\" needs"
        case .vocabulary(let rows, let tokens):
            "the tokenizer has \(tokens) tokens and the model's embedding \(rows) rows; expected as many at least"
        }
    }
}
