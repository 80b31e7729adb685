/// A version as semver.org 2.0.0 orders them. Build metadata is kept in the text and ignored in comparisons.
public struct SemanticVersion: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// As it was written.
    public let description: String
    private let numbers: [Int]
    private let prerelease: [Substring]

    /// nil where `text` is no semantic version.
    public init?(_ text: String) {
        let parts = text.split(separator: "+", maxSplits: 1, omittingEmptySubsequences: false)
        let halves = parts[0].split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
        let numbers = halves[0].split(separator: ".", omittingEmptySubsequences: false).map {
            Self.number($0)
        }
        let prerelease =
            halves.count > 1 ? halves[1].split(separator: ".", omittingEmptySubsequences: false) : []
        let isIdentifier = { (part: Substring) in
            !part.isEmpty && part.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-") }
        }
        let build = parts.count > 1 ? parts[1].split(separator: ".", omittingEmptySubsequences: false) : []
        guard numbers.count == 3, !numbers.contains(nil), (prerelease + build).allSatisfy(isIdentifier),
            prerelease.allSatisfy({ !Self.isDigits($0) || $0 == "0" || !$0.hasPrefix("0") })
        else { return nil }
        description = text
        self.numbers = numbers.compactMap { $0 }
        self.prerelease = prerelease
    }

    public static func == (left: SemanticVersion, right: SemanticVersion) -> Bool {
        left.numbers == right.numbers && left.prerelease == right.prerelease
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(numbers)
        hasher.combine(prerelease)
    }

    public static func < (left: SemanticVersion, right: SemanticVersion) -> Bool {
        if left.numbers != right.numbers { return left.numbers.lexicographicallyPrecedes(right.numbers) }
        if left.prerelease.isEmpty || right.prerelease.isEmpty {
            return !left.prerelease.isEmpty && right.prerelease.isEmpty
        }
        for (a, b) in zip(left.prerelease, right.prerelease) where a != b {
            switch (isDigits(a), isDigits(b)) {
            // Without leading zeros the longer number is the larger one, however long.
            case (true, true): return a.count != b.count ? a.count < b.count : a < b
            case (true, false): return true
            case (false, true): return false
            case (false, false): return a < b
            }
        }
        return left.prerelease.count < right.prerelease.count
    }

    /// A number without leading zeros.
    private static func number(_ part: Substring) -> Int? {
        guard part == "0" || (!part.hasPrefix("0") && isDigits(part)) else { return nil }
        return Int(part)
    }

    private static func isDigits(_ part: Substring) -> Bool {
        part.allSatisfy { $0.isASCII && $0.isNumber }
    }
}
