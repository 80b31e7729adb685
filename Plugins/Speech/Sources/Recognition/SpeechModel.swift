import Decoding
import Encoders
import Features
import GatehouseNumerics
import Glibc
import Sounds

/// A checkpoint that turns sound into something a decoder reads: features, encoder and what follows it together.
public struct SpeechModel: Sendable {
    /// What becomes of the encoder's states.
    public enum Target: String, Sendable, CaseIterable {
        case text
        case rows
        case soft
    }

    enum Head: Sendable {
        case text(PieceVocabulary)
        case projector(Projector)
        case soft(SoftTokenHead)
    }

    public let extractor: FeatureExtractor
    public let encoder: ConformerEncoder
    let head: Head
    /// What the search for the likeliest transcript knows of the language, where the folder has its file.
    let language: PieceLanguageModel?

    /// Opens a folder that has `config.json` and `preprocessor_config.json` beside its weights; for text `tokenizer.json`, else
    /// the head's file.
    public init(folder: String, target: Target = .text) throws(TensorFileError) {
        let file = try ConfigurationFile(path: "\(folder)/config.json")
        let configuration = try ConformerConfiguration(file)
        extractor = try FeatureExtractor(Self.extractorFile(folder))
        guard extractor.bands == configuration.bands else {
            throw file.error("num_mel_bins", "feature_size \(extractor.bands)", "\(configuration.bands)")
        }
        var language: PieceLanguageModel?
        switch target {
        case .text:
            guard let count = configuration.vocabulary else {
                throw file.error(
                    "model_type", "\"parakeet_ctc\", since text needs a head", file.summary("model_type"))
            }
            head = .text(
                try PieceVocabulary(
                    ConfigurationFile(path: "\(folder)/tokenizer.json"), count: count,
                    blank: configuration.blank))
            let path = "\(folder)/\(PieceLanguageModel.fileName)"
            if access(path, F_OK) == 0 {
                guard configuration.blank == count - 1 else {
                    throw file.error(
                        "pad_token_id", "the last piece, \(count - 1), beside a language model",
                        "\(configuration.blank)")
                }
                language = try PieceLanguageModel(SafetensorsFile(path: path), pieces: count - 1)
            }
        case .rows:
            head = .projector(
                try Projector(
                    SafetensorsFile(path: "\(folder)/\(Projector.fileName)"), width: configuration.width))
        case .soft:
            head = .soft(
                try SoftTokenHead(
                    SafetensorsFile(path: "\(folder)/\(SoftTokenHead.fileName)"), width: configuration.width))
        }
        self.language = language
        encoder = try ConformerEncoder(configuration, WeightReader(SafetensorsCheckpoint(path: folder)))
    }

    /// Samples a second of what the encoder hears.
    public var rate: Int { extractor.rate }

    /// Seconds from row to row of the encoder.
    public var secondsPerRow: Double {
        Double(extractor.hop * encoder.configuration.factor) / Double(extractor.rate)
    }

    /// The projector of a model for rows.
    public var projector: Projector? {
        if case .projector(let projector) = head { projector } else { nil }
    }

    /// The pieces of a model for text.
    public var vocabulary: PieceVocabulary? {
        if case .text(let vocabulary) = head { vocabulary } else { nil }
    }

    private static func extractorFile(_ folder: String) throws(TensorFileError) -> ConfigurationFile {
        do {
            return try ConfigurationFile(path: "\(folder)/preprocessor_config.json")
        } catch {
            // Newer checkpoints have one file for all of their processor.
            if error.field == "file",
                let all = try? ConfigurationFile(path: "\(folder)/processor_config.json"),
                let own = all.section("feature_extractor")
            {
                return own
            }
            throw error
        }
    }
}
