import Synchronization

/// A grammar that answers of one model are held to. What is found out about it is shared by all that use it. Any
/// thread.
public final class Constraint: Sendable {
    private let grammar: Grammar
    private let vocabulary: TokenVocabulary
    private let shared: Mutex<SharedAutomaton>
    /// Configurations after which new answers start with nothing known, so that memory stays bounded.
    private static let mostConfigurations = 10_000

    public init(_ grammar: Grammar, vocabulary: TokenVocabulary) {
        self.grammar = grammar
        self.vocabulary = vocabulary
        shared = Mutex(SharedAutomaton(grammar, vocabulary))
    }

    /// The beginning of an answer; nil where no answer is possible.
    public func start() -> ConstraintState? {
        let automaton = shared.withLock { shared in
            if shared.withAutomaton({ $0.configurations.count }) > Self.mostConfigurations {
                shared = SharedAutomaton(grammar, vocabulary)
            }
            return shared
        }
        return automaton.withAutomaton { $0.configurations.start }
            .map { ConstraintState(automaton, place: $0) }
    }
}

/// An automaton with the lock that makes it any thread's.
final class SharedAutomaton: Sendable {
    private let automaton: Mutex<TokenAutomaton>

    init(_ grammar: Grammar, _ vocabulary: TokenVocabulary) {
        automaton = Mutex(TokenAutomaton(grammar, vocabulary))
    }

    func withAutomaton<Result: Sendable>(_ body: (TokenAutomaton) -> Result) -> Result {
        automaton.withLock { body($0) }
    }
}

/// How far an answer has come. A value.
public struct ConstraintState: Sendable {
    private let automaton: SharedAutomaton
    private var place: Int32

    init(_ automaton: SharedAutomaton, place: Int32) {
        self.automaton = automaton
        self.place = place
    }

    /// Whether the answer may end here.
    public var isComplete: Bool { automaton.withAutomaton { $0.configurations.isComplete[Int(place)] } }

    /// Whether it is in free text, which any more text would continue.
    public var isFree: Bool { automaton.withAutomaton { $0.configurations.isFree(place) } }

    /// Whether nothing may follow.
    public var isFinished: Bool { automaton.withAutomaton { $0.configurations.isFinished(place) } }

    /// Tokens that suffice to complete the answer; nil where the vocabulary cannot write it.
    public var fewestTokens: Int? {
        let fewest = automaton.withAutomaton { $0.fewestTokens(place) }
        return fewest < Grammar.endless ? fewest : nil
    }

    /// Takes note that the answer has one more token.
    ///
    /// - Returns: Whether it may come there.
    @discardableResult
    public mutating func advance(_ token: Int32) -> Bool {
        guard let next = automaton.withAutomaton({ $0.next(place, token) }) else { return false }
        place = next
        return true
    }

    /// Makes impossible all tokens but those after which the answer can be completed.
    ///
    /// - Parameters:
    ///   - logits: Of the model; what may not come becomes -∞.
    ///   - remaining: Tokens that are left, the next one among them.
    ///   - ends: Tokens that end the answer: they may come where it is complete, and nowhere else.
    public func apply(to logits: UnsafeMutableBufferPointer<Float>, remaining: Int, ends: Set<Int32>) {
        let (words, isComplete) = automaton.withAutomaton {
            ($0.mask(place, remaining: remaining), $0.configurations.isComplete[Int(place)])
        }
        let kept = ends.filter { logits.indices.contains(Int($0)) }.map { ($0, logits[Int($0)]) }
        for (index, word) in words.enumerated() where word != .max {
            let start = index * 64
            if word == 0 {
                let end = min(start + 64, logits.count)
                UnsafeMutableBufferPointer(rebasing: logits[start..<end]).update(repeating: -.infinity)
                continue
            }
            for bit in 0..<min(64, logits.count - start) where word >> UInt64(bit) & 1 == 0 {
                logits[start + bit] = -.infinity
            }
        }
        for (token, logit) in kept { logits[Int(token)] = isComplete ? logit : -.infinity }
    }
}
