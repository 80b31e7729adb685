import Foundation
import Synchronization

/// Who a server says that it is: a certificate and its key, read again when their files change. Any thread.
public final class TLSIdentity: Sendable {
    private struct State {
        var certificate: TLSCertificate
        /// Of the files as they were read last, well or not.
        var stamps: [FileStamp?]
        var nextLook: ContinuousClock.Instant
    }

    /// Between two looks at the files; for so long they have to be at rest, too, for one is written before the other.
    private static let rest = Duration.seconds(1)

    private let certificate: String
    private let key: String
    private let warn: @Sendable (String) -> Void
    private let state: Mutex<State>

    /// - Parameters are paths of PEM files; `warn` is told when they have changed to something that cannot be used: the last
    ///   good pair stays then.
    /// - Throws: ``TLSError`` that names the file that is wrong.
    public init(
        certificate: String, key: String, warn: @escaping @Sendable (String) -> Void
    ) throws(TLSError) {
        self.certificate = certificate
        self.key = key
        self.warn = warn
        let stamps = [FileStamp(certificate), FileStamp(key)]
        state = Mutex(
            State(
                certificate: try TLSCertificate(certificate: certificate, key: key), stamps: stamps,
                nextLook: .now + Self.rest))
    }

    /// Reads the files again, whether they have changed or not.
    public func reload() {
        state.withLock { state in read(&state, [FileStamp(certificate), FileStamp(key)]) }
    }

    /// What a connection that opens now is to use.
    func current() -> TLSCertificate {
        state.withLock { state in
            let now = ContinuousClock.now
            if now >= state.nextLook {
                state.nextLook = now + Self.rest
                let stamps = [FileStamp(certificate), FileStamp(key)]
                if stamps != state.stamps, stamps.allSatisfy({ $0?.isOlder(than: Self.rest) ?? true }) {
                    read(&state, stamps)
                }
            }
            return state.certificate
        }
    }

    private func read(_ state: inout State, _ stamps: [FileStamp?]) {
        state.stamps = stamps
        do throws(TLSError) {
            state.certificate = try TLSCertificate(certificate: certificate, key: key)
        } catch {
            warn("the certificate stays as it is: \(error)")
        }
    }
}
