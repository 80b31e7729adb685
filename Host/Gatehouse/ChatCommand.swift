import Engine
import Foundation
import GatehouseJSON
import Modalities
import PluginHost
import Server

/// Asks the model from the command line: once, or in turns.
struct ChatCommand: Command {
    static let name = "chat"
    static let synopsis = "[OPTION]… [PROMPT]"
    static let summary =
        "Ask the model. Without PROMPT, talk with it: one line a turn, until the end of input."
    static let options =
        ChatSetup.options + [
            Option("--image", "F", "an image to go with the prompt; may be repeated"),
            Option("--audio", "F", "a sound to go with the prompt; may be repeated"),
            Option("--file", "F", "any other file that a plugin accepts; may be repeated"),
            Option("--system", "S", "the system message"),
            Option("--temperature", "T", "0 takes the most likely token each time (default: 0.7)"),
            Option("--max-tokens", "N", "most tokens of an answer (default: 1024)"),
            Option(
                "--show-fusion", nil,
                "show on standard error what became of media: weights, tokens and times as bars"),
            Option("--json", nil, "print each answer as one JSON object"),
        ]

    private let setup: ChatSetup
    private let files: [String]
    private let system: String?
    private let temperature: Float
    private let maxTokens: Int
    private let json: Bool
    private let showsFusion: Bool
    private let prompt: String?

    init(_ arguments: Arguments) throws(UsageError) {
        try arguments.expectRest(0...1, "")
        setup = try ChatSetup(arguments)
        files = arguments.values("--image") + arguments.values("--audio") + arguments.values("--file")
        system = try arguments.value("--system")
        temperature = Float(try arguments.number("--temperature", in: 0...2) ?? 0.7)
        maxTokens = try arguments.integer("--max-tokens", in: 1...(1 << 30)) ?? 1024
        json = arguments.flag("--json")
        showsFusion = arguments.flag("--show-fusion")
        prompt = arguments.rest.first
    }

    func run() async throws {
        var parts = try files.map { ChatPart.media(try MediaPart(file: $0)) }
        let service = try setup.build(requests: 1) { _ in }
        var messages = system.map { [ChatMessage(.system, [.text($0)])] } ?? []
        if let prompt {
            _ = try await turn(service, messages + [ChatMessage(.user, parts + [.text(prompt)])])
        } else {
            while let line = try readTurn() {
                messages.append(ChatMessage(.user, parts + [.text(line)]))
                parts = []
                messages.append(ChatMessage(.assistant, [.text(try await turn(service, messages))]))
            }
        }
        await service.supervisor.stop()
    }

    private func readTurn() throws -> String? {
        if isatty(STDIN_FILENO) != 0 { try Terminal.output("> ") }
        while let line = readLine() {
            if !line.allSatisfy(\.isWhitespace) { return line }
        }
        return nil
    }

    /// Prints the answer and returns it.
    private func turn(_ service: ChatService, _ messages: [ChatMessage]) async throws -> String {
        let request = ChatRequest(
            messages: messages, sampling: Sampling(temperature: temperature), maxTokens: maxTokens)
        let encoding = EncodingBar()
        let answer = try await service.answer(request, progress: encoding.show)
        encoding.end()
        let reading = ProgressBar("Reading the prompt", unit: .tokens)
        if showsFusion {
            Terminal.error(FusionChart(answer.modalities, promptTokens: answer.promptTokens).text)
        }
        var text = ""
        var reason = FinishReason.stop
        for try await element in answer {
            switch element {
            // Its requests have no functions.
            case .call, .arguments: break
            case .read(let count): reading.show(count, of: answer.promptTokens)
            case .text(let piece, _):
                reading.end()
                text += piece.text
                if !json { try Terminal.output(piece.text) }
            case .ended(let ending, _):
                reason = ending
            case .finished(let usage):
                if json {
                    try Terminal.output(Self.json(text, reason, usage, answer.modalities).text + "\n")
                } else {
                    try Terminal.output("\n")
                    if reason == .length {
                        Terminal.error("[INFO] the answer was ended after \(usage.completionTokens) tokens\n")
                    }
                }
            }
        }
        return text
    }

    private static func json(
        _ text: String, _ reason: FinishReason, _ usage: Usage, _ modalities: [ModalityReport]
    ) -> JSONValue {
        .object([
            "content": .string(text), "finish_reason": .string(reason.rawValue),
            "usage": .object([
                "prompt_tokens": .number(Double(usage.promptTokens)),
                "completion_tokens": .number(Double(usage.completionTokens)),
            ]),
            "gatehouse": .object(["modalities": .array(modalities.map(\.json))]),
        ])
    }
}
