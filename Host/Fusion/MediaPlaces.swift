import Text

/// Where a model's template has a place of its own for a kind of media: one control token, which the model was trained
/// to see wrapped as the template wraps it, and for which the rows of the part stand in the prompt.
///
/// GLM-4.1V, for one, writes an image as `<|begin_of_image|><|image|><|end_of_image|>`. Media for which a template has
/// no place stand bare where the part stood.
struct MediaPlaces: Sendable {
    /// The token that published templates write for a part, by modality.
    private static let names = ["image": "<|image|>"]
    private let tokens: [String: TokenID]

    /// Tries with a message of one part what the template makes of each modality.
    init(_ template: ChatTemplate?, _ tokenizer: Tokenizer, variables: [String: JinjaValue]) {
        var tokens: [String: TokenID] = [:]
        for (modality, name) in Self.names {
            let part = JinjaValue.dict(["type": .template(modality)])
            let message = JinjaValue.dict(["role": .template("user"), "content": .list([part])])
            guard let rendered = try? template?.render(messages: [message], variables: variables),
                let pieces = try? tokenizer.encode(rendered)
            else { continue }
            let places = pieces.flatMap { piece -> [TokenID] in
                guard case .tokens(let ids) = piece else { return [] }
                return ids.filter { tokenizer.kind(of: $0) == .control && tokenizer.piece(of: $0) == name }
            }
            if places.count == 1 { tokens[modality] = places[0] }
        }
        self.tokens = tokens
    }

    /// The token that stands for a part; nil where the template has no place for this modality.
    subscript(modality: String) -> TokenID? { tokens[modality] }
}
