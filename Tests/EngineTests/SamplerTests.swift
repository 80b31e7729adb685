import Engine
import Foundation
import Testing

@Suite struct SamplerTests {
    private var sampler = Sampler()

    private mutating func draw(
        _ logits: [Float], _ sampling: Sampling, seed: UInt64 = 1, choice: Int = 0, position: Int = 0
    ) -> Int32? {
        logits.withUnsafeBufferPointer {
            sampler.draw($0, sampling, seed: seed, choice: choice, position: position)
        }
    }

    /// How often each token is drawn at `count` positions.
    private mutating func histogram(_ logits: [Float], _ sampling: Sampling, count: Int) -> [Int32: Int] {
        var counts: [Int32: Int] = [:]
        for position in 0..<count {
            if let token = draw(logits, sampling, position: position) { counts[token, default: 0] += 1 }
        }
        return counts
    }

    private func randomLogits(_ count: Int, spread: Double) -> [Float] {
        (0..<count).map { Float(spread * Sampler.uniform(seed: 3, choice: 1, position: $0)) }
    }

    /// The tokens that the filters leave, by sorting everything: temperature, top k, top p, min p.
    private func survivors(_ logits: [Float], _ sampling: Sampling) -> [Int32: Double] {
        let best = Double(logits.max() ?? 0)
        let weights = logits.map { exp((Double($0) - best) / Double(sampling.temperature)) }
        var order = logits.indices.sorted { (weights[$0], $1) > (weights[$1], $0) }
        if sampling.topK > 0 { order = Array(order.prefix(sampling.topK)) }
        let limit = Double(sampling.topP) * order.reduce(0) { $0 + weights[$1] }
        var reached = 0.0
        order = order.prefix { index in
            defer { reached += weights[index] }
            return sampling.topP == 1 || reached < limit
        }
        order = order.filter { weights[$0] >= Double(sampling.minP) }
        let total = order.reduce(0) { $0 + weights[$1] }
        return Dictionary(uniqueKeysWithValues: order.map { (Int32($0), weights[$0] / total) })
    }

    @Test mutating func temperatureZeroTakesTheLowestIdAmongEquals() {
        for count in [1, 7, 8, 9, 1000] {
            var logits = [Float](repeating: -3, count: count)
            logits[count - 1] = 2
            logits[count / 2] = 2
            #expect(draw(logits, Sampling(temperature: 0)) == Int32(count / 2))
        }
    }

    @Test mutating func logitsThatAreNotFiniteAreNeverDrawn() {
        let logits: [Float] = [.nan, 1, .infinity, -.infinity, 0.5, .nan, .nan, .nan, .infinity]
        #expect(draw(logits, Sampling(temperature: 0)) == 1)
        for sampling in [Sampling(), Sampling(topK: 5), Sampling(topP: 0.99), Sampling(minP: 0.1)] {
            #expect(Set(histogram(logits, sampling, count: 100).keys) == [1, 4])
        }
        #expect(draw([.nan, .infinity, -.infinity], Sampling()) == nil)
        #expect(draw([], Sampling()) == nil)
    }

    static let filters: [Sampling] = [
        Sampling(),
        Sampling(temperature: 0.3),
        Sampling(temperature: 2, topK: 5),
        Sampling(topP: 0.7),
        Sampling(temperature: 1.5, topP: 0.999),
        Sampling(minP: 0.2),
        Sampling(topK: 40, topP: 0.9),
        Sampling(temperature: 0.8, topK: 40, topP: 0.95, minP: 0.05),
        Sampling(topK: 1),
        Sampling(topP: 1e-6),
        Sampling(topK: 1_000_000),
    ]

    /// Compares with a full sort of float64 weights. 20,000 draws of a share p vary by √(p(1 - p) / 20,000), below
    /// 0.0036; the bound is over five times that.
    @Test(arguments: filters)
    mutating func drawsFollowTheDistributionThatTheFiltersLeave(_ sampling: Sampling) {
        let logits = randomLogits(300, spread: 12)
        let expected = survivors(logits, sampling)
        let count = 20_000
        let counts = histogram(logits, sampling, count: count)
        #expect(Set(counts.keys).isSubset(of: expected.keys))
        for (token, share) in expected {
            #expect(abs(Double(counts[token] ?? 0) / Double(count) - share) < 0.02)
        }
    }

    @Test mutating func aDrawDependsOnSeedChoiceAndPositionOnly() {
        let logits = randomLogits(1000, spread: 2)
        let first = (0..<50).map { draw(logits, Sampling(), seed: 5, choice: 2, position: $0) }
        var other = SamplerTests()
        _ = other.draw(randomLogits(64, spread: 1), Sampling(topP: 0.5))
        #expect(
            (0..<50).reversed().map { other.draw(logits, Sampling(), seed: 5, choice: 2, position: $0) }
                == first.reversed())
        #expect((0..<50).map { draw(logits, Sampling(), seed: 6, choice: 2, position: $0) } != first)
        #expect((0..<50).map { draw(logits, Sampling(), seed: 5, choice: 3, position: $0) } != first)
    }

    @Test func randomNumbersFillTheirRangeEvenly() {
        let count = 100_000
        let numbers = (0..<count).map { Sampler.uniform(seed: 0, choice: 0, position: $0) }
        #expect(numbers.allSatisfy { $0 >= 0 && $0 < 1 })
        var buckets = [Int](repeating: 0, count: 10)
        for number in numbers { buckets[Int(number * 10)] += 1 }
        // The standard deviation of a bucket is √(100,000 · 0.1 · 0.9) = 95.
        #expect(buckets.allSatisfy { abs($0 - count / 10) < 600 })
    }

    @Test func theExponentialIsExactToThreeUnits() {
        for start in stride(from: Float(-87), through: 0, by: 0.013) {
            let x = SIMD8<Float>(repeating: start) + SIMD8(0, 1e-3, 2e-3, 3e-3, 4e-3, 5e-3, 6e-3, 7e-3)
            let e = SoftmaxWeights.exponential(x, floor: 0)
            for lane in 0..<8 where x[lane] <= 0 {
                let exact = exp(Double(x[lane]))
                #expect(abs(Double(e[lane]) - exact) <= 3 * Double(Float(exact).ulp), "exp(\(x[lane]))")
            }
        }
        let edges = SoftmaxWeights.exponential(
            SIMD8(0, -0.0, -.infinity, .nan, 1, -88, .infinity, -1), floor: 0.5)
        #expect(edges == SIMD8(1, 1, 0, 0, 0, 0, 0, 0))
    }
}
