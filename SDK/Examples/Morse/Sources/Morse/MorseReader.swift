import GatehouseSDK

/// Turns sound into Morse code's text, sample by sample, so that blocks of any size give the same. A value.
///
/// The sound's level, over windows of 5 ms, is a mark or a gap by its loudest so far. A mark of up to two dots is a dot;
/// a gap of two dots ends a letter, one of five a word (ITU-R M.1677 has 1 and 3, 3 and 7).
struct MorseReader {
    /// What a listener would want to know of.
    struct Progress: Equatable {
        /// Marks of the letter that is being sent.
        var marks = ""
        /// Bytes of the text that are settled: whole letters.
        var stable = 0
    }

    private(set) var progress = Progress()
    /// Settled letters, and what the marks of the one in progress say so far.
    private(set) var text = ""
    private(set) var words: [TextSpan] = []
    /// Where the word in progress begins, its space included: in bytes, and in seconds.
    private(set) var wordOffset = 0
    private var wordStart = 0.0
    /// Seconds.
    private(set) var heard = 0.0

    private let channels: Int
    private let windowSamples: Int
    private let windowSeconds: Double
    /// Windows in a dot: PARIS, the standard word, is 50 dots.
    private let dot: Double
    private var energy: Float = 0
    private var samplesInWindow = 0
    private var windows = 0
    private var loudest: Float = 0
    private var isMark = false
    /// Windows that the mark or gap lasts.
    private var length = 0
    private var lastMarkEnd = 0
    private var isInWord = false

    init(sampleRate: Int, channels: Int, wordsPerMinute: Int) {
        self.channels = channels
        windowSamples = max(1, sampleRate / 200) * channels
        windowSeconds = Double(max(1, sampleRate / 200)) / Double(sampleRate)
        dot = 1.2 / Double(wordsPerMinute) / windowSeconds
    }

    mutating func read(_ samples: UnsafeBufferPointer<Float>) {
        for sample in samples {
            energy += sample * sample
            samplesInWindow += 1
            if samplesInWindow == windowSamples { endWindow() }
        }
    }

    mutating func finish() {
        if isMark { endMark() }
        endLetter()
        endWord()
    }

    private mutating func endWindow() {
        let level = (energy / Float(windowSamples)).squareRoot()
        energy = 0
        samplesInWindow = 0
        windows += 1
        heard = Double(windows) * windowSeconds
        loudest = max(loudest * 0.9999, level)
        let isLoud = level > max(0.01, loudest * 0.4)
        if isLoud != isMark {
            if isMark { endMark() } else { beginMark() }
            isMark = isLoud
            length = 0
        }
        length += 1
        guard !isMark, isInWord else { return }
        if Double(length) >= 2 * dot { endLetter() }
        if Double(length) >= 5 * dot { endWord() }
    }

    private mutating func beginMark() {
        guard !isInWord else { return }
        isInWord = true
        wordOffset = progress.stable
        wordStart = Double(windows - 1) * windowSeconds
    }

    private mutating func endMark() {
        progress.marks += Double(length) < 2 * dot ? "." : "-"
        lastMarkEnd = windows - 1
        show(MorseCode.letter(progress.marks))
    }

    private mutating func endLetter() {
        guard !progress.marks.isEmpty else { return }
        progress.marks = ""
        progress.stable = text.utf8.count
    }

    private mutating func endWord() {
        isInWord = false
    }

    /// Shows `letter` behind what is settled, in the word's span.
    private mutating func show(_ letter: String) {
        let settled = String(decoding: text.utf8.prefix(progress.stable), as: UTF8.self)
        let isFirst = progress.stable == wordOffset
        text = settled + (isFirst && wordOffset > 0 ? " " : "") + letter
        let begin = wordOffset == 0 ? 0 : wordOffset + 1
        let end = Double(lastMarkEnd) * windowSeconds
        words.removeAll { $0.bytes.lowerBound >= begin }
        words.append(
            TextSpan(bytes: begin..<text.utf8.count, seconds: wordStart...max(wordStart, end), confidence: 1))
    }
}
