/// Which tokens may follow in each configuration of a grammar. Of one thread.
final class TokenAutomaton {
    let vocabulary: TokenVocabulary
    let configurations: Configurations
    private var masks: [Int32: Mask] = [:]
    private var groups: [Int32: [Group]] = [:]
    private static let mostGroups = 256
    private static let mostMasks = 1024
    /// ``fewestTokens(_:)`` of each configuration; -1 where it was not asked for.
    private var fewest: [Int] = []

    /// Tokens that may come, a bit each.
    private struct Mask {
        var words: [UInt64]
        /// By how many bytes the shortest completion may be longer after one of them than before.
        var growth: Int
    }

    /// Tokens that lead to the same place.
    private struct Group {
        var place: Int32
        var tokens: [Int32]
        /// The same as a mask, where they are many.
        var words: [UInt64] = []
    }

    init(_ grammar: Grammar, _ vocabulary: TokenVocabulary) {
        self.vocabulary = vocabulary
        configurations = Configurations(grammar)
    }

    /// Where a token leads; nil for nowhere.
    func next(_ configuration: Int32, _ token: Int32) -> Int32? {
        var place = configuration
        for byte in vocabulary.bytes(of: token) {
            guard let next = configurations.next(place, byte) else { return nil }
            place = next
        }
        return place
    }

    /// Tokens that may come where at most `remaining` are left, itself among them: after each of them the rest suffices
    /// to complete the answer.
    func mask(_ configuration: Int32, remaining: Int) -> [UInt64] {
        let normal = configurations.normal(configuration, longest: vocabulary.longest)
        let mask: Mask
        if let known = masks[normal] {
            mask = known
        } else {
            mask = makeMask(normal)
            if masks.count >= Self.mostMasks { masks = [:] }
            masks[normal] = mask
        }
        // Byte by byte there is always a way.
        let most = configurations.distances[Int(configuration)] + mask.growth
        if vocabulary.hasAllBytes, most <= remaining - 1 { return mask.words }
        return tightMask(configuration, remaining: remaining)
    }

    private func makeMask(_ configuration: Int32) -> Mask {
        let before = configurations.distances[Int(configuration)]
        var growth = 0
        func grow(_ place: Int32) { growth = max(growth, configurations.distances[Int(place)] - before) }
        var words = startingMask(configuration)
        plainTexts(from: configuration) { place, tokens in
            grow(place)
            Self.unite(&words, tokens)
        }
        walk(configuration) { token, place in
            words[Int(token) / 64] |= 1 << UInt64(token % 64)
            grow(place)
        }
        return Mask(words: words, growth: growth)
    }

    /// The mask where not every way can be completed any more.
    private func tightMask(_ configuration: Int32, remaining: Int) -> [UInt64] {
        var words = startingMask(configuration)
        plainTexts(from: configuration) { place, tokens in
            if fewestTokens(place) <= remaining - 1 { Self.unite(&words, tokens) }
        }
        for group in groups(of: configuration) where fewestTokens(group.place) <= remaining - 1 {
            Self.unite(&words, group.words)
            for token in group.tokens { words[Int(token) / 64] |= 1 << UInt64(token % 64) }
        }
        return words
    }

    /// Where free, the model may write what has no text.
    private func startingMask(_ configuration: Int32) -> [UInt64] {
        configurations.isFree(configuration)
            ? vocabulary.silent : [UInt64](repeating: 0, count: (vocabulary.count + 63) / 64)
    }

    private static func unite(_ words: inout [UInt64], _ other: [UInt64]) {
        for index in other.indices { words[index] |= other[index] }
    }

    /// Tells of all plain tokens of each length that may follow, as a mask. Plain texts of one length lead to the same
    /// place, so most tokens need no walk.
    private func plainTexts(
        from configuration: Int32, _ body: (_ place: Int32, _ tokens: [UInt64]) -> Void
    ) {
        guard let room = configurations.plainRoom(configuration) else { return }
        var place = configuration
        for count in 1...max(1, min(room, vocabulary.mostPlain)) {
            guard let next = configurations.next(place, UInt8(ascii: "a")) else { return }
            place = next
            if let tokens = vocabulary.plain[count] { body(place, tokens) }
        }
    }

    /// The tokens that ``walk(_:_:)`` finds, by where they lead. Those asked for last are kept.
    private func groups(of configuration: Int32) -> [Group] {
        if let known = groups[configuration] { return known }
        var found: [Int32: Int] = [:]
        var made: [Group] = []
        walk(configuration) { token, place in
            if let index = found[place] {
                made[index].tokens.append(token)
            } else {
                found[place] = made.count
                made.append(Group(place: place, tokens: [token]))
            }
        }
        let words = (vocabulary.count + 63) / 64
        for index in made.indices where made[index].tokens.count > words {
            made[index].words = [UInt64](repeating: 0, count: words)
            for token in made[index].tokens { made[index].words[Int(token) / 64] |= 1 << UInt64(token % 64) }
            made[index].tokens = []
        }
        if groups.count >= Self.mostGroups { groups = [:] }
        groups[configuration] = made
        return made
    }

    /// Tells of every token that may follow and where it leads, but for those of ``plainTexts(from:_:)``.
    private func walk(_ configuration: Int32, _ body: (_ token: Int32, _ place: Int32) -> Void) {
        let trie = configurations.plainRoom(configuration) == nil ? vocabulary.trie : vocabulary.irregular
        withUnsafeTemporaryAllocation(
            of: UnsafeMutablePointer<Int32>.self, capacity: vocabulary.longest + 1
        ) { tables in
            tables[0] = configurations.table(configuration)
            trie.bytes.withUnsafeBufferPointer { bytes in
                trie.depths.withUnsafeBufferPointer { depths in
                    trie.firsts.withUnsafeBufferPointer { firsts in
                        var node = 0
                        while node < bytes.count {
                            let depth = Int(depths[node])
                            let place = tables[depth][Int(bytes[node])]
                            guard place >= 0 else {
                                node += Int(trie.sizes[node])
                                continue
                            }
                            for index in firsts[node]..<firsts[node + 1] {
                                body(trie.tokens[Int(index)], place)
                            }
                            node += 1
                            if node < bytes.count, Int(depths[node]) > depth {
                                tables[depth + 1] = configurations.table(place)
                            }
                        }
                    }
                }
            }
        }
    }

    /// Fewest tokens that complete an answer by the shortest text, of several the one with the lowest bytes;
    /// ``Grammar/endless`` where the vocabulary cannot write it.
    func fewestTokens(_ configuration: Int32) -> Int {
        var path: [Int32] = []
        var place = configuration
        while known(place) == nil, let step = configurations.firstStep(place) {
            path.append(place)
            place = step.next
        }
        if known(place) == nil { remember(0, place) }
        for place in path.reversed() { remember(fewestTokensByTrie(place), place) }
        return known(configuration) ?? Grammar.endless
    }

    private func known(_ configuration: Int32) -> Int? {
        let index = Int(configuration)
        return index < fewest.count && fewest[index] >= 0 ? fewest[index] : nil
    }

    private func remember(_ count: Int, _ configuration: Int32) {
        while fewest.count <= Int(configuration) { fewest.append(-1) }
        fewest[Int(configuration)] = count
    }

    /// The same, where all configurations that follow on the way are known.
    private func fewestTokensByTrie(_ configuration: Int32) -> Int {
        let trie = vocabulary.trie
        var least = Grammar.endless
        var place = configuration
        // Nodes below the one that the way has come to.
        var nodes = 0..<trie.count
        while let step = configurations.firstStep(place) {
            var node = nodes.lowerBound
            while node < nodes.upperBound, trie.bytes[node] != step.byte { node += Int(trie.sizes[node]) }
            guard node < nodes.upperBound else { break }
            place = step.next
            if trie.firsts[node] < trie.firsts[node + 1] { least = min(least, 1 + (known(place) ?? 0)) }
            nodes = node + 1..<node + Int(trie.sizes[node])
        }
        return min(least, Grammar.endless)
    }
}
