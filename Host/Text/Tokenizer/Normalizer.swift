import Foundation

/// Changes text before it is cut, as `normalizer` of `tokenizer.json`.
struct Normalizer: Sendable {
    enum Step: Sendable {
        /// Unicode's normal forms, by Foundation's tables.
        case composed, decomposed, compatiblyComposed, compatiblyDecomposed
        case lowercase
        /// Takes white space off the ends.
        case strip(left: Bool, right: Bool)
        /// Puts text before what is not empty.
        case prepend(String)
        case replace(Pattern, with: String)
    }

    let steps: [Step]

    /// The normalised text: valid UTF-8, as `text` has to be.
    func apply(_ text: UnsafeBufferPointer<UInt8>) throws(TokenizerError) -> [UInt8] {
        var bytes = Array(text)
        for step in steps { bytes = try apply(step, bytes) }
        return bytes
    }

    func apply(_ text: String) throws(TokenizerError) -> [UInt8] {
        var bytes = Array(text.utf8)
        for step in steps { bytes = try apply(step, bytes) }
        return bytes
    }

    private func apply(_ step: Step, _ bytes: [UInt8]) throws(TokenizerError) -> [UInt8] {
        var string: String { String(decoding: bytes, as: UTF8.self) }
        switch step {
        case .composed, .decomposed, .compatiblyComposed, .compatiblyDecomposed:
            // ASCII is its own normal form.
            if bytes.allSatisfy({ $0 < 0x80 }) { return bytes }
            switch step {
            case .composed: return Array(string.precomposedStringWithCanonicalMapping.utf8)
            case .decomposed: return Array(string.decomposedStringWithCanonicalMapping.utf8)
            case .compatiblyComposed: return Array(string.precomposedStringWithCompatibilityMapping.utf8)
            default: return Array(string.decomposedStringWithCompatibilityMapping.utf8)
            }
        case .lowercase:
            // Character by character: the end of a word does not change a sigma.
            var lowered: [UInt8] = []
            for scalar in string.unicodeScalars {
                lowered.append(contentsOf: scalar.properties.lowercaseMapping.utf8)
            }
            return lowered
        case .strip(let left, let right):
            var scalars = Array(string.unicodeScalars)[...]
            while left, let first = scalars.first, first.properties.isWhitespace { scalars.removeFirst() }
            while right, let last = scalars.last, last.properties.isWhitespace { scalars.removeLast() }
            var kept = String.UnicodeScalarView()
            kept.append(contentsOf: scalars)
            return Array(String(kept).utf8)
        case .prepend(let prefix):
            return bytes.isEmpty ? bytes : Array(prefix.utf8) + bytes
        case .replace(let pattern, let content):
            var replaced: [UInt8] = []
            try bytes.withUnsafeBufferPointer { (buffer) throws(TokenizerError) in
                for cut in try Pattern.Matcher(pattern).cuts(of: buffer) {
                    if cut.isMatch {
                        replaced.append(contentsOf: content.utf8)
                    } else {
                        replaced.append(contentsOf: buffer[cut.range])
                    }
                }
            }
            return replaced
        }
    }
}
