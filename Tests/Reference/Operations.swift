import Foundation

// The operations of a decoder, one function each, on float64 rows over float32 weights. They are written to be read and
// to be right: what differs from them is the other side's rounding.

/// A weight matrix `[outputs, inputs]`, row-major, and perhaps a bias `[outputs]`.
public struct Linear: Sendable {
    public var weight: [Float]
    public var bias: [Float]?

    public init(_ weight: [Float], bias: [Float]? = nil) {
        self.weight = weight
        self.bias = bias
    }
}

/// y = W·x + b.
func linear(_ x: [Double], _ layer: Linear) -> [Double] {
    let outputs = layer.weight.count / x.count
    return (0..<outputs).map { output in
        var sum = Double(layer.bias?[output] ?? 0)
        for input in x.indices { sum += Double(layer.weight[output * x.count + input]) * x[input] }
        return sum
    }
}

/// x / √(mean(x²) + ε) ⊙ w: Zhang and Sennrich, "Root Mean Square Layer Normalization" (2019).
func rmsNorm(_ x: [Double], _ weight: [Float], epsilon: Double) -> [Double] {
    let mean = x.reduce(0) { $0 + $1 * $1 } / Double(x.count)
    let scale = 1 / (mean + epsilon).squareRoot()
    return zip(x, weight).map { $0 * scale * Double($1) }
}

/// x·σ(x).
func silu(_ x: Double) -> Double { x / (1 + exp(-x)) }

/// Wdown·(silu(Wgate·x) ⊙ Wup·x): Shazeer, "GLU Variants Improve Transformer" (2020).
func swiGLU(_ x: [Double], gate: Linear, up: Linear, down: Linear) -> [Double] {
    linear(zip(linear(x, gate), linear(x, up)).map { silu($0) * $1 }, down)
}

func softmax(_ scores: [Double]) -> [Double] {
    let largest = scores.max() ?? 0
    let weights = scores.map { exp($0 - largest) }
    let sum = weights.reduce(0, +)
    return weights.map { $0 / sum }
}

/// softmax(q·Kᵀ/√d + bias)·V of one head: Vaswani et al., "Attention Is All You Need" (2017).
///
/// - Parameters:
///   - keys: Those that the query may see, `[keys, width]`; `values` likewise.
///   - biases: What is added to each score.
/// - Returns: The output, `[width]`, and the softmax, `[keys]`.
func attention(
    _ query: [Double], keys: [[Double]], values: [[Double]], biases: [Double]
) -> (output: [Double], weights: [Double]) {
    let scale = 1 / Double(query.count).squareRoot()
    let scores = zip(keys, biases).map { key, bias in
        zip(query, key).reduce(0) { $0 + $1.0 * $1.1 } * scale + bias
    }
    var output = [Double](repeating: 0, count: query.count)
    let weights = softmax(scores)
    for (weight, value) in zip(weights, values) {
        for dimension in output.indices { output[dimension] += weight * value[dimension] }
    }
    return (output, weights)
}

/// How a head is turned by its position: Su et al., "RoFormer" (2021), equation 34.
public struct Rotary: Sendable {
    /// Which dimensions make pair j of n.
    public enum Pairing: Sendable {
        /// 2j and 2j + 1.
        case interleaved
        /// j and j + n.
        case halves
    }

    /// Leading dimensions of a head that turn; the rest stay.
    public var width: Int
    public var base: Double
    public var pairing: Pairing
    /// The frequency of each pair is divided by these; none where empty.
    public var divisors: [Double]
    /// M-RoPE of Wang et al., "Qwen2-VL" (2024): how many pairs in turn follow time, height and width. Where empty, all
    /// follow the first axis.
    public var sections: [Int]

    public init(
        width: Int, base: Double, pairing: Pairing, divisors: [Double] = [], sections: [Int] = []
    ) {
        self.width = width
        self.base = base
        self.pairing = pairing
        self.divisors = divisors
        self.sections = sections
    }

    /// The axis whose position turns each pair.
    private var axes: [Int] {
        let axes = sections.enumerated().flatMap { [Int](repeating: $0.offset % 3, count: $0.element) }
        return axes + [Int](repeating: 0, count: max(0, width / 2 - axes.count))
    }

    /// - Parameter position: Of the row, on each axis.
    func callAsFunction(_ head: [Double], position: [Int]) -> [Double] {
        var turned = head
        for (pair, axis) in zip(0..<width / 2, axes) {
            let frequency =
                pow(base, -2 * Double(pair) / Double(width)) / (divisors.isEmpty ? 1 : divisors[pair])
            let angle = Double(position[axis]) * frequency
            let first = pairing == .interleaved ? 2 * pair : pair
            let second = pairing == .interleaved ? first + 1 : first + width / 2
            turned[first] = head[first] * cos(angle) - head[second] * sin(angle)
            turned[second] = head[first] * sin(angle) + head[second] * cos(angle)
        }
        return turned
    }

    /// Divisors as Llama 3.1 scales its frequencies: waves shorter than a quarter (`high`) of the context that the model
    /// first learnt stay, those longer than all of it (`low`) turn `factor` times slower, the ones between are mixed.
    /// Source: the model's published code, `apply_scaling`.
    static func llama3(width: Int, base: Double, factor: Double, low: Double, high: Double, context: Double)
        -> [Double]
    {
        (0..<width / 2).map { pair in
            let wavelength = 2 * Double.pi * pow(base, 2 * Double(pair) / Double(width))
            if wavelength < context / high { return 1 }
            if wavelength > context / low { return factor }
            let smooth = (context / wavelength - low) / (high - low)
            return 1 / ((1 - smooth) / factor + smooth)
        }
    }
}
