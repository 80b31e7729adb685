import Decoder
import Engine
import GatehouseJSON
import Text

/// What requests give as text: words, or tokens of the model.
enum TextInput: Sendable {
    case text(String)
    case tokens([Int32])

    /// The tokens, with what the model's file wants around a plain text. Control tokens in words are text.
    func tokens(_ tokenizer: Tokenizer) throws -> [Int32] {
        switch self {
        case .text(let text):
            tokenizer.prefix + (try tokenizer.encode(text, special: .asText)) + tokenizer.suffix
        case .tokens(let ids): ids
        }
    }
}

/// The body of `POST /v1/completions`.
struct TextCompletionRequest: Sendable {
    let model: String?
    let prompts: [TextInput]
    let sampling: Sampling
    /// For each prompt.
    let choices: Int
    let maxTokens: Int
    let alternatives: Int?
    let stop: [String]
    let stream: Bool
    let includeUsage: Bool
    /// Whether answers begin with their prompt.
    let echo: Bool

    /// OpenAI's default.
    private static let defaultTokens = 16

    init(parsing body: [UInt8], limits: RequestLimits) throws(HTTPError) {
        let root = try RequestField(body: body)
        model = try root["model"].string()
        prompts = try root["prompt"].textInputs(most: 64)
        sampling = try CompletionRequest.sampling(root)
        let choices = try root["n"].integer(1...limits.choices) ?? 1
        self.choices = choices
        maxTokens = try root["max_tokens"].integer(0...(1 << 31)) ?? Self.defaultTokens
        alternatives = try root["logprobs"].integer(0...20)
        stop = try root["stop"].stopStrings()
        stream = try root["stream"].bool() ?? false
        includeUsage = try root.includesUsage()
        try root.checkUser()
        echo = try root["echo"].bool() ?? false
        if let best = try root["best_of"].integer(1...128), best != choices {
            throw root["best_of"].expected("n, \(choices): others are not written here")
        }
        if let suffix = try root["suffix"].string(), !suffix.isEmpty {
            throw root["suffix"].expected("nothing: the model does not write between texts")
        }
        if echo, alternatives != nil {
            throw root["echo"].expected("false where \"logprobs\" is set: a prompt has no likelihoods here")
        }
    }
}

/// The body of `POST /v1/embeddings`.
struct EmbeddingRequest: Sendable {
    let model: String?
    let inputs: [TextInput]
    let isBase64: Bool

    /// - Parameter hidden: Numbers of the model's vectors.
    init(parsing body: [UInt8], hidden: Int) throws(HTTPError) {
        let root = try RequestField(body: body)
        model = try root["model"].string()
        inputs = try root["input"].textInputs(most: 2048)
        try root.checkUser()
        switch try root["encoding_format"].string() {
        case nil, "float"?: isBase64 = false
        case "base64"?: isBase64 = true
        default: throw root["encoding_format"].expected("\"float\" or \"base64\"")
        }
        if let dimensions = try root["dimensions"].integer(1...(1 << 20)), dimensions != hidden {
            throw root["dimensions"].expected("\(hidden), the size of this model's vectors")
        }
    }
}

extension RequestField {
    /// The root of a body, which is an object.
    init(body: [UInt8]) throws(HTTPError) {
        let document: JSONValue
        do {
            document = try JSONValue(parsing: body)
        } catch {
            throw HTTPError(
                status: 400, message: "the body: expected \(error.expected), found \(error.found)",
                code: "invalid_json")
        }
        guard case .object = document else {
            throw HTTPError(
                status: 400, message: "the body: expected an object, found \(document.summary)",
                code: "invalid_json")
        }
        self.init(document, "")
    }

    /// A text, several, one as tokens, or several as tokens.
    func textInputs(most: Int) throws(HTTPError) -> [TextInput] {
        let what = "a text, an array of texts, of tokens, or of arrays of tokens"
        if case .string(let text)? = value { return [.text(text)] }
        let elements = try elements(what)
        guard let first = elements.first else { throw expected("\(what), none of them empty") }
        if case .number? = first.value { return [.tokens(try tokens())] }
        guard elements.count <= most else { throw expected("at most \(most) texts") }
        var inputs: [TextInput] = []
        for element in elements {
            switch element.value {
            case .string(let text)?: inputs.append(.text(text))
            case .array?: inputs.append(.tokens(try element.tokens()))
            default: throw element.expected("a text or an array of tokens")
            }
        }
        return inputs
    }

    /// Ids, not checked against a vocabulary.
    func tokens() throws(HTTPError) -> [Int32] {
        var ids: [Int32] = []
        for element in try elements("an array of tokens") {
            guard let id = try element.integer(0...Int(Int32.max)) else { throw element.expected("a token") }
            ids.append(Int32(id))
        }
        if ids.isEmpty { throw expected("a token or more") }
        return ids
    }
}
