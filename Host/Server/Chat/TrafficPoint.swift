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
    /// Of a request that ``AccessControl`` has admitted.
    init(_ request: HTTPRequest, from client: AccessControl.Client, model: String) {
        self.init(
            model: model, headers: request.headers.fields, keyLabel: client.key?.label ?? "",
            allowedModalities: client.key?.limits.modalities)
    }

    /// Who it is from, for taking turns: the label of its key, or what it sent as one to a server without keys.
    var client: String { keyLabel.isEmpty ? bearerToken ?? "" : keyLabel }

    /// What follows `Bearer` in the field `Authorization`; nil where there is none.
    var bearerToken: String? { HTTPHeaders(headers).bearerToken }
}
