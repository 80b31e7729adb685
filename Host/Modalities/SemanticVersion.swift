/// A version as semver.org 2.0.0 orders them. Build metadata is kept in the text and ignored in comparisons.
public struct SemanticVersion: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// As it was written.
    public let description: String
    private let numbers: [Int]
    private let prerelease: [Substring]

    /// nil where `text` is no semantic version.
    public init?(_ text: String) {
        let core = text.split(separator: "+", maxSplits: 1, omittingEmptySubsequences: false)[0]
        let halves = core.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
        let numbers = halves[0].split(separator: ".", omittingEmptySubsequences: false).map {
            Self.number($0)
        }
        let prerelease =
            halves.count > 1 ? halves[1].split(separator: ".", omittingEmptySubsequences: false) : []
        let isIdentifier = { (part: Substring) in
            !part.isEmpty && part.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-") }
        }
        guard numbers.count == 3, !numbers.contains(nil), prerelease.allSatisfy(isIdentifier) else {
            return nil
        }
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
            switch (number(a), number(b)) {
            case (let a?, let b?): return a < b
            case (_?, nil): return true
            case (nil, _?): return false
            case (nil, nil): return a < b
            }
        }
        return left.prerelease.count < right.prerelease.count
    }

    /// A number without leading zeros.
    private static func number(_ part: Substring) -> Int? {
        guard part == "0" || (!part.hasPrefix("0") && part.allSatisfy { $0.isASCII && $0.isNumber }) else {
            return nil
        }
        return Int(part)
    }
}
