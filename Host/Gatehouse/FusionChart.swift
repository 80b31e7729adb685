import Foundation
import Server

/// What became of a request's media parts, as bars for the terminal: how much each weighs, what it takes of the prompt,
/// and how long it took.
struct FusionChart {
    private static let width = 20
    private let reports: [ModalityReport]
    private let promptTokens: Int
    /// Milliseconds of the part that took longest.
    private let longest: Double

    init(_ reports: [ModalityReport], promptTokens: Int) {
        self.reports = reports
        self.promptTokens = promptTokens
        longest = reports.map { $0.loadMilliseconds + $0.encodeMilliseconds }.max() ?? 0
    }

    /// Lines, each with its end.
    var text: String {
        let text = promptTokens - reports.reduce(0) { $0 + $1.tokens }
        var lines = ["prompt  \(promptTokens) tokens, \(max(0, text)) of them text"]
        for report in reports { lines += self.lines(report) }
        return lines.map { $0 + "\n" }.joined()
    }

    private func lines(_ report: ModalityReport) -> [String] {
        let plugin = report.plugin ?? "no plugin"
        let title = "part \(report.part)  \(plugin)" + (report.version.map { " \($0)" } ?? "")
        let gate = report.gate.map { String(format: "gate %.3f", $0) }
        var lines: [String] = []
        if report.weight == 0 {
            lines.append("\(title)  dropped" + (gate.map { ": \($0)" } ?? ""))
        } else {
            lines.append(title)
            let weight = String(format: "%.3f", report.weight) + (gate.map { "  \($0)" } ?? "")
            lines.append("  weight  \(bar(Double(report.weight)))  \(weight)")
            let share = Double(report.tokens) / Double(max(1, promptTokens))
            lines.append("  tokens  \(bar(share))  \(report.tokens)")
        }
        let (load, encode) = (report.loadMilliseconds, report.encodeMilliseconds)
        if report.cached {
            lines.append("  time    \(bar(0))  cached")
        } else if load + encode > 0 {
            let words = (load > 0 ? String(format: "load %.0f ms, ", load) : "")
            lines.append(
                "  time    \(timeBar(load, encode))  \(words)\(String(format: "encode %.0f ms", encode))")
        }
        return lines
    }

    /// - Parameter share: 0 … 1. What is more than nothing shows.
    private func bar(_ share: Double) -> String {
        let full = cells(share)
        return String(repeating: "█", count: full) + String(repeating: "░", count: Self.width - full)
    }

    /// Loading light, encoding dark, to the scale of the longest.
    private func timeBar(_ load: Double, _ encode: Double) -> String {
        let all = cells((load + encode) / longest)
        let loading = min(all, load > 0 ? Int((Double(all) * load / (load + encode)).rounded()) : 0)
        return String(repeating: "▒", count: loading) + String(repeating: "█", count: all - loading)
            + String(repeating: "░", count: Self.width - all)
    }

    private func cells(_ share: Double) -> Int {
        share > 0 ? min(Self.width, max(1, Int((share * Double(Self.width)).rounded()))) : 0
    }
}
