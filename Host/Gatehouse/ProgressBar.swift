import Decoder
import Foundation
import Synchronization

/// A line on the terminal that shows how far something has come, with its rate and the time left. Where standard error is
/// no terminal it shows nothing.
final class ProgressBar: Sendable {
    private struct State {
        var drawn = ContinuousClock.now
        var isDrawn = false
    }

    /// What is counted, and how its rate is told.
    enum Unit {
        case bytes
        case tokens
        /// Parts of a whole that has no rate of its own.
        case none

        func rate(_ perSecond: Double) -> String {
            switch self {
            case .bytes: String(format: "  %.0f MB/s", perSecond / 1e6)
            case .tokens: String(format: "  %.0f tokens/s", perSecond)
            case .none: ""
            }
        }
    }

    private static let width = 24
    private let title: String
    private let unit: Unit
    private let isShown = isatty(STDERR_FILENO) == 1
    private let started = ContinuousClock.now
    private let state = Mutex(State())

    /// - Parameter title: What is done: "Quantising".
    init(_ title: String, unit: Unit = .bytes) {
        self.title = title
        self.unit = unit
    }

    /// Shows that `done` of `total` are done. At the end the line is removed.
    func show(_ done: Int, of total: Int) {
        guard isShown, total > 0 else { return }
        state.withLock { state in
            let now = ContinuousClock.now
            if done >= total {
                if state.isDrawn { Terminal.error("\r\u{1B}[K") }
                state.isDrawn = false
            } else if now - state.drawn > .milliseconds(100) {
                Terminal.error("\r\u{1B}[K" + line(done, of: total, after: now - started))
                state.drawn = now
                state.isDrawn = true
            }
        }
    }

    /// Takes the line away.
    func end() { show(1, of: 1) }

    /// The line without its ends.
    private func line(_ done: Int, of total: Int, after elapsed: Duration) -> String {
        let seconds = Double(elapsed.components.seconds) + Double(elapsed.components.attoseconds) * 1e-18
        let rate = Double(done) / max(seconds, 1e-3)
        let left = rate > 0 ? Double(total - done) / rate : 0
        let full = Self.width * done / total
        let bar =
            String(repeating: "█", count: full) + String(repeating: "░", count: Self.width - full)
        return String(
            format: "%@ %@ %3d%%%@  %@ left", title, bar, 100 * done / total, unit.rate(rate), Self.time(left)
        )
    }

    private static func time(_ seconds: Double) -> String {
        let whole = Int(seconds.rounded(.up))
        return whole < 60 ? "\(whole) s" : "\(whole / 60) min \(whole % 60) s"
    }

    /// Shows the quantising of weights as they load; nil where there is none.
    static func loading(_ options: DecoderModel.Options) -> LoadProgress? {
        guard options.quantization != nil else { return nil }
        let bar = ProgressBar("Quantising")
        return LoadProgress { bar.show($0, of: $1) }
    }
}

/// Shows how far the encoding of a request's media parts has come, a line for one after the other.
final class EncodingBar: Sendable {
    private static let steps = 1000
    private let current = Mutex<(part: Int, bar: ProgressBar)?>(nil)

    /// Any thread; see `PromptBuilder.Progress`.
    @Sendable func show(_ part: Int, _ fraction: Double) {
        current.withLock { current in
            if current?.part != part {
                current?.bar.end()
                current = (part, ProgressBar("Encoding part \(part + 1)", unit: .none))
            }
            current?.bar.show(Int(fraction * Double(Self.steps)), of: Self.steps)
        }
    }

    /// Takes away what it shows.
    func end() {
        current.withLock { current in
            current?.bar.end()
            current = nil
        }
    }
}
