import Foundation
import GatehouseJSON

/// Tokenizer, chat template and end tokens of a checkpoint's folder, as Hugging Face transformers would load them.
///
/// Read are `tokenizer.json` and, where they are there, `tokenizer_config.json`, `special_tokens_map.json`,
/// `chat_template.jinja`, `chat_template.json`, `generation_config.json` and `config.json`. A value; any thread.
public struct CheckpointTokenizer: Sendable {
    /// Its ``Tokenizer/endOfGeneration`` holds what the files of the checkpoint declare.
    public let tokenizer: Tokenizer
    /// nil where the checkpoint has none: then it cannot chat.
    public let template: ChatTemplate?
    /// The template for chats with tools, where the checkpoint has one of its own.
    public let toolTemplate: ChatTemplate?
    /// The source of ``template``.
    public let templateSource: String?
    /// What was ignored, a sentence each.
    public let warnings: [String]

    let file: TokenizerFile
    let special: SpecialTokenNames

    /// - Parameter directory: The folder's path.
    /// - Throws: ``CheckpointTokenizerError`` naming the file and the place in it.
    public init(directory: String) throws(CheckpointTokenizerError) {
        let folder = CheckpointFolder(path: directory)
        var warnings: [String] = []
        let file: TokenizerFile
        let json = try folder.json("tokenizer.json")
        guard let json else {
            throw .unreadable(file: folder.path(of: "tokenizer.json"), reason: "it is not there")
        }
        file = try folder.reading("tokenizer.json") { () throws(JSONProblem) in try TokenizerFile(json) }
        let config = try folder.json("tokenizer_config.json")
        let map = try folder.json("special_tokens_map.json")
        var special = SpecialTokenNames(file)
        try folder.reading("tokenizer_config.json") { () throws(JSONProblem) in
            if let config { try special.read(config: config, &warnings) }
        }
        try folder.reading("special_tokens_map.json") { () throws(JSONProblem) in
            if let map { try special.read(map: map, &warnings) }
        }

        var ends = Set([special.eos].compactMap { $0 })
        for name in ["generation_config.json", "config.json"] {
            guard let json = try folder.json(name) else { continue }
            ends.formUnion(Self.ends(json, name, vocabulary: file.pieces.count, &warnings))
        }
        var parts = try folder.reading("tokenizer.json") { () throws(JSONProblem) in
            try file.parts(added: special.added, bos: special.bos, eos: special.eos, ends: ends)
        }
        switch (special.addsBOS, special.bos) {
        case (true?, let bos?) where !parts.prefix.contains(bos): parts.prefix.insert(bos, at: 0)
        case (false?, let bos?): parts.prefix.removeAll { $0 == bos }
        default: break
        }
        do {
            tokenizer = try Tokenizer(parts)
        } catch {
            throw .tokenizer(file: folder.path(of: "tokenizer.json"), error)
        }
        let templates = try folder.templates(config)
        templateSource = templates.main?.source
        template = try templates.main?.compiled()
        toolTemplate = try templates.tools?.compiled()
        self.warnings = warnings
        self.file = file
        self.special = special
    }

    /// `eos_token_id`: a number or a list of numbers; what is no token is left out with a warning.
    private static func ends(
        _ json: JSONValue, _ name: String, vocabulary: Int, _ warnings: inout [String]
    ) -> Set<TokenID> {
        let declared = json["eos_token_id"] ?? json["text_config"]?["eos_token_id"]
        var ends: Set<TokenID> = []
        for value in declared?.arrayValue ?? [declared].compactMap({ $0 }) {
            guard let id = value.numberValue?.integer, (0..<vocabulary).contains(id) else {
                warnings.append(
                    "\(name): eos_token_id has \(value.summary), ignored: expected a number from 0 to "
                        + "\(vocabulary - 1)")
                continue
            }
            ends.insert(TokenID(id))
        }
        return ends
    }
}

/// Why the tokenizer of a checkpoint could not be read. Messages name the file, the place, what was expected and what
/// was found.
public enum CheckpointTokenizerError: Error, CustomStringConvertible {
    case unreadable(file: String, reason: String)
    case malformed(file: String, JSONProblem)
    case tokenizer(file: String, TokenizerError)
    case template(file: String, TemplateError)

    public var description: String {
        switch self {
        case .unreadable(let file, let reason): "\(file): \(reason)"
        case .malformed(let file, let problem): "\(file): \(problem)"
        case .tokenizer(let file, let error): "\(file): \(error)"
        case .template(let file, let error): "\(file): \(error)"
        }
    }
}
