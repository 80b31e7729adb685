import Text
import Weights

/// What a model brings for turning text into tokens and back.
public struct ModelText: Sendable {
    /// The file or folder it was read from.
    public let path: String
    public let tokenizer: Tokenizer
    /// nil where the model has none: then it cannot chat.
    public let template: ChatTemplate?
    /// What of its files was ignored, a sentence each.
    public let warnings: [String]

    /// - Throws: ``FusionError``, or `TensorFileError` or `CheckpointTokenizerError` where a file is not as it should be.
    public init(_ source: ModelSource) throws {
        switch source {
        case .gguf(let file): try self.init(file)
        case .checkpoint(let checkpoint): try self.init(checkpoint)
        }
    }

    private init(_ checkpoint: Checkpoint) throws(CheckpointTokenizerError) {
        let files = try CheckpointTokenizer(directory: checkpoint.path)
        path = checkpoint.path
        tokenizer = files.tokenizer
        template = files.template
        warnings = files.warnings
    }

    private init(_ file: GGUFFile) throws {
        let description = try TokenizerDescription(file.metadata)
        path = file.path
        warnings = []
        do {
            tokenizer = try Tokenizer(description)
        } catch {
            throw FusionError.badTokenizer(model: path, error)
        }
        do {
            template = try description.chatTemplate.map { source throws(TemplateError) in
                try ChatTemplate(source: source)
            }
        } catch {
            throw FusionError.badTemplate(model: path, error)
        }
    }
}
