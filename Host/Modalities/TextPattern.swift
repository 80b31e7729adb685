/// A text in which `*` stands for any run of characters, none included.
public struct TextPattern: Sendable, Equatable, CustomStringConvertible {
    /// As it was written.
    public let description: String
    private let runs: [[UInt8]]

    public init(_ text: String) {
        description = text
        runs = text.utf8.split(separator: UInt8(ascii: "*"), omittingEmptySubsequences: false).map(Array.init)
    }

    /// Whether the whole of `text` is of this form. Takes time in proportion to both lengths at worst, whatever they
    /// are: each run is looked for after the one before and never moved again.
    public func matches(_ text: String) -> Bool {
        var rest = Array(text.utf8)[...]
        guard rest.starts(with: runs[0]) else { return false }
        rest = rest.dropFirst(runs[0].count)
        guard runs.count > 1, let last = runs.last else { return rest.isEmpty }
        for run in runs[1..<(runs.count - 1)] where !run.isEmpty {
            while !rest.starts(with: run) {
                if rest.count <= run.count { return false }
                rest = rest.dropFirst()
            }
            rest = rest.dropFirst(run.count)
        }
        return rest.count >= last.count && rest.suffix(last.count).elementsEqual(last)
    }
}
