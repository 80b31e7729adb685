import Digest
import Modalities

/// The place of a conversation in the traffic, which decides between versions that share it.
enum TrafficPoint {
    /// 0 ..< 1 by hash of the client's key and the first message, so that every request of a conversation goes to the
    /// same version.
    ///
    /// - Parameter key: nil where the client sent none.
    static func of(key: String?, first message: ChatMessage?) -> Double {
        var hash = SHA256()
        hash.update(Array((key ?? "").utf8))
        // Ends the key; it occurs in no text, so that two pairs never read alike.
        hash.update([0xFF])
        for part in message?.parts ?? [] {
            switch part {
            case .text(let text): hash.update(Array(text.utf8))
            case .media(let media): hash.update(media.bytes)
            }
            hash.update([0xFF])
        }
        let digits = UInt64(hash.finish().prefix(13), radix: 16) ?? 0
        return Double(digits) / Double(UInt64(1) << 52)
    }
}

extension RequestOrigin {
    /// What follows `Bearer` in the field `Authorization`; nil where there is none.
    var bearerToken: String? {
        guard let field = headers.first(where: { $0.name.lowercased() == "authorization" })?.value else {
            return nil
        }
        let words = field.split(separator: " ", maxSplits: 1)
        return words.count == 2 && words[0].lowercased() == "bearer" ? String(words[1]) : nil
    }
}
