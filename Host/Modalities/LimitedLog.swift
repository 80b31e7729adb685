import PluginHost
import Synchronization

/// A worker's way to the log, so narrow that a flood of lines does not fill it. Any thread.
final class LimitedLog: Sendable {
    private let log: PluginLog
    private let limit = Mutex(LogLimit())

    init(_ log: @escaping PluginLog) {
        self.log = log
    }

    func add(_ plugin: String, _ level: PluginLogLevel, _ line: String) {
        switch limit.withLock({ $0.line(at: monotonicNanoseconds()) }) {
        case .drop: return
        case .passAfterDropping(let count): tell(plugin, count)
        case .pass: break
        }
        log(plugin, level, line)
    }

    /// After the last line.
    func finish(_ plugin: String) {
        let count = limit.withLock { $0.takeDropped() }
        if count > 0 { tell(plugin, count) }
    }

    private func tell(_ plugin: String, _ count: Int) {
        log(plugin, .warning, "\(count) lines dropped: it logs more than \(LogLimit.linesPerSecond) a second")
    }
}
