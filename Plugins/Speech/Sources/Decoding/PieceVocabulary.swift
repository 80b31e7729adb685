import GatehouseJSON
import GatehouseNumerics

/// What the pieces of a checkpoint stand for: the vocabulary in `tokenizer.json`, of SentencePiece's kind, where `▁` begins a
/// word.
public struct PieceVocabulary: Sendable {
    enum Piece: Sendable, Equatable {
        /// UTF-8, and whether a word begins here.
        case text([UInt8], beginsWord: Bool)
        /// Unknown words, padding and the like; also pieces that the file does not name.
        case nothing
    }

    private static let wordMark = "▁"

    let pieces: [Piece]
    public let blank: Int

    /// - Parameters:
    ///   - count: pieces of the head.
    ///   - blank: the piece that stands for nothing new.
    public init(_ file: ConfigurationFile, count: Int, blank: Int) throws(TensorFileError) {
        guard let model = file.section("model") else {
            throw file.error("model", "an object", file.summary("model"))
        }
        var pieces = [Piece](repeating: .nothing, count: count)
        switch model.values["vocab"] {
        case .object(let members):
            for (text, value) in members {
                guard let index = value.numberValue?.integer, index >= 0 else {
                    throw model.error("vocab[\"\(text)\"]", "a piece's number", value.summary)
                }
                if index < count { pieces[index] = Self.piece(text) }
            }
        case .array(let values):
            for (index, value) in values.enumerated() {
                guard let text = value.arrayValue?.first?.stringValue else {
                    throw model.error("vocab[\(index)]", "a piece and its score", value.summary)
                }
                if index < count { pieces[index] = Self.piece(text) }
            }
        default:
            throw model.error("vocab", "an object or an array", model.summary("vocab"))
        }
        for token in file.values["added_tokens"]?.arrayValue ?? [] {
            guard let index = token["id"]?.numberValue?.integer, (0..<count).contains(index) else { continue }
            let text = token["content"]?.stringValue ?? ""
            pieces[index] = token["special"]?.boolValue ?? false ? .nothing : Self.piece(text)
        }
        pieces[blank] = .nothing
        guard pieces.contains(where: { $0 != .nothing }) else {
            throw model.error("vocab", "pieces below \(count)", "none")
        }
        self.pieces = pieces
        self.blank = blank
    }

    public var count: Int { pieces.count }

    private static func piece(_ text: String) -> Piece {
        // A byte that no piece has, as `<0xC3>`.
        if text.hasPrefix("<0x"), text.hasSuffix(">"), text.utf8.count == 6,
            let byte = UInt8(text.dropFirst(3).dropLast(), radix: 16)
        {
            return .text([byte], beginsWord: false)
        }
        if ["<unk>", "<pad>", "<s>", "</s>"].contains(text) { return .nothing }
        let beginsWord = text.hasPrefix(wordMark)
        let rest = beginsWord ? text.dropFirst(wordMark.count) : text[...]
        return .text(
            Array(rest.split(separator: Character(wordMark)).joined(separator: " ").utf8),
            beginsWord: beginsWord)
    }
}
