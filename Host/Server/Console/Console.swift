import Digest
import Foundation

/// The page at `GET /`: one file, with everything in it.
public enum Console {
    /// The page lets nothing in but its own style and script, by their digests.
    private static let response: HTTPResponse = {
        let page = PackageResources.console_html
        let text = String(decoding: page, as: UTF8.self)
        func digest(_ tag: String) -> String {
            let start = text.firstRange(of: "<\(tag)>")?.upperBound ?? text.endIndex
            let end = text[start...].firstRange(of: "</\(tag)>")?.lowerBound ?? text.endIndex
            var hash = SHA256()
            hash.update(Array(text[start..<end].utf8))
            return "'sha256-\(Data(hash.finishBytes()).base64EncodedString())'"
        }
        return HTTPResponse(
            headers: [
                "Content-Type": "text/html; charset=utf-8",
                "Content-Security-Policy":
                    "default-src 'none'; script-src \(digest("script")); style-src \(digest("style")); "
                    + "connect-src 'self'; img-src data:; media-src data:; base-uri 'none'; form-action 'none'; "
                    + "frame-ancestors 'none'",
                "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer",
                "Permissions-Policy": "microphone=(self), camera=(), geolocation=()",
                "Cache-Control": "no-cache",
            ], body: .bytes(page))
    }()

    public static func addRoutes(to router: inout HTTPRouter) {
        router.on("GET", "/") { _ in response }
    }
}
