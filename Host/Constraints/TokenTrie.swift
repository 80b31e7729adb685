/// Tokens by the bytes that they begin with, in an order in which a walk goes straight through.
struct TokenTrie: Sendable {
    /// The last byte of each node, of nodes in the order of a depth-first walk.
    private(set) var bytes: [UInt8] = []
    /// Bytes of each node, less one.
    private(set) var depths: [UInt16] = []
    /// Nodes below each node, and itself.
    private(set) var sizes: [Int32] = []
    /// Where the tokens of each node begin in `tokens`; they end where the next one's begin.
    private(set) var firsts: [Int32] = []
    private(set) var tokens: [Int32] = []

    var count: Int { bytes.count }

    /// - Parameter spellings: None is empty.
    init(_ spellings: [(bytes: [UInt8], token: Int32)]) {
        let sorted = spellings.sorted {
            $0.bytes == $1.bytes ? $0.token < $1.token : $0.bytes.lexicographicallyPrecedes($1.bytes)
        }
        var path: [(byte: UInt8, node: Int)] = []
        func close(to depth: Int) {
            while path.count > depth {
                let node = path.removeLast().node
                sizes[node] = Int32(bytes.count - node)
            }
        }
        for (spelling, token) in sorted {
            let shared = zip(path, spelling).prefix { $0.byte == $1 }.count
            close(to: shared)
            for byte in spelling[shared...] {
                path.append((byte, bytes.count))
                bytes.append(byte)
                depths.append(UInt16(path.count - 1))
                sizes.append(1)
                firsts.append(Int32(tokens.count))
            }
            tokens.append(token)
        }
        close(to: 0)
        firsts.append(Int32(tokens.count))
    }
}
