import Server

/// What requests may ask for, from the options of `serve`.
struct RequestSetup {
    static let options = [
        Option(
            "--allow-media-host", "H",
            "fetch pictures from this host, or from subdomains by *.H; may be repeated (default: from none)",
            repeats: true),
        Option("--max-media-parts", "N", "images, sounds and files that a request may have (default: 64)"),
        Option("--max-part-mb", "N", "MiB that each of them may have (default: 64)"),
        Option("--max-prompt-tokens", "N", "tokens that a prompt may have (default: what --ctx leaves)"),
        Option(
            "--max-seconds", "N",
            "seconds that writing an answer may take; it ends as at its token limit then (default: no limit)"),
        Option("--max-choices", "N", "answers that a request may ask for by n (default: 128)"),
    ]

    let limits: RequestLimits
    let promptLimit: Int?
    let timeLimit: Duration?
    private let hosts: MediaHosts

    init(_ arguments: Arguments) throws(UsageError) {
        var limits = RequestLimits()
        if let parts = try arguments.integer("--max-media-parts", in: 0...10_000) {
            limits.mediaParts = parts
        }
        if let size = try arguments.integer("--max-part-mb", in: 1...(1 << 20)) {
            limits.partBytes = size << 20
        }
        if let choices = try arguments.integer("--max-choices", in: 1...128) { limits.choices = choices }
        self.limits = limits
        promptLimit = try arguments.integer("--max-prompt-tokens", in: 1...(1 << 30))
        timeLimit = try arguments.number("--max-seconds", in: 0.001...86_400).map { .seconds($0) }
        do throws(MediaHosts.Problem) {
            hosts = try MediaHosts(arguments.values("--allow-media-host"))
        } catch {
            throw UsageError(
                "--allow-media-host: expected a host such as images.example.org or *.example.org, found "
                    + "\"\(error.pattern)\"")
        }
    }

    /// nil where pictures come with their requests only.
    func fetcher() throws -> MediaFetcher? { hosts.isEmpty ? nil : try MediaFetcher(hosts: hosts) }
}
