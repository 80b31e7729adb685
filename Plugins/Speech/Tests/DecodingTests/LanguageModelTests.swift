import Decoding
import Foundation
import GatehouseNumerics
import Testing

/// n-grams of three pieces, and what they do to a search.
@Suite struct LanguageModelTests {
    /// A file of tensors by name, each with type, shape and elements; without what `changing` takes away.
    private func file(
        _ changing: (inout [String: (type: String, shape: [Int], elements: [Int32])]) -> Void = { _ in },
        metadata: [String: String] = ["weight": "0.5", "bonus": "0.25"]
    ) throws -> SafetensorsFile {
        // After 0 comes 1; after a beginning 2, and then 0. Logarithms in 400ths.
        var tensors: [String: (type: String, shape: [Int], elements: [Int32])] = [
            "1.pieces": ("I16", [4], [0, 1, 2, 3]),
            "1.logs": ("I16", [4, 2], [-400, -200, -800, 0, -1200, 0, -32000, -100]),
            "1.children": ("I32", [5], [0, 1, 1, 1, 2]),
            "2.pieces": ("I16", [2], [1, 2]),
            "2.logs": ("I16", [2, 2], [-40, 0, -80, -20]),
            "2.children": ("I32", [3], [0, 0, 1]),
            "3.pieces": ("I16", [1], [0]),
            "3.logs": ("I16", [1, 2], [-4, 0]),
        ]
        changing(&tensors)
        var header: [String: Any] = ["__metadata__": metadata]
        var data = Data()
        for (name, tensor) in tensors.sorted(by: { $0.key < $1.key }) {
            let start = data.count
            for element in tensor.elements {
                let size = tensor.type == "I16" ? 2 : 4
                data.append(contentsOf: withUnsafeBytes(of: element.littleEndian) { Array($0.prefix(size)) })
            }
            header[name] = [
                "dtype": tensor.type, "shape": tensor.shape, "data_offsets": [start, data.count],
            ]
        }
        let text = try JSONSerialization.data(withJSONObject: header)
        let length = withUnsafeBytes(of: UInt64(text.count).littleEndian) { Data($0) }
        let path = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString).path
        try (length + text + data).write(to: URL(fileURLWithPath: path))
        defer { try? FileManager.default.removeItem(atPath: path) }
        return try SafetensorsFile(path: path)
    }

    @Test func theLongestContextDecidesAndOthersAreWeighed() throws {
        let model = try PieceLanguageModel(file(), pieces: 3)
        #expect((model.weight, model.bonus, model.contextLength) == (0.5, 0.25, 2))
        let beginning = 3
        func log(_ piece: Int, _ context: [Int]) -> Double {
            model.logProbability(piece, after: context.reduce(model.unknown, model.state))
        }
        #expect(log(2, [beginning]) == model.logProbability(2, after: model.start))
        #expect(abs(log(1, [0]) - -0.1) < 1e-6)
        #expect(abs(log(2, [beginning]) - -0.2) < 1e-6)
        #expect(abs(log(0, [beginning, 2]) - -0.01) < 1e-6)
        #expect(abs(log(0, [1, 1, 1, 3, 2]) - -0.01) < 1e-6, "only the last two count")
        // Shorter contexts by their weights: of 0, and of a beginning and 2.
        #expect(abs(log(2, [0]) - (-0.5 - 3)) < 1e-6)
        #expect(abs(log(1, [beginning, 2]) - (-0.05 - 2)) < 1e-6)
        #expect(abs(log(0, []) - -1) < 1e-6)
    }

    @Test(arguments: [1, 2, 3])
    func aSearchWeighsEverySequenceByIt(_ seed: Int) throws {
        let model = try PieceLanguageModel(file(), pieces: 3)
        let scores = Matrix(
            rows: 5, columns: 4, (0..<20).map { Float(($0 * 7919 + seed * 104_729) % 1009) / 250 - 2 })
        let heard = PrefixBeamDecoder(blank: 3, width: 5000).decode(scores)
        let found = PrefixBeamDecoder(blank: 3, width: 5000, language: model).decode(scores)
        let expected = heard.map { pieces, log in
            pieces.indices.reduce(log) { sum, place in
                let context = pieces[..<place].reduce(model.start, model.state)
                return sum + 0.5 * model.logProbability(pieces[place], after: context) + 0.25
            }
        }
        #expect(found.count == heard.count)
        let sums = Dictionary(uniqueKeysWithValues: zip(heard.map(\.pieces), expected))
        for (pieces, log) in found { #expect(abs(log - (sums[pieces] ?? 0)) < 1e-9) }
        #expect(found.first?.pieces == sums.max { $0.value < $1.value }?.key)
    }

    @Test func aFileThatDoesNotFitIsRefused() throws {
        func refusal(_ file: SafetensorsFile, pieces: Int = 3) -> String {
            do {
                _ = try PieceLanguageModel(file, pieces: pieces)
                return "it was taken"
            } catch { return "\(error.field): expected \(error.expected), found \(error.found)" }
        }
        #expect(
            try refusal(file(), pieces: 4) == "tensor 1.pieces: expected I16 [5], found I16 [4]")
        #expect(
            try refusal(file { $0["3.logs"] = nil })
                == "tensor 3.logs: expected I16 [1, 2], found no such tensor")
        #expect(
            try refusal(file { $0["1.children"]?.elements[1] = 9 })
                == "tensor 1.children: expected numbers that rise from 0, found others")
        #expect(
            try refusal(file { $0["2.pieces"]?.elements[0] = -1 })
                == "tensor 2.pieces: expected pieces from 0 to 3, found another")
        #expect(
            try refusal(file { $0["1.pieces"]?.elements[0] = 2 })
                == "tensor 1.pieces: expected each piece in turn, found another order")
        #expect(
            try refusal(file(metadata: ["weight": "much"]))
                == "__metadata__.weight: expected a number from -100 to 100, found \"much\"")
    }
}
