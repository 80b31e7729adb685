import Fusion
import TestSupport
import Testing

/// What encoders made is kept within a bound, the latest of it.
@Suite struct EncodedCacheTests {
    private func rows(_ bytes: Int, _ digest: String = "d") -> [EncodedContent] {
        [
            .rows(
                Segment(rows: [Float](repeating: 1, count: bytes / 4), width: 1, digest: digest),
                modality: "image")
        ]
    }

    @Test func whatIsKeptComesBack() {
        let cache = EncodedCache(capacity: 1 << 20)
        let contents = rows(4000) + [.text("a")]
        cache.insert(contents, for: "k")
        #expect(cache["k"] == contents)
        #expect(cache["other"] == nil)
        #expect(cache.load.entries == 1 && cache.load.bytes > 4000)
    }

    @Test func whatWasUsedLongestAgoGoesFirst() {
        let cache = EncodedCache(capacity: 15_000)
        for key in ["a", "b", "c"] { cache.insert(rows(4000), for: key) }
        #expect(cache["a"] != nil)
        cache.insert(rows(4000), for: "d")
        #expect(cache["b"] == nil)
        #expect(cache["a"] != nil && cache["c"] != nil && cache["d"] != nil)
    }

    @Test func whatIsLargerThanTheCacheIsNotKeptAndDrivesNothingOut() {
        let cache = EncodedCache(capacity: 10_000)
        cache.insert(rows(4000), for: "a")
        cache.insert(rows(20_000), for: "b")
        #expect(cache["a"] != nil && cache["b"] == nil)
        let none = EncodedCache(capacity: 0)
        none.insert([.text("")], for: "a")
        #expect(none["a"] == nil)
    }

    /// Against a plain list in order of use.
    @Test(arguments: UInt64(0)..<4) func theBoundHoldsWhateverIsDone(seed: UInt64) {
        var numbers = SplitMix64(state: seed)
        let cache = EncodedCache(capacity: 50_000)
        var known: [(key: String, bytes: Int)] = []
        for _ in 0..<5000 {
            let key = "\(Int.random(in: 0..<30, using: &numbers))"
            let place = known.firstIndex { $0.key == key }
            if Bool.random(using: &numbers) {
                #expect((cache[key] != nil) == (place != nil))
                if let place { known.append(known.remove(at: place)) }
            } else {
                let bytes = Int.random(in: 0..<2000, using: &numbers) * 4
                cache.insert(rows(bytes), for: key)
                if place == nil {
                    known.append((key, bytes + 320))
                    while known.reduce(0, { $0 + $1.bytes }) > 50_000 { known.removeFirst() }
                }
            }
            #expect(cache.load.bytes == known.reduce(0) { $0 + $1.bytes })
        }
    }
}
