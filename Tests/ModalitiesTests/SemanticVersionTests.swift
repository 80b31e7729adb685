import Modalities
import Testing

@Suite struct SemanticVersionTests {
    /// The order of semver.org 2.0.0, item 11, with its own example in the middle.
    @Test func orderIsThatOfTheSpecification() throws {
        let ordered = try [
            "0.0.0", "0.9.0", "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta",
            "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0-beta.99999999999999999999",
            "1.0.0-beta.100000000000000000000",
            "1.0.0-rc.1", "1.0.0", "1.2.0", "1.10.0", "2.0.0", "2.1.0", "2.1.1", "10.0.0",
        ].map { try #require(SemanticVersion($0)) }
        for (i, a) in ordered.enumerated() {
            for (j, b) in ordered.enumerated() {
                #expect((a < b) == (i < j), "\(a) \(b)")
                #expect((a == b) == (i == j), "\(a) \(b)")
            }
        }
    }

    @Test func buildMetadataDoesNotCount() throws {
        let a = try #require(SemanticVersion("1.0.0+build.1"))
        let b = try #require(SemanticVersion("1.0.0+001"))
        #expect(a == b)
        #expect(a.hashValue == b.hashValue)
        #expect(!(a < b) && !(b < a))
        #expect(a.description == "1.0.0+build.1")
    }

    @Test(arguments: [
        "", "1", "1.0", "1.0.0.0", "01.0.0", "1.0.00", "-1.0.0", "1.0.0-", "1.0.0-a..b", "1.0.0-01",
        "1.0.0-ä",
        "1.0.0+", "1.0.0+a..b", "v1.0.0", "1.0.0 ", "1.x.0", "1.٣.0", "1..0",
    ])
    func otherTextIsNoVersion(_ text: String) {
        #expect(SemanticVersion(text) == nil)
    }

    @Test(arguments: ["1.0.0-0", "1.0.0-0a", "1.0.0--", "1.0.0-x-y.7", "1.0.0+01", "1.0.0-a+b-c"])
    func theseAreVersions(_ text: String) {
        #expect(SemanticVersion(text)?.description == text)
    }
}
