/// Which addresses of the Internet may be asked for media: those that IANA's registries of special-purpose addresses
/// (RFC 6890 and what came after it) leave to the public, and of these none that leads to another address inside.
package enum PublicAddress {
    private struct Block {
        let prefix: [UInt8]
        let bits: Int

        init(_ prefix: [UInt8], _ bits: Int) {
            self.prefix = prefix
            self.bits = bits
        }

        func contains(_ address: [UInt8]) -> Bool {
            for index in 0..<(bits + 7) / 8 {
                let mask = UInt8(truncatingIfNeeded: 0xFF00 >> min(8, bits - 8 * index))
                let own = index < prefix.count ? prefix[index] : 0
                if (address[index] ^ own) & mask != 0 { return false }
            }
            return true
        }
    }

    private static let specialIPv4 = [
        Block([0], 8),  // this network
        Block([10], 8),  // private
        Block([100, 64], 10),  // shared by carriers
        Block([127], 8),  // loopback
        Block([169, 254], 16),  // link-local, where clouds tell secrets
        Block([172, 16], 12),  // private
        Block([192, 0, 0], 24),  // protocol assignments
        Block([192, 0, 2], 24),  // documentation
        Block([192, 88, 99], 24),  // relays to 6to4
        Block([192, 168], 16),  // private
        Block([198, 18], 15),  // benchmarks
        Block([198, 51, 100], 24),  // documentation
        Block([203, 0, 113], 24),  // documentation
        Block([224], 4),  // multicast
        Block([240], 4),  // reserved, and broadcast
    ]

    /// Global unicast. All else is not: loopback, link-local, unique-local, multicast, and what holds an IPv4 address
    /// (mapped, compatible, translated by NAT64).
    private static let globalIPv6 = Block([0x20], 3)

    private static let specialIPv6 = [
        Block([0x20, 0x01, 0x00], 23),  // protocol assignments, Teredo among them, which leads elsewhere
        Block([0x20, 0x01, 0x0D, 0xB8], 32),  // documentation
        Block([0x20, 0x02], 16),  // 6to4, which leads to an IPv4 address
        Block([0x3F, 0xFF], 20),  // documentation
    ]

    /// - Parameter address: 4 or 16 bytes in the order of the network; any other number is none.
    package static func isPublic(_ address: [UInt8]) -> Bool {
        switch address.count {
        case 4: !specialIPv4.contains { $0.contains(address) }
        case 16: globalIPv6.contains(address) && !specialIPv6.contains { $0.contains(address) }
        default: false
        }
    }
}
