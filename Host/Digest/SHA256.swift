import CSystemNettle
import Foundation

/// SHA-256 of bytes as they come. A value: copies go their own way.
public struct SHA256 {
    private var context = sha256_ctx()

    public init() {
        nettle_sha256_init(&context)
    }

    public mutating func update(_ bytes: some ContiguousBytes) {
        bytes.withUnsafeBytes { bytes in
            guard let start = bytes.baseAddress else { return }
            nettle_sha256_update(&context, bytes.count, start.assumingMemoryBound(to: UInt8.self))
        }
    }

    /// 64 lower case hexadecimal digits. Starts anew.
    public mutating func finish() -> String {
        finishBytes().map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    /// 32 bytes. Starts anew.
    public mutating func finishBytes() -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: Int(SHA256_DIGEST_SIZE))
        nettle_sha256_digest(&context, digest.count, &digest)
        return digest
    }

    /// The digest of a whole file, read in pieces.
    public static func ofFile(_ path: String) throws -> String {
        let file = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
        defer { try? file.close() }
        var hash = SHA256()
        while let piece = try file.read(upToCount: 1 << 20), !piece.isEmpty { hash.update(piece) }
        return hash.finish()
    }
}
