import CSystemMicrohttpd
import Foundation

/// A certificate chain with its key. Freed when the last connection that uses it has ended.
///
/// Sendable because nothing of it changes after `init`.
final class TLSCertificate: @unchecked Sendable {
    let pointer: OpaquePointer

    /// - Parameters are paths of PEM files: the server's certificate with those that vouch for it, and its key.
    /// - Throws: ``TLSError`` that names the file that is wrong.
    init(certificate: String, key: String) throws(TLSError) {
        let chain = try Self.contents(certificate)
        let secret = try Self.contents(key)
        let result = chain.withUnsafeBytes { chain in
            secret.withUnsafeBytes { secret in
                http_certificate_load(chain.baseAddress, chain.count, secret.baseAddress, secret.count)
            }
        }
        if let certificate = result.certificate {
            pointer = certificate
            return
        }
        let reason = String(cString: http_tls_error(result.error))
        switch result.fault {
        case HTTP_CERTIFICATE_CHAIN:
            throw TLSError("\(certificate): expected certificates in PEM, found: \(reason)")
        case HTTP_CERTIFICATE_KEY:
            throw TLSError("\(key): expected an unencrypted private key in PEM, found: \(reason)")
        default: throw TLSError("\(key): expected the private key of \(certificate), found: \(reason)")
        }
    }

    deinit {
        http_certificate_free(pointer)
    }

    private static func contents(_ path: String) throws(TLSError) -> Data {
        do {
            return try Data(contentsOf: URL(fileURLWithPath: path))
        } catch {
            throw TLSError("\(path): expected a readable file, found \(error.systemReason)")
        }
    }
}

/// What is wrong with the files of a certificate.
public struct TLSError: Error, CustomStringConvertible {
    public let description: String

    init(_ description: String) {
        self.description = description
    }
}
