import CSystemCurl
import Foundation
import PluginHost
import Synchronization

/// Fetches pictures from the hosts that the operator allows, never from an address that is not public. Any thread.
///
/// Every address is judged when it is connected to, so that a name which resolves otherwise a moment later gains
/// nothing; a redirection is judged from the start, as an address of its own.
public final class MediaFetcher: Sendable {
    private let hosts: MediaHosts
    /// For all that a picture takes, redirections included.
    private let timeLimit: Duration
    /// libcurl blocks, so that it has threads of its own.
    private let threads: OperationQueue

    private static let mostRedirections = 3
    private static let mostAtOnce = 8

    /// - Throws: ``Unavailable`` where libcurl cannot be opened.
    public init(hosts: MediaHosts, timeLimit: Duration = .seconds(10)) throws(Unavailable) {
        var reason = [CChar](repeating: 0, count: 512)
        guard http_fetch_open(&reason, reason.count) else {
            throw Unavailable(description: "pictures cannot be fetched: \(Self.text(reason))")
        }
        self.hosts = hosts
        self.timeLimit = timeLimit
        threads = OperationQueue()
        threads.name = "media"
        threads.maxConcurrentOperationCount = Self.mostAtOnce
    }

    /// libcurl is not there.
    public struct Unavailable: Error, CustomStringConvertible {
        public let description: String
    }

    /// - Parameter most: Bytes that it may have.
    /// - Throws: ``HTTPError`` that names the link and says what is wrong, `CancellationError`.
    func fetch(_ link: MediaLink, most: Int) async throws -> MediaPart {
        let stop = Stop()
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                threads.addOperation { [self] in
                    continuation.resume(with: Result { try fetch(link, most: most, stop) })
                }
            }
        } onCancel: {
            stop.isSet.store(true, ordering: .relaxed)
        }
    }

    private final class Stop: Sendable {
        let isSet = Atomic(false)
    }

    private func fetch(_ link: MediaLink, most: Int, _ stop: Stop) throws -> MediaPart {
        let deadline = ContinuousClock.now + timeLimit
        var text = link.url
        for _ in 0...Self.mostRedirections {
            let url = try allowed(text, link)
            defer { http_url_free(url) }
            let left = (deadline - .now) / .milliseconds(1)
            guard left >= 1 else { throw late(link) }
            var terms = http_fetch_terms(
                most: most, milliseconds: Int(left),
                allows: { PublicAddress.isPublic(Array(UnsafeBufferPointer(start: $0, count: $1))) },
                is_stopped: { context in
                    context.map {
                        Unmanaged<Stop>.fromOpaque($0).takeUnretainedValue().isSet.load(ordering: .relaxed)
                    } ?? false
                },
                context: Unmanaged.passUnretained(stop).toOpaque())
            var result = withExtendedLifetime(stop) { http_fetch(url, &terms) }
            defer { http_fetch_result_free(&result) }
            try check(result, link, text, most: most)
            if let location = result.location {
                text = String(cString: location)
                continue
            }
            guard result.status == 200 else {
                throw problem(link, "\(text) answered with status \(result.status)")
            }
            let type = withUnsafeBytes(of: result.media_type) {
                Self.text(Array($0.bindMemory(to: CChar.self)))
            }
            return try MediaPart(
                Array(UnsafeBufferPointer(start: result.bytes, count: result.count)),
                declared: type.isEmpty ? "application/octet-stream" : type.lowercased(), at: link.path)
        }
        throw problem(link, "over \(Self.mostRedirections) redirections")
    }

    /// The URL, to be freed.
    private func allowed(_ text: String, _ link: MediaLink) throws(HTTPError) -> OpaquePointer {
        guard let url = http_url_parse(text) else { throw problem(link, "\(text.prefix(100)) is no URL") }
        let (scheme, host) = (String(cString: http_url_scheme(url)), String(cString: http_url_host(url)))
        let reason: String? =
            if scheme != "http" && scheme != "https" {
                "expected http or https, found \(scheme)"
            } else if http_url_has_credentials(url) {
                "a URL with a name or password in it is not fetched"
            } else if !hosts.allow(host) {
                "this server fetches nothing from the host \(host.prefix(100))"
            } else {
                nil
            }
        guard let reason else { return url }
        http_url_free(url)
        throw problem(link, reason, code: "media_host_not_allowed")
    }

    private func check(_ result: http_fetch_result, _ link: MediaLink, _ url: String, most: Int) throws {
        let detail = withUnsafeBytes(of: result.detail) { Self.text(Array($0.bindMemory(to: CChar.self))) }
        switch result.end {
        case HTTP_FETCH_DONE: return
        case HTTP_FETCH_STOPPED: throw CancellationError()
        case HTTP_FETCH_TIME: throw late(link)
        case HTTP_FETCH_ADDRESS:
            throw problem(
                link, "the host's address \(detail) is not a public one", code: "media_host_not_allowed")
        case HTTP_FETCH_SIZE:
            throw problem(
                link, "what is there has more than \(most) bytes, which this server takes of a part",
                code: "media_too_large")
        default: throw problem(link, "\(url.prefix(100)): \(detail)")
        }
    }

    private func late(_ link: MediaLink) -> HTTPError {
        problem(link, "it did not come within \(timeLimit)")
    }

    private func problem(
        _ link: MediaLink, _ what: String, code: String = "media_not_fetched"
    ) -> HTTPError {
        HTTPError(status: 400, message: "\(link.path): \(what)", param: link.path, code: code)
    }

    private static func text(_ bytes: [CChar]) -> String {
        String(decoding: bytes.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
