/// The hosts that pictures may be fetched from.
public struct MediaHosts: Sendable {
    /// Lower case; those of subdomains begin with a dot.
    private var names: [String] = []

    /// - Parameter patterns: `images.example.org`, or `*.example.org` for all its subdomains and not itself.
    /// - Throws: ``Problem``.
    public init(_ patterns: [String]) throws(Problem) {
        for pattern in patterns {
            let lower = pattern.lowercased()
            let name = lower.hasPrefix("*.") ? String(lower.dropFirst()) : lower
            guard Self.isName(name.hasPrefix(".") && lower.hasPrefix("*") ? String(name.dropFirst()) : name)
            else { throw Problem(pattern: pattern) }
            names.append(name)
        }
    }

    public struct Problem: Error {
        public let pattern: String
    }

    public var isEmpty: Bool { names.isEmpty }

    /// - Parameter host: As it stands in a URL.
    package func allow(_ host: String) -> Bool {
        var host = host.lowercased()
        if host.hasSuffix(".") { host.removeLast() }
        guard Self.isName(host) else { return false }
        return names.contains { $0.hasPrefix(".") ? host.hasSuffix($0) : host == $0 }
    }

    /// Letters, digits and hyphens between dots.
    private static func isName(_ text: String) -> Bool {
        let labels = text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        return labels.allSatisfy { label in
            !label.isEmpty
                && label.allSatisfy { byte in
                    (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
                        || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                        || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_")
                }
        }
    }
}
