import CSystemPCRE2

/// A regular expression over UTF-8, with Unicode properties.
///
/// `@unchecked Sendable`: the compiled pattern never changes, and PCRE2 allows matching with it from any thread.
final class Pattern: @unchecked Sendable {
    private let compiled: OpaquePointer

    /// - Parameter source: In the dialect of Oniguruma; see ``PatternDialect``.
    /// - Throws: ``TokenizerError/pattern(_:)`` with what is not understood.
    convenience init(_ source: String) throws(TokenizerError) {
        try self.init(pcre2: try PatternDialect.pcre2(source), shown: source)
    }

    /// A pattern that matches `text` itself.
    convenience init(literal text: String) throws(TokenizerError) {
        let escaped = text.unicodeScalars.map { "\\x{\(String($0.value, radix: 16))}" }.joined()
        try self.init(pcre2: escaped, shown: text)
    }

    private init(pcre2 source: String, shown: String) throws(TokenizerError) {
        var message = [UInt8](repeating: 0, count: 256)
        var offset = 0
        var source = source
        let made = source.withUTF8 { text in
            text.withMemoryRebound(to: CChar.self) { text in
                message.withUnsafeMutableBytes { buffer in
                    gh_pattern_create(
                        text.baseAddress, text.count, buffer.bindMemory(to: CChar.self).baseAddress,
                        buffer.count, &offset)
                }
            }
        }
        guard let made else {
            let text = String(decoding: message.prefix { $0 != 0 }, as: UTF8.self)
            throw .pattern("\(text): \(shown.prefix(200))")
        }
        compiled = made
    }

    deinit {
        gh_pattern_free(compiled)
    }

    /// A stretch of text that a pattern matches, or that lies between its matches.
    typealias Cut = (range: Range<Int>, isMatch: Bool)

    /// Scratch memory to match a pattern with; one thread at a time.
    final class Matcher {
        private let pattern: Pattern
        private let matcher: OpaquePointer

        init(_ pattern: Pattern) throws(TokenizerError) {
            guard let matcher = gh_matcher_create(pattern.compiled) else { throw .pattern("out of memory") }
            self.matcher = matcher
            self.pattern = pattern
        }

        deinit {
            gh_matcher_free(matcher)
        }

        /// The matches in `text` and what lies between them. Matches may be empty.
        ///
        /// - Parameter text: Valid UTF-8.
        func cuts(of text: UnsafeBufferPointer<UInt8>) throws(TokenizerError) -> [Cut] {
            var cuts: [Cut] = []
            // Where the next match is looked for, and the end of the last cut.
            var start = 0
            var told = 0
            var lastEnd: Int?
            while start <= text.count {
                var (begin, end) = (0, 0)
                let found = gh_matcher_find(matcher, text.baseAddress, text.count, start, &begin, &end)
                if found < 0 { throw .pattern(Self.message(found)) }
                if found == 0 { break }
                // An empty match right behind another counts as none; \K may even end a match before `start`.
                if end < begin || begin == end && lastEnd == end || begin < told {
                    guard start < text.count else { break }
                    start += 1
                    while start < text.count, text[start] & 0xC0 == 0x80 { start += 1 }
                    continue
                }
                if begin > told { cuts.append((told..<begin, false)) }
                cuts.append((begin..<end, true))
                (told, start, lastEnd) = (end, end, end)
            }
            if told < text.count { cuts.append((told..<text.count, false)) }
            return cuts
        }

        private static func message(_ code: Int32) -> String {
            var text = [UInt8](repeating: 0, count: 256)
            text.withUnsafeMutableBytes { buffer in
                gh_pattern_message(code, buffer.bindMemory(to: CChar.self).baseAddress, buffer.count)
            }
            return String(decoding: text.prefix { $0 != 0 }, as: UTF8.self)
        }
    }
}
