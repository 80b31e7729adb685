import Server

/// The options of `serve` about connections: what a client may send, how long it may take, and how the daemon leaves.
struct Transport {
    static let options = [
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

    let drainGrace: Duration
    let drain: Duration
    let limits: HTTPServer.Limits

    init(_ arguments: Arguments) throws(UsageError) {
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
}
