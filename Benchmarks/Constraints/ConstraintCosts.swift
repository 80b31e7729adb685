import Constraints
import Decoder
import Engine
import Foundation
import Fusion
import GatehouseJSON

/// Measures what a constraint adds to a token: finding which tokens may come, and taking note of the one that did. Prints
/// a table, with the time that the model takes for a token of free text beside it.
///
///     swift run -c release constraint-costs MODEL
@main
struct ConstraintCosts {
    static let schemas: [(name: String, schema: String)] = [
        ("any object", #"{"type":"object"}"#),
        (
            "a flat record",
            #"""
            {"type":"object","properties":{"name":{"type":"string"},"age":{"type":"integer"},"email":{"type":"string"},
            "active":{"type":"boolean"}},"required":["name","age","email","active"]}
            """#
        ),
        (
            "bounded strings",
            #"""
            {"type":"object","properties":{"title":{"type":"string","minLength":20,"maxLength":60},
            "body":{"type":"string","maxLength":400}},"required":["title","body"]}
            """#
        ),
        (
            "patterns and formats",
            #"""
            {"type":"object","properties":{"id":{"type":"string","format":"uuid"},"at":{"type":"string","format":"date-time"},
            "code":{"type":"string","pattern":"^[A-Z]{3}-[0-9]{4}$"},"score":{"type":"number","minimum":0,"maximum":10}},
            "required":["id","at","code","score"]}
            """#
        ),
        (
            "a recursive tree",
            #"""
            {"$ref":"#/$defs/node","$defs":{"node":{"type":"object","properties":{"label":{"type":"string"},
            "children":{"type":"array","items":{"$ref":"#/$defs/node"},"maxItems":3}},"required":["label","children"]}}}
            """#
        ),
    ]
    static let most = 96

    static func main() async {
        guard CommandLine.arguments.count == 2 else { fail("usage: constraint-costs MODEL") }
        do {
            try await measure(CommandLine.arguments[1])
        } catch {
            fail("\(error)")
        }
    }

    private static func measure(_ path: String) async throws {
        let model = try LanguageModel(path: path, options: DecoderModel.Options(threads: 2))
        var options = Engine.Options()
        options.poolTokens = 2048
        options.context = 1024
        let engine = try Engine(model.decoder, options: options)
        let prompt = try Fusion(model).prompt([
            FusedMessage(role: "user", parts: [.text("Write an example record as JSON.")])
        ])
        let clock = ContinuousClock()

        func write(_ constraint: Constraint?) async throws -> (tokens: [Int32], seconds: Double) {
            let request = GenerationRequest(
                prompt: prompt, sampling: Sampling(temperature: 1, seed: 5), maxNewTokens: most,
                endTokens: constraint == nil ? [] : model.tokenizer.endOfGeneration, constraint: constraint)
            var tokens: [Int32] = []
            var first = clock.now
            for try await case .token(let token, _) in try engine.submit(request) {
                if tokens.isEmpty { first = clock.now }
                tokens.append(token.id)
            }
            return (tokens, (clock.now - first) / .seconds(1))
        }
        var free: [Double] = []
        for _ in 0..<5 {
            let (tokens, seconds) = try await write(nil)
            free.append(seconds / Double(tokens.count - 1))
        }
        let decode = free.sorted()[free.count / 2]

        var vocabulary: TokenVocabulary?
        let making = clock.measure {
            vocabulary = TokenVocabulary(model.tokenizer, count: model.decoder.vocabulary)
        }
        guard let vocabulary else { return }
        print(
            String(
                format: "%d tokens, made ready in %.0f ms; free text takes %.0f µs a token\n",
                model.decoder.vocabulary, making / .milliseconds(1), decode * 1e6))
        print(
            "| schema | tokens | automaton, ms | first answer, µs a token | later ones, µs a token | of free text |"
        )
        print("|---|---|---|---|---|---|")
        for (name, text) in schemas {
            let schema = try JSONValue(parsing: text.utf8)
            var constraint: Constraint?
            let compiling = try clock.measure {
                constraint = Constraint(
                    try Grammar(schema: schema, at: "schema", isClosed: true), vocabulary: vocabulary)
            }
            guard let constraint else { continue }
            let tokens = try await write(
                Constraint(try Grammar(schema: schema, at: "schema", isClosed: true), vocabulary: vocabulary)
            ).tokens
            func pass() -> Double {
                var logits = [Float](repeating: 0, count: model.decoder.vocabulary)
                guard var state = constraint.start() else { return 0 }
                let time = clock.measure {
                    for (index, token) in tokens.enumerated() {
                        logits.withUnsafeMutableBufferPointer {
                            state.apply(
                                to: $0, remaining: most - index, ends: model.tokenizer.endOfGeneration)
                        }
                        state.advance(token)
                    }
                }
                return time / .microseconds(1) / Double(tokens.count)
            }
            let cold = pass()
            let warm = (0..<9).map { _ in pass() }.sorted()[4]
            print(
                String(
                    format: "| %@ | %d | %.1f | %.0f | %.0f | %.2f%% |", name, tokens.count,
                    compiling / .milliseconds(1), cold, warm, warm / decode / 1e4))
        }
    }

    private static func fail(_ reason: String) -> Never {
        FileHandle.standardError.write(Data("\(reason)\n".utf8))
        exit(1)
    }
}
