/// Media types: their normal form, and what a file's first bytes say.
public enum MediaType {
    /// Lower case, without parameters; nil where `text` is no media type.
    public static func normalised(_ text: String) -> String? {
        let essence = text.prefix { $0 != ";" }.trimmingASCIISpace.lowercased()
        let halves = essence.split(separator: "/", omittingEmptySubsequences: false)
        let isToken = { (part: Substring) in
            !part.isEmpty
                && part.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && !"()<>@,;:\\\"/[]?=".utf8.contains($0) }
        }
        return halves.count == 2 && halves.allSatisfy(isToken) ? essence : nil
    }

    /// The type that the signature at the start of `bytes` says, or nil where none is known.
    /// Signatures: WHATWG MIME Sniffing, and the formats' own specifications.
    public static func sniffed(_ bytes: [UInt8]) -> String? {
        func has(_ signature: [UInt8], at offset: Int = 0) -> Bool {
            bytes.count >= offset + signature.count
                && bytes[offset..<offset + signature.count].elementsEqual(signature)
        }
        func has(_ signature: String, at offset: Int = 0) -> Bool { has(Array(signature.utf8), at: offset) }

        if has([0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]) { return "image/png" }
        if has([0xFF, 0xD8, 0xFF]) { return "image/jpeg" }
        if has("GIF87a") || has("GIF89a") { return "image/gif" }
        if has("RIFF") && has("WEBP", at: 8) { return "image/webp" }
        if has("RIFF") && has("WAVE", at: 8) { return "audio/wav" }
        if has("fLaC") { return "audio/flac" }
        if has("OggS") { return "audio/ogg" }
        if has("ID3") { return "audio/mpeg" }
        // MPEG audio frame sync, with a layer and a bit rate that exist.
        if bytes.count >= 3, bytes[0] == 0xFF, bytes[1] & 0xE6 == 0xE2, bytes[2] & 0xF0 != 0xF0 {
            return "audio/mpeg"
        }
        if has("%PDF-") { return "application/pdf" }
        if has("II*\0") || has([0x4D, 0x4D, 0x00, 0x2A]) { return "image/tiff" }
        if has("ftypheic", at: 4) || has("ftypmif1", at: 4) { return "image/heic" }
        if has("ftypavif", at: 4) { return "image/avif" }
        if has("ftyp", at: 4) { return "video/mp4" }
        return nil
    }

    /// The type that a file name's extension says, or nil.
    public static func named(_ fileName: String) -> String? {
        guard let dot = fileName.lastIndex(of: ".") else { return nil }
        return byExtension[fileName[fileName.index(after: dot)...].lowercased()]
    }

    /// OpenAI's `input_audio.format`, or any other short name of a format.
    public static func audio(format: String) -> String {
        byExtension[format.lowercased()] ?? "audio/\(format.lowercased())"
    }

    private static let byExtension = [
        "png": "image/png", "jpg": "image/jpeg", "jpeg": "image/jpeg", "gif": "image/gif",
        "webp": "image/webp",
        "bmp": "image/bmp", "tif": "image/tiff", "tiff": "image/tiff", "heic": "image/heic",
        "avif": "image/avif",
        "wav": "audio/wav", "flac": "audio/flac", "ogg": "audio/ogg", "oga": "audio/ogg", "opus": "audio/ogg",
        "mp3": "audio/mpeg", "m4a": "audio/mp4", "pdf": "application/pdf", "csv": "text/csv",
        "txt": "text/plain",
        "md": "text/markdown", "json": "application/json", "mp4": "video/mp4",
    ]
}

extension StringProtocol {
    fileprivate var trimmingASCIISpace: String {
        var text = Substring(self)
        while let first = text.first, first == " " || first == "\t" { text.removeFirst() }
        while let last = text.last, last == " " || last == "\t" { text.removeLast() }
        return String(text)
    }
}
