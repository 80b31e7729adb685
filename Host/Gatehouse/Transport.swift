import Server

/// The options of `serve` about connections: TLS, other origins, what a client may send, how long it may take, and how the
/// daemon leaves.
struct Transport {
    static let options = [
        Option(
            "--tls-certificate", "F",
            "serve HTTPS with this certificate and those that vouch for it, in PEM; seen when it changes (default: HTTP)"
        ),
        Option("--tls-key", "F", "the certificate's private key, in PEM"),
        Option(
            "--allow-origin", "O",
            "let pages of this origin (https://app.example) ask in browsers, or any by *; may be repeated (default: none but its own)",
            repeats: true),
        Option(
            "--drain-grace", "N",
            "seconds to go on serving after a signal while /ready says 503, for a balancer to see it (default: 0)"
        ),
        Option(
            "--drain-seconds", "N",
            "seconds that running requests then have to finish, while others get 503 (default: 30)"),
        Option("--max-body-mb", "N", "MiB that the body of a request may have (default: 64)"),
        Option("--max-header-kb", "N", "KiB that its first line and header fields may have (default: 16)"),
        Option("--max-connections", "N", "connections at once (default: 1024)"),
        Option(
            "--header-seconds", "N", "seconds in which a header that has begun is to be whole (default: 10)"),
        Option("--body-seconds", "N", "seconds in which the body is to follow (default: 120)"),
        Option(
            "--idle-seconds", "N",
            "seconds after which a connection without a request is closed (default: 75)"),
    ]

    /// Where each of them is.
    private let tlsFiles: (certificate: String, key: String)?
    let origins: CrossOrigin
    let drainGrace: Duration
    let drain: Duration
    let limits: HTTPServer.Limits

    init(_ arguments: Arguments) throws(UsageError) {
        switch (try arguments.value("--tls-certificate"), try arguments.value("--tls-key")) {
        case (let certificate?, let key?): tlsFiles = (certificate, key)
        case (nil, nil): tlsFiles = nil
        case (_?, nil): throw UsageError("--tls-certificate needs --tls-key")
        case (nil, _?): throw UsageError("--tls-key needs --tls-certificate")
        }
        var allowed: [String] = []
        for text in arguments.values("--allow-origin") {
            guard let origin = CrossOrigin.origin(text) else {
                throw UsageError(
                    "--allow-origin: expected an origin as https://app.example or *, found \"\(text)\"")
            }
            allowed.append(origin)
        }
        origins = CrossOrigin(allowed: allowed)
        drainGrace = .seconds(try arguments.integer("--drain-grace", in: 0...3600) ?? 0)
        drain = .seconds(try arguments.integer("--drain-seconds", in: 0...86_400) ?? 30)
        var limits = HTTPServer.Limits()
        if let count = try arguments.integer("--max-body-mb", in: 1...16_384) {
            limits.bodyBytes = count << 20
        }
        if let count = try arguments.integer("--max-header-kb", in: 1...1024) {
            limits.headerBytes = count << 10
        }
        if let count = try arguments.integer("--max-connections", in: 1...1_000_000) {
            limits.connections = count
        }
        for (name, field) in [
            ("--header-seconds", \HTTPServer.Limits.headerDeadline), ("--body-seconds", \.bodyDeadline),
            ("--idle-seconds", \.idleTimeout),
        ] {
            if let count = try arguments.integer(name, in: 1...86_400) {
                limits[keyPath: field] = .seconds(count)
            }
        }
        self.limits = limits
    }

    /// Reads the files of the certificate; nil where HTTP is served.
    ///
    /// - Throws: ``TLSError`` that names the one that is wrong.
    func identity(warn: @escaping @Sendable (String) -> Void) throws(TLSError) -> TLSIdentity? {
        guard let tlsFiles else { return nil }
        return try TLSIdentity(certificate: tlsFiles.certificate, key: tlsFiles.key, warn: warn)
    }
}
