import GatehouseJSON

/// `tokenizer.json` of Hugging Face tokenizers, with a byte-pair model.
struct TokenizerFile {
    /// Tokens of `added_tokens`, in the file's order.
    var added: [AddedToken] = []
    /// The token of each id; empty for ids that no token has.
    var pieces: [String] = []
    /// "left" and "right", the most urgent first.
    var merges: [(left: String, right: String)] = []
    var model = BytePairModel.Options()
    var normalizer: Normalizer?
    var preTokenizer: PreTokenizer
    var spelling: TokenizerParts.Spelling
    var prefix: [TokenID] = []
    var suffix: [TokenID] = []
    /// `model.vocab`, and its numbers in the same order.
    private var vocabulary = JSONObject()
    private var vocabularyIDs: [TokenID] = []

    /// Ids of the added tokens.
    private var addedTable: TokenTable

    /// Bytes of an added token at most: each place in a text may be compared with as many.
    private static let longestAdded = 1024
    /// Bytes of all added tokens at most.
    private static let mostAdded = 4 << 20

    init(_ json: JSONValue) throws(JSONProblem) {
        let root = JSONField(json)
        _ = try root.object()
        let model = root["model"]
        let type = model["type"]
        if !type.isNull, try type.string() != "BPE" { throw type.expected("\"BPE\"") }
        preTokenizer = try Self.preTokenizer(root["pre_tokenizer"])
        normalizer = try Self.normalizer(root["normalizer"])
        spelling = try Self.spelling(root["decoder"])
        addedTable = TokenTable(capacity: 0)
        try readVocabulary(model["vocab"], added: root["added_tokens"])
        try readOptions(model)
        try readMerges(model["merges"])
        try readPostProcessor(root["post_processor"])
    }

    /// The id of a token, added or of the model.
    func id(of content: String) -> TokenID? {
        addedTable.id(of: content.utf8)
            ?? vocabulary[content].flatMap(\.numberValue?.integer).map { TokenID($0) }
    }

    // MARK: Vocabulary

    private mutating func readVocabulary(_ vocabulary: JSONField, added list: JSONField) throws(JSONProblem) {
        let entries = try vocabulary.object()
        guard !entries.isEmpty else { throw vocabulary.expected("tokens with their numbers") }
        let listed = list.isNull ? [] : try list.elements()
        // One id may stand both in the vocabulary and among the added tokens, with the same content.
        var largest: TokenID = 0
        var ids: [TokenID] = []
        ids.reserveCapacity(entries.count)
        for (token, value) in entries {
            guard case .number(let number) = value, let exact = number.integer,
                let id = TokenID(exactly: exact),
                id >= 0, id <= 1 << 21
            else { throw try vocabulary[token].idProblem() }
            ids.append(id)
            largest = max(largest, id)
        }
        addedTable = TokenTable(capacity: listed.count)
        var room = Self.mostAdded
        for field in listed {
            let token = try Self.addedToken(field)
            room -= token.content.utf8.count
            guard room >= 0 else { throw list.expected("tokens of \(Self.mostAdded) bytes in all") }
            guard addedTable.insert(token.content, id: token.id) == nil else {
                throw field["content"].wrong(expected: "another token", found: "\"\(token.content)\" again")
            }
            added.append(token)
            largest = max(largest, token.id)
        }
        // Some published vocabularies have gaps, none of them large.
        guard Int(largest) < 2 * (entries.count + added.count) + 4096 else {
            throw vocabulary.wrong(
                expected: "ids that mostly follow each other",
                found: "\(entries.count + added.count) tokens and the id \(largest)")
        }
        pieces = Array(repeating: "", count: Int(largest) + 1)
        var isTaken = [Bool](repeating: false, count: pieces.count)
        for ((token, _), id) in zip(entries, ids) {
            guard !isTaken[Int(id)] else {
                throw vocabulary[token].wrong(
                    expected: "an id of its own", found: "\(id), which another token has")
            }
            isTaken[Int(id)] = true
            pieces[Int(id)] = token
        }
        for (token, field) in zip(added, listed) {
            let known = entries[token.content].flatMap(\.numberValue?.integer).map { TokenID($0) }
            guard known ?? token.id == token.id, known != nil || !isTaken[Int(token.id)] else {
                throw field["id"].wrong(
                    expected: known.map { "\($0), which \"\(token.content)\" has in model.vocab" }
                        ?? "an id of its own",
                    found: "\(token.id)")
            }
            isTaken[Int(token.id)] = true
            pieces[Int(token.id)] = token.content
        }
        self.vocabulary = entries
        vocabularyIDs = ids
    }

    private static func addedToken(_ field: JSONField) throws(JSONProblem) -> AddedToken {
        let content = try field["content"].string()
        guard !content.isEmpty, content.utf8.count <= longestAdded else {
            throw field["content"].expected("text of 1 to \(longestAdded) bytes")
        }
        let isSpecial = try field["special"].bool(default: false)
        return AddedToken(
            id: try field["id"].tokenID(), content: content,
            isControl: isSpecial || TokenizerParts.looksLikeControl(content), isSpecial: isSpecial,
            isSingleWord: try field["single_word"].bool(default: false),
            stripsLeft: try field["lstrip"].bool(default: false),
            stripsRight: try field["rstrip"].bool(default: false),
            isNormalized: try field["normalized"].bool(default: !isSpecial))
    }

    // MARK: Model

    private mutating func readOptions(_ field: JSONField) throws(JSONProblem) {
        let dropout = field["dropout"]
        if !dropout.isNull, dropout.value != .number(0) {
            throw dropout.expected("null: encoding has to give the same tokens each time")
        }
        for key in ["continuing_subword_prefix", "end_of_word_suffix"] where !field[key].isNull {
            if try !field[key].string().isEmpty { throw field[key].expected("null or \"\"") }
        }
        model.ignoresMerges = try field["ignore_merges"].bool(default: false)
        model.fallsBackToBytes = try field["byte_fallback"].bool(default: false)
        model.fusesUnknown = try field["fuse_unk"].bool(default: false)
        let unknown = field["unk_token"]
        if !unknown.isNull {
            guard let id = id(of: try unknown.string()) else {
                throw unknown.expected("null or a token of model.vocab")
            }
            model.unknown = id
        }
    }

    private mutating func readMerges(_ field: JSONField) throws(JSONProblem) {
        guard case .array(let values) = field.value else { throw field.expected("an array") }
        merges.reserveCapacity(values.count)
        for (index, value) in values.enumerated() {
            func here() -> JSONField { JSONField(value, path: "\(field.path)[\(index)]") }
            switch value {
            case .array(let pair):
                guard pair.count == 2, let left = pair[0].stringValue, let right = pair[1].stringValue else {
                    throw here().expected("two tokens")
                }
                merges.append((left, right))
            case .string(let text):
                let parts = text.split(separator: " ", omittingEmptySubsequences: false)
                guard parts.count == 2 else { throw here().expected("two tokens with a space between") }
                merges.append((String(parts[0]), String(parts[1])))
            default:
                throw here().expected("two tokens")
            }
        }
    }

    private func mergeTable(_ table: TokenTable) throws(JSONProblem) -> MergeTable {
        var result = MergeTable(capacity: merges.count)
        for (index, merge) in merges.enumerated() {
            func id(_ token: String) throws(JSONProblem) -> TokenID {
                if let id = table.id(of: token.utf8) { return id }
                throw JSONProblem(
                    path: "model.merges[\(index)]", expected: "tokens of model.vocab that text may become",
                    found: "\"\(token.prefix(60))\"")
            }
            result.insert(
                try id(merge.left), try id(merge.right),
                .init(rank: UInt32(index), result: try id(merge.left + merge.right)), replaces: true)
        }
        return result
    }

    /// The tokenizer that the file describes.
    ///
    /// - Parameters:
    ///   - added: Its added tokens, as other files of the checkpoint may have changed them.
    ///   - bos: The token that begins a text, and `eos` the one that ends it.
    ///   - ends: Tokens after which generation ends.
    func parts(added: [AddedToken], bos: TokenID?, eos: TokenID?, ends: Set<TokenID>) throws(JSONProblem)
        -> TokenizerParts
    {
        // Neither a word nor a merge makes a token that only the template may.
        let control = Set(added.filter(\.isControl).map(\.id))
        var table = TokenTable(capacity: vocabulary.count)
        for ((token, _), id) in zip(vocabulary, vocabularyIDs) where !control.contains(id) {
            table.insert(token, id: id)
        }
        var kinds = pieces.map { $0.isEmpty ? TokenKind.unused : .normal }
        for token in added { kinds[Int(token.id)] = token.isSpecial ? .control : .userDefined }
        var options = model
        // Where a file writes what it does not know as the end of the text, nothing is written.
        if let unknown = options.unknown, ends.contains(unknown) || unknown == bos { options.unknown = nil }
        return TokenizerParts(
            pieces: pieces, kinds: kinds, added: added, normalizer: normalizer, preTokenizer: preTokenizer,
            model: BytePairModel(
                table: table, merges: try mergeTable(table), isByteLevel: preTokenizer.isByteLevel,
                options: options),
            spelling: spelling, bos: bos, eos: eos, prefix: prefix, suffix: suffix, ends: ends)
    }

    // MARK: Post-processor

    private mutating func readPostProcessor(_ field: JSONField) throws(JSONProblem) {
        if field.isNull { return }
        let type = field["type"]
        switch try type.string() {
        case "ByteLevel": break
        case "Sequence":
            for part in try field["processors"].elements() { try readPostProcessor(part) }
        case "TemplateProcessing":
            var isBefore = true
            prefix = []
            suffix = []
            for item in try field["single"].elements() {
                if !item["Sequence"].isNull {
                    isBefore = false
                    continue
                }
                let name = try item["SpecialToken"]["id"].string()
                let ids = field["special_tokens"][name]["ids"]
                for id in try ids.elements() {
                    let token = try id.tokenID()
                    guard pieces.indices.contains(Int(token)) else {
                        throw id.expected("a number below \(pieces.count)")
                    }
                    if isBefore { prefix.append(token) } else { suffix.append(token) }
                }
            }
        default: throw type.expected("ByteLevel, Sequence or TemplateProcessing")
        }
    }
}

extension JSONField {
    fileprivate func idProblem() throws(JSONProblem) -> JSONProblem {
        _ = try tokenID()
        return expected("the number of a token")
    }
}
