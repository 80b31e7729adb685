/// A piece that was heard: where, and how surely.
public struct HeardPiece: Sendable, Equatable {
    public var piece: Int
    /// Rows of the encoder.
    public var rows: Range<Int>
    /// 0 … 1: the greatest of its rows' probabilities.
    public var probability: Float

    public init(piece: Int, rows: Range<Int>, probability: Float) {
        self.piece = piece
        self.rows = rows
        self.probability = probability
    }
}

/// A word that was heard.
public struct HeardWord: Sendable, Equatable {
    public var text: String
    /// From the start of the sound.
    public var seconds: ClosedRange<Double>
    /// 0 … 1: the geometric mean of its pieces' probabilities.
    public var confidence: Float

    public init(text: String, seconds: ClosedRange<Double>, confidence: Float) {
        self.text = text
        self.seconds = seconds
        self.confidence = confidence
    }
}

/// Pieces to words, one after the other.
public struct WordAssembler: Sendable {
    /// Bytes after which a word ends though no piece begins another, so that an endless one needs no endless memory.
    private static let mostBytes = 1024

    private let vocabulary: PieceVocabulary
    private let secondsPerRow: Double
    /// Words that are whole, since another began.
    public private(set) var words: [HeardWord] = []
    private var bytes: [UInt8] = []
    private var rows = 0..<0
    private var probabilities: [Float] = []

    public init(_ vocabulary: PieceVocabulary, secondsPerRow: Double) {
        self.vocabulary = vocabulary
        self.secondsPerRow = secondsPerRow
    }

    public mutating func append(_ heard: HeardPiece) {
        guard case .text(let text, let beginsWord) = vocabulary.pieces[heard.piece] else { return }
        if beginsWord || bytes.count >= Self.mostBytes { close() }
        if probabilities.isEmpty { rows = heard.rows }
        bytes += text
        rows = rows.lowerBound..<max(rows.upperBound, heard.rows.upperBound)
        probabilities.append(heard.probability)
    }

    /// The word that further pieces may still belong to.
    public var open: HeardWord? {
        guard !bytes.isEmpty else { return nil }
        let product = probabilities.reduce(1.0) { $0 * Double($1) }
        return HeardWord(
            text: String(decoding: bytes, as: UTF8.self),
            seconds: Double(rows.lowerBound) * secondsPerRow...Double(rows.upperBound) * secondsPerRow,
            confidence: Float(root(product, probabilities.count)))
    }

    /// The open word's text without a character that is not whole.
    public var openText: String { String(decoding: bytes.prefix(UTF8Prefix.count(bytes)), as: UTF8.self) }

    /// Ends the open word.
    public mutating func close() {
        if let open { words.append(open) }
        bytes = []
        probabilities = []
    }

    /// Hands over the whole words.
    public mutating func takeWords() -> [HeardWord] {
        defer { words = [] }
        return words
    }
}
