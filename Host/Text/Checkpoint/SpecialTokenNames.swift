import GatehouseJSON

/// Which tokens begin and end texts, from `tokenizer_config.json` and `special_tokens_map.json`, and what these files
/// change in the added tokens of `tokenizer.json`.
struct SpecialTokenNames {
    private(set) var added: [AddedToken]
    private(set) var bos: TokenID?
    private(set) var eos: TokenID?
    private(set) var unknown: TokenID?
    private(set) var separator: TokenID?
    private(set) var padding: TokenID?
    /// Whether plain text is begun with `bos`; nil leaves it to `tokenizer.json`.
    private(set) var addsBOS: Bool?
    private let file: TokenizerFile
    private var places: [TokenID: Int] = [:]

    private static let keys = [
        "bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token",
    ]

    init(_ file: TokenizerFile) {
        self.file = file
        added = file.added
        for (place, token) in added.enumerated() { places[token.id] = place }
    }

    mutating func read(config: JSONValue, _ warnings: inout [String]) throws(JSONProblem) {
        let root = JSONField(config)
        _ = try root.object()
        let decoder = root["added_tokens_decoder"]
        if !decoder.isNull {
            for (key, _) in try decoder.object() {
                let field = decoder[key]
                let content = try field["content"].string()
                guard let id = file.id(of: content) else {
                    warnings.append(
                        "\(field.path): the token \"\(content)\" is not in tokenizer.json, ignored")
                    continue
                }
                guard TokenID(key) == id else {
                    throw field.wrong(
                        expected: "\(id), which \"\(content)\" has in tokenizer.json", found: key)
                }
                let isSpecial = try field["special"].bool(default: false)
                put(
                    AddedToken(
                        id: id, content: content,
                        isControl: isSpecial || TokenizerParts.looksLikeControl(content),
                        isSpecial: isSpecial,
                        isSingleWord: try field["single_word"].bool(default: false),
                        stripsLeft: try field["lstrip"].bool(default: false),
                        stripsRight: try field["rstrip"].bool(default: false),
                        isNormalized: try field["normalized"].bool(default: !isSpecial)))
            }
        }
        try readNames(root, &warnings)
        let adds = root["add_bos_token"]
        if !adds.isNull { addsBOS = try adds.bool(default: false) }
    }

    /// `special_tokens_map.json` says what is not said before.
    mutating func read(map: JSONValue, _ warnings: inout [String]) throws(JSONProblem) {
        let root = JSONField(map)
        _ = try root.object()
        try readNames(root, &warnings)
    }

    private mutating func readNames(_ root: JSONField, _ warnings: inout [String]) throws(JSONProblem) {
        for key in Self.keys where !root[key].isNull {
            guard let id = try special(root[key], &warnings) else { continue }
            switch key {
            case "bos_token": bos = bos ?? id
            case "eos_token": eos = eos ?? id
            case "unk_token": unknown = unknown ?? id
            case "sep_token": separator = separator ?? id
            case "pad_token": padding = padding ?? id
            default: break
            }
        }
        // A list in transformers 4; later also an object of names.
        for key in ["additional_special_tokens", "extra_special_tokens"] {
            if case .array = root[key].value {
                for item in try root[key].elements() { _ = try special(item, &warnings) }
            }
        }
    }

    /// The id of a token that is special from now on.
    ///
    /// - Parameter field: Its content, or an object with its `content`.
    private mutating func special(_ field: JSONField, _ warnings: inout [String]) throws(JSONProblem)
        -> TokenID?
    {
        let content =
            if case .object = field.value { try field["content"].string() } else { try field.string() }
        guard let id = file.id(of: content) else {
            warnings.append("\(field.path): the token \"\(content)\" is not in tokenizer.json, ignored")
            return nil
        }
        if let place = places[id] {
            added[place].isSpecial = true
            added[place].isControl = true
        } else {
            put(AddedToken(id: id, content: content, isControl: true, isSpecial: true))
        }
        return id
    }

    private mutating func put(_ token: AddedToken) {
        if let place = places[token.id] {
            added[place] = token
        } else {
            places[token.id] = added.count
            added.append(token)
        }
    }
}
