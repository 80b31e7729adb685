import Foundation
import PluginHost

/// Live text on standard output: on a terminal the end that may still change is rewritten in place; elsewhere only what
/// has become stable is written. A value.
struct LiveLine {
    private let isTerminal = isatty(STDOUT_FILENO) == 1
    /// Stable text of the line that the cursor is in.
    private var line = ""

    mutating func show(_ update: StreamUpdate) throws(CommandError) {
        guard isTerminal else {
            try Terminal.output(update.stable + (update.isFinal ? "\n" : ""))
            return
        }
        var output = "\r\u{1B}[K"
        line += update.stable
        let width = Self.width
        while line.count >= width {
            // Full lines stay as they are; they end between words where they can.
            let full = line.prefix(width - 1)
            let end = full.lastIndex(of: " ") ?? full.endIndex
            output += line[..<end] + "\n"
            line = String(line[end...].drop { $0 == " " })
        }
        output += line
        if update.isFinal {
            output += "\n"
        } else {
            // Dim, and cut where it would wrap: a wrapped line cannot be taken back.
            output += "\u{1B}[2m" + update.unstable.prefix(width - 1 - line.count) + "\u{1B}[0m"
        }
        try Terminal.output(output)
    }

    /// Columns of the terminal.
    private static var width: Int {
        var size = winsize()
        guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 10 else { return 80 }
        return Int(size.ws_col)
    }
}
