import CSystemPCRE2

/// A regular expression over UTF-8, with Unicode properties.
///
/// `@unchecked Sendable`: the compiled pattern never changes, and PCRE2 allows matching with it from any thread.
final class Pattern: @unchecked Sendable {
    private let compiled: OpaquePointer

    /// - Throws: ``TokenizerError/pattern(_:)`` with PCRE2's message.
    init(_ source: String) throws(TokenizerError) {
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
            throw .pattern("\(text) at byte \(offset) of \(source)")
        }
        compiled = made
    }

    deinit {
        gh_pattern_free(compiled)
    }

    /// Calls `body` with each stretch of `text`: the matches, and what lies between them. Empty ones are left out.
    ///
    /// - Parameter text: Valid UTF-8.
    func split(_ text: UnsafeBufferPointer<UInt8>, _ body: (Range<Int>) -> Void) throws(TokenizerError) {
        guard let matcher = gh_matcher_create(compiled) else { throw .pattern("out of memory") }
        defer { gh_matcher_free(matcher) }
        var position = 0
        while position < text.count {
            var begin = 0
            var end = 0
            let found = gh_matcher_find(matcher, text.baseAddress, text.count, position, &begin, &end)
            if found < 0 { throw .pattern("PCRE2 error \(found)") }
            if found == 0 || end <= position { break }
            if begin > position { body(position..<begin) }
            body(begin..<end)
            position = end
        }
        if position < text.count { body(position..<text.count) }
    }
}
