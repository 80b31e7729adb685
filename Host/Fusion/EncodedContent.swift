import Digest
import PluginHost

/// What an encoder made of a media part, in this decoder's terms and not weighed yet.
public enum EncodedContent: Sendable, Equatable {
    /// A plugin's text.
    case text(String)
    /// Rows of weight 1.
    ///
    /// - Parameter modality: Of the medium whose place in the template they take; nil for those that stand bare.
    case rows(Segment, modality: String?)

    /// What it takes in memory.
    var byteCount: Int {
        switch self {
        case .text(let text): text.utf8.count
        case .rows(let segment, _):
            segment.rows.count * MemoryLayout<Float>.size
                + segment.positions.count * MemoryLayout<GridPosition>.size
        }
    }
}

extension Fusion {
    /// A plugin's output as the decoder reads it.
    ///
    /// - Parameters:
    ///   - decoder: Whose space the plugin says its rows are in.
    ///   - modality: Of the plugin.
    ///   - digest: What determines the output; see ``Segment/digest``.
    /// - Throws: ``FusionError`` where rows are meant for another decoder.
    public func content(
        _ output: EncodedSegment, for decoder: DecoderIdentityFacts?, plugin: String, modality: String,
        digest: String
    ) throws -> EncodedContent {
        switch output.content {
        case .text(let text): return .text(text.text)
        case .soft(let soft): return .rows(try segment(soft, digest: digest), modality: nil)
        case .rows(let rows):
            let segment = try segment(rows, for: decoder, plugin: plugin, digest: digest)
            return .rows(segment, modality: modality)
        }
    }

    /// What stands in the message: text where it weighs 1, rows that weigh as much as is said else.
    ///
    /// - Parameter weight: α, 0 … 1.
    public func part(_ content: EncodedContent, weight: Float) throws -> FusedPart {
        switch content {
        case .text(let text):
            // The tokens of weighed text do not run into those beside it, whose weight they must not share.
            return weight == 1 ? .text(text) : .segment(try segment(text, weight: weight), modality: nil)
        case .rows(var segment, let modality):
            segment.weight = weight
            return .segment(segment, modality: modality)
        }
    }

    /// s of the gate's formula: what it is told of a segment; nil where there are no rows.
    public func mean(_ content: EncodedContent) throws -> NormalizedMean? {
        switch content {
        case .text(let text): try mean([text])
        case .rows(let segment, _): NormalizedMean(rows: segment.rows, width: segment.width)
        }
    }

    /// t of the gate's formula: what it is told of texts, each tokenised alone; nil where they have no tokens.
    public func mean(_ texts: [String]) throws -> NormalizedMean? {
        var sum = RowSum(width: model.decoder.hidden)
        for text in texts {
            try embed(model.tokenizer.encode(text, special: .asText)) { sum.add($0) }
        }
        return NormalizedMean(sum)
    }

    /// Text as rows, tokenised alone.
    private func segment(_ text: String, weight: Float) throws -> Segment {
        var hash = SHA256()
        hash.update(Array("text \(text)".utf8))
        let tokens = try model.tokenizer.encode(text, special: .asText)
        try checkFits(tokens.count)
        return Segment(
            rows: try model.decoder.embed(tokens), width: model.decoder.hidden, weight: weight,
            digest: hash.finish())
    }

    /// The gate of a plugin for this decoder; nil where the file has none for it.
    ///
    /// - Parameter path: Of `gate.safetensors`.
    /// - Throws: `TensorFileError` where the file is not as it should be.
    public func gate(at path: String) throws -> Gate? {
        let file = try gates.file(at: path)
        return identity.flatMap { file.gate(for: $0) }
    }
}
