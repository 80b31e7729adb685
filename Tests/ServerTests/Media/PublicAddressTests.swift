import Glibc
import Server
import Testing

/// Which addresses media may be fetched from. The blocks are those of IANA's registries of special-purpose addresses; the
/// first and last address of each is judged, and the neighbours of those.
@Suite struct PublicAddressTests {
    private func isPublic(_ text: String) throws -> Bool {
        var bytes = [UInt8](repeating: 0, count: 16)
        if inet_pton(AF_INET, text, &bytes) == 1 { return PublicAddress.isPublic(Array(bytes[..<4])) }
        try #require(inet_pton(AF_INET6, text, &bytes) == 1, "\(text)")
        return PublicAddress.isPublic(bytes)
    }

    @Test(arguments: [
        ("0.0.0.0", "0.255.255.255"), ("10.0.0.0", "10.255.255.255"), ("100.64.0.0", "100.127.255.255"),
        ("127.0.0.0", "127.255.255.255"), ("169.254.0.0", "169.254.255.255"),
        ("172.16.0.0", "172.31.255.255"),
        ("192.0.0.0", "192.0.0.255"), ("192.0.2.0", "192.0.2.255"), ("192.88.99.0", "192.88.99.255"),
        ("192.168.0.0", "192.168.255.255"), ("198.18.0.0", "198.19.255.255"),
        ("198.51.100.0", "198.51.100.255"), ("203.0.113.0", "203.0.113.255"),
        ("224.0.0.0", "255.255.255.255"), ("127.0.0.1", "169.254.169.254"),
    ]) func specialIPv4AddressesAreNot(first: String, last: String) throws {
        #expect(try !isPublic(first))
        #expect(try !isPublic(last))
    }

    @Test(arguments: [
        "1.0.0.0", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255",
        "128.0.0.0",
        "169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0", "191.255.255.255", "192.0.1.0",
        "192.0.3.0", "192.88.98.255", "192.88.100.0", "192.167.255.255", "192.169.0.0", "198.17.255.255",
        "198.20.0.0", "198.51.99.255", "198.51.101.0", "203.0.112.255", "203.0.114.0", "223.255.255.255",
        "8.8.8.8",
    ]) func theirNeighboursAre(address: String) throws {
        #expect(try isPublic(address))
    }

    @Test(arguments: [
        "::", "::1", "::7f00:1", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "::ffff:0:8.8.8.8", "64:ff9b::8.8.8.8",
        "64:ff9b::127.0.0.1", "64:ff9b:1::1", "100::1", "1fff:ffff::1", "2001::1", "2001:1ff:ffff::1",
        "2001:20::1", "2001:db8::1", "2001:db8:ffff::1", "2002:7f00:1::", "2002:808:808::", "2002:ffff::1",
        "3fff::1", "3fff:fff:ffff::1", "4000::1", "5f00::1", "fc00::1", "fd12:3456::1", "fdff::1", "fe80::1",
        "febf::1", "fec0::1", "ff00::", "ff02::1", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
    ]) func ipv6IsPublicAsGlobalUnicastOnly(address: String) throws {
        #expect(try !isPublic(address))
    }

    @Test(arguments: [
        "2000::1", "2001:200::1", "2001:db7:ffff::1", "2001:db9::1", "2001:4860:4860::8888", "2003::1",
        "2606:4700:4700::1111", "2a00:1450::1", "3ffe::1", "3fff:1000::1",
    ]) func globalUnicastIs(address: String) throws {
        #expect(try isPublic(address))
    }

    @Test(arguments: [0, 1, 3, 5, 15, 17]) func bytesOfAnotherNumberAreNoAddress(count: Int) {
        #expect(!PublicAddress.isPublic([UInt8](repeating: 8, count: count)))
    }

    /// Every first pair of bytes, against the same blocks written as ranges of numbers.
    @Test func everyBeginningIsJudgedAsItsRangeIs() {
        let special: [ClosedRange<UInt32>] = [
            0...0x00FF_FFFF, 0x0A00_0000...0x0AFF_FFFF, 0x6440_0000...0x647F_FFFF, 0x7F00_0000...0x7FFF_FFFF,
            0xA9FE_0000...0xA9FE_FFFF, 0xAC10_0000...0xAC1F_FFFF, 0xC000_0000...0xC000_00FF,
            0xC000_0200...0xC000_02FF, 0xC058_6300...0xC058_63FF, 0xC0A8_0000...0xC0A8_FFFF,
            0xC612_0000...0xC613_FFFF, 0xC633_6400...0xC633_64FF, 0xCB00_7100...0xCB00_71FF,
            0xE000_0000...0xFFFF_FFFF,
        ]
        var wrong: [UInt32] = []
        for beginning in UInt32(0)...0xFFFF {
            for end in [UInt32(0), 0x0001, 0x6301, 0x6401, 0x7101, 0x0201, 0xFFFF] {
                let address = beginning << 16 | end
                let bytes = withUnsafeBytes(of: address.bigEndian) { Array($0) }
                if PublicAddress.isPublic(bytes) == special.contains(where: { $0.contains(address) }) {
                    wrong.append(address)
                }
            }
        }
        #expect(wrong.isEmpty)
    }
}
