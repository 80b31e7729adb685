import GatehouseJSON

/// Normaliser, pre-tokenizer and decoder of `tokenizer.json`. What is not known is refused: a tokenizer that is nearly
/// right is worse than none.
extension TokenizerFile {
    static func normalizer(_ field: JSONField) throws(JSONProblem) -> Normalizer? {
        if field.isNull { return nil }
        var steps: [Normalizer.Step] = []
        try read(normalizer: field, into: &steps)
        return steps.isEmpty ? nil : Normalizer(steps: steps)
    }

    private static func read(
        normalizer field: JSONField, into steps: inout [Normalizer.Step]
    ) throws(JSONProblem) {
        let type = field["type"]
        switch try type.string() {
        case "Sequence":
            for part in try field["normalizers"].elements() { try read(normalizer: part, into: &steps) }
        case "NFC": steps.append(.composed)
        case "NFD": steps.append(.decomposed)
        case "NFKC": steps.append(.compatiblyComposed)
        case "NFKD": steps.append(.compatiblyDecomposed)
        case "Lowercase": steps.append(.lowercase)
        case "Strip":
            steps.append(
                .strip(
                    left: try field["strip_left"].bool(default: true),
                    right: try field["strip_right"].bool(default: true)))
        case "Prepend": steps.append(.prepend(try field["prepend"].string()))
        case "Replace":
            let (source, isLiteral) = try pattern(field["pattern"])
            let compiled = try compiling(field["pattern"]) { () throws(TokenizerError) in
                isLiteral ? try Pattern(literal: source) : try Pattern(source)
            }
            steps.append(.replace(compiled, with: try field["content"].string()))
        default:
            throw type.expected(
                "NFC, NFD, NFKC, NFKD, Lowercase, Strip, Prepend, Replace or Sequence")
        }
    }

    private static func pattern(_ field: JSONField) throws(JSONProblem) -> (source: String, isLiteral: Bool) {
        if !field["String"].isNull {
            let text = try field["String"].string()
            guard !text.isEmpty else { throw field["String"].expected("text that is not empty") }
            return (text, true)
        }
        return (try field["Regex"].string(), false)
    }

    private static func compiling<T>(
        _ field: JSONField, _ body: () throws(TokenizerError) -> T
    ) throws(JSONProblem) -> T {
        do {
            return try body()
        } catch {
            throw field.wrong(expected: "a regular expression that this host knows", found: "\(error)")
        }
    }

    // MARK: Pre-tokenizer

    static func preTokenizer(_ field: JSONField) throws(JSONProblem) -> PreTokenizer {
        var steps: [PreTokenizer.Step] = []
        if !field.isNull { try read(preTokenizer: field, into: &steps) }
        let bytes = steps.count { if case .byteLevel = $0 { true } else { false } }
        guard bytes <= 1 else { throw field.wrong(expected: "one step ByteLevel", found: "\(bytes)") }
        return try compiling(field) { () throws(TokenizerError) in try PreTokenizer(steps) }
    }

    // What Rust's regular expressions call \w.
    private static let word = #"\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\x{200C}\x{200D}"#

    private static func read(
        preTokenizer field: JSONField, into steps: inout [PreTokenizer.Step]
    ) throws(JSONProblem) {
        let type = field["type"]
        switch try type.string() {
        case "Sequence":
            for part in try field["pretokenizers"].elements() { try read(preTokenizer: part, into: &steps) }
        case "Split":
            let (source, isLiteral) = try pattern(field["pattern"])
            steps.append(
                .split(
                    pattern: source, isLiteral: isLiteral, try behavior(field["behavior"]),
                    isInverted: try field["invert"].bool(default: false)))
        case "ByteLevel":
            steps.append(
                .byteLevel(
                    addsSpace: try field["add_prefix_space"].bool(default: true),
                    splits: try field["use_regex"].bool(default: true)))
        case "Digits": steps.append(.digits(individual: try field["individual_digits"].bool(default: false)))
        case "Punctuation":
            let behavior = field["behavior"]
            steps.append(.punctuation(behavior.isNull ? .isolated : try self.behavior(behavior)))
        case "Whitespace":
            steps.append(
                .split(
                    pattern: "[\(word)]+|[^\(word)\\s]+", isLiteral: false, .removed, isInverted: true))
        case "WhitespaceSplit": steps.append(.whitespace)
        default:
            throw type.expected(
                "Split, ByteLevel, Digits, Punctuation, Whitespace, WhitespaceSplit or Sequence")
        }
    }

    private static func behavior(_ field: JSONField) throws(JSONProblem) -> PreTokenizer.Behavior {
        guard let behavior = PreTokenizer.Behavior(rawValue: try field.string()) else {
            throw field.expected("Removed, Isolated, MergedWithPrevious, MergedWithNext or Contiguous")
        }
        return behavior
    }

    // MARK: Decoder

    static func spelling(_ field: JSONField) throws(JSONProblem) -> TokenizerParts.Spelling {
        if field.isNull { return .characters(replacing: [], bytes: false) }
        var isByteLevel = false
        var replacements: [(old: String, new: String)] = []
        var hasBytes = false
        func read(_ field: JSONField) throws(JSONProblem) {
            let type = field["type"]
            switch try type.string() {
            case "Sequence":
                for part in try field["decoders"].elements() { try read(part) }
            case "ByteLevel": isByteLevel = true
            case "ByteFallback": hasBytes = true
            case "Replace":
                replacements.append((try field["pattern"]["String"].string(), try field["content"].string()))
            // Tokens are joined in any case; white space at the beginning of a text is left to the caller.
            case "Fuse", "Strip": break
            default: throw type.expected("ByteLevel, ByteFallback, Replace, Fuse, Strip or Sequence")
            }
        }
        try read(field)
        return isByteLevel ? .bytes : .characters(replacing: replacements, bytes: hasBytes)
    }
}
