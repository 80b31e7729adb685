import Server
import Testing

@Suite struct MediaHostsTests {
    @Test func aNameAllowsItselfAndAStarItsSubdomains() throws {
        let hosts = try MediaHosts(["Images.Example.org", "*.cdn.example.com", "198.51.100.7"])
        for host in [
            "images.example.org", "IMAGES.example.ORG", "images.example.org.", "a.cdn.example.com",
            "a.b.cdn.example.com", "198.51.100.7",
        ] {
            #expect(hosts.allow(host), "\(host)")
        }
        for host in [
            "", ".", "example.org", "a.images.example.org", "images.example.org.evil.com", "cdn.example.com",
            "evilcdn.example.com", ".cdn.example.com", "..cdn.example.com", "a..cdn.example.com",
            "images.example.org..", "[::1]", "198.51.100.70", "images.example.org%00.evil.com",
            "a/.cdn.example.com", "a@.cdn.example.com",
        ] {
            #expect(!hosts.allow(host), "\(host)")
        }
        #expect(try MediaHosts([]).isEmpty)
        #expect(try !MediaHosts([]).allow("example.org"))
    }

    @Test(arguments: [
        "", "*", "*.", "*.*.example.org", "a.*.org", "http://example.org", "example.org:80", "example.org/a",
        ".org",
        "a..b", "a b", "*example.org", "[::1]", "bücher.example",
    ]) func whatIsNoHostIsRefused(pattern: String) {
        #expect(throws: MediaHosts.Problem.self) { try MediaHosts([pattern]) }
    }
}
