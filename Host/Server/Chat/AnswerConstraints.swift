import Constraints
import Fusion
import GatehouseJSON
import Synchronization

/// Makes the constraints of chat requests and keeps those that were asked for last. Any thread.
final class AnswerConstraints: Sendable {
    private let model: LanguageModel
    private let format: CallFormat
    private let vocabulary = Mutex<TokenVocabulary?>(nil)
    /// By what they were made of, the one used last at the end.
    private let kept = Mutex<[(key: String, constraint: Constraint)]>([])
    private static let most = 32

    init(_ model: LanguageModel, format: CallFormat) {
        self.model = model
        self.format = format
    }

    /// What the answers to a request are held to; nil where they are free.
    ///
    /// - Parameter thinksFirst: Whether the prompt has opened the tags between which the model thinks.
    /// - Throws: ``SchemaError`` where a schema of the request cannot be held to.
    func constraint(
        for request: ChatRequest, thinksFirst: Bool = false
    ) throws(SchemaError) -> Constraint? {
        let functions = request.tools?.callable ?? []
        let answer: (schema: JSONValue, path: String)? =
            switch request.form {
            case .text: nil
            case .object: (.object(["type": .string("object")]), "response_format")
            case .schema(let schema, let path): (schema, path)
            }
        guard request.isConstrained else { return nil }

        let isRequired =
            switch request.tools?.choice {
            case .required, .function: true
            case .auto, .none?, nil: false
            }
        var allowsSeveral = request.tools?.allowsSeveral ?? false
        if case .function = request.tools?.choice { allowsSeveral = false }
        let key =
            ([answer?.schema.text ?? "", "\(isRequired) \(allowsSeveral) \(thinksFirst)"]
            + functions.flatMap { [$0.name, $0.parameters.text] }).joined(separator: "\n")
        if let known = take(key) { return known }

        let grammar = try Grammar(
            calls: functions, format: format, isRequired: isRequired, allowsSeveral: allowsSeveral,
            answer: answer, closing: thinksFirst ? model.reasoning.close : nil)
        let constraint = Constraint(grammar, vocabulary: tokens())
        kept.withLock { kept in
            kept.append((key, constraint))
            if kept.count > Self.most { kept.removeFirst() }
        }
        return constraint
    }

    private func take(_ key: String) -> Constraint? {
        kept.withLock { kept in
            guard let index = kept.firstIndex(where: { $0.key == key }) else { return nil }
            kept.append(kept.remove(at: index))
            return kept.last?.constraint
        }
    }

    /// Made with the first request that needs it.
    private func tokens() -> TokenVocabulary {
        vocabulary.withLock { vocabulary in
            if let vocabulary { return vocabulary }
            let made = TokenVocabulary(model.tokenizer, count: model.decoder.vocabulary)
            vocabulary = made
            return made
        }
    }
}
