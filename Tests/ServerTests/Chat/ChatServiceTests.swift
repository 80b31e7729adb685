import Engine
import Foundation
import Modalities
import PluginHost
import Server
import TestSupport
import Testing

/// Chats with the real default model, greedy, so that every answer is repeatable.
@Suite struct ChatServiceTests {
    private let png = MediaPart(mediaType: "image/png", bytes: [0x89, 0x50, 0x4E, 0x47])

    private func request(
        _ parts: [ChatPart] = [.text("What is the capital of France?")], maxTokens: Int? = 24,
        stop: [String] = [], modalities: [String: ModalityOption] = [:]
    ) -> ChatRequest {
        ChatRequest(
            messages: [ChatMessage(.user, parts)], sampling: Sampling(temperature: 0), maxTokens: maxTokens,
            stop: stop, modalities: modalities)
    }

    private struct Read {
        var text = ""
        var reason: FinishReason?
        var usage: Usage?
        /// Elements after the end.
        var late = 0
    }

    private func read(_ answer: ChatAnswer) async throws -> Read {
        var read = Read()
        for try await element in answer {
            if read.usage != nil { read.late += 1 }
            switch element {
            case .read, .call, .arguments: break
            case .text(let piece, _):
                #expect(!piece.text.isEmpty && piece.tokens.isEmpty)
                read.text += piece.text
            case .ended(let reason, _):
                read.reason = reason
            case .finished(let usage):
                read.usage = usage
            }
        }
        #expect(read.late == 0)
        return read
    }

    @Test func theModelAnswers() async throws {
        let answer = try await ServiceFixture.chat().answer(request())
        let read = try await read(answer)
        #expect(read.text.contains("Paris"))
        #expect(read.reason == .stop)
        #expect(read.usage?.promptTokens == answer.promptTokens)
        #expect(try #require(read.usage).completionTokens > 0)
        #expect(answer.modalities.isEmpty)
    }

    @Test func theLimitOfTokensEndsTheAnswer() async throws {
        let read = try await read(ServiceFixture.chat().answer(request(maxTokens: 3)))
        #expect(read.reason == .length)
        #expect(read.usage?.completionTokens == 3)
    }

    @Test func aStopStringEndsTheAnswerBeforeIt() async throws {
        let service = try ServiceFixture.chat()
        let whole = try await read(service.answer(request())).text
        let middle = try #require(whole.range(of: "Paris"))
        let cut = try await read(service.answer(request(stop: ["never said", "Paris"])))
        #expect(cut.text == String(whole[..<middle.lowerBound]))
        #expect(cut.reason == .stop)
    }

    @Test func anAnswerThatStopsAtOnceHasNoText() async throws {
        let service = try ServiceFixture.chat()
        let first = try #require(try await read(service.answer(request())).text.first)
        let cut = try await read(service.answer(request(stop: [String(first)])))
        #expect(cut.text == "")
        #expect(cut.reason == .stop)
        #expect(cut.usage?.completionTokens == 1)
    }

    @Test func whatLooksLikeAStopStringButIsNoneIsShownInTheEnd() async throws {
        let service = try ServiceFixture.chat()
        let whole = try await read(service.answer(request(maxTokens: 4)))
        let held = String(whole.text.suffix(3)) + "§ never said"
        let same = try await read(service.answer(request(maxTokens: 4, stop: [held])))
        #expect(same.text == whole.text)
        #expect(same.reason == .length)
    }

    @Test func aPromptLongerThanTheContextIsRefusedWithBothNumbers() async throws {
        let long = String(repeating: "one two three ", count: 1000)
        let error = try await #require(throws: EngineError.self) {
            _ = try await ServiceFixture.chat().answer(request([.text(long)]))
        }
        guard case .contextExceeded(let promptTokens, let context) = error else {
            Issue.record("\(error)")
            return
        }
        #expect(promptTokens > 3000)
        #expect(context == 1024)
    }

    @Test func mediaWithoutPluginIsRefusedWithItsType() async throws {
        let error = try await #require(throws: MediaError.self) {
            _ = try await ServiceFixture.chat().answer(request([.text("Look:"), .media(png)]))
        }
        #expect((error.message, error.part) == (0, 1))
        #expect(error.error as? RoutingError == .notAccepted(mediaType: "image/png", accepted: []))
    }

    @Test func anOptionForAPluginThatIsNotThereIsRefused() async throws {
        let error = try await #require(throws: RoutingError.self) {
            _ = try await ServiceFixture.chat().answer(request(modalities: ["nose": .off]))
        }
        #expect(error == .unknownPlugin("nose", known: []))
    }

    @Test(arguments: [ModalityOption.off, .chosen(version: nil, weight: 0)])
    func aPartThatIsSwitchedOffCostsNothing(option: ModalityOption) async throws {
        try await withTemporaryFolder { folder in
            let service = try ServiceFixture.chat(ServiceFixture.registryOfABrokenPlugin(in: folder))
            let plain = try await service.answer(request())
            let answer = try await service.answer(
                request([.media(png), .text("What is the capital of France?")], modalities: ["eye": option]))
            #expect(answer.promptTokens == plain.promptTokens)
            let report = try #require(answer.modalities.first)
            #expect(answer.modalities.count == 1)
            #expect((report.part, report.plugin, report.weight, report.tokens) == (0, "eye", 0, 0))
            #expect(await service.supervisor.status().isEmpty, "no plugin was asked for")
        }
    }

    @Test func aPluginThatCannotBeOpenedFailsTheRequestThatNeedsItAlone() async throws {
        try await withTemporaryFolder { folder in
            let service = try ServiceFixture.chat(ServiceFixture.registryOfABrokenPlugin(in: folder))
            let thrown = try await #require(throws: MediaError.self) {
                _ = try await service.answer(request([.media(png)]))
            }
            let error = try #require(thrown.error as? PluginFailure)
            #expect(error.reason == .refused)
            #expect(error.message.contains("libeye.so"))
            #expect(try await read(service.answer(request(maxTokens: 1))).reason == .length)
        }
    }

    /// An engine runs all its generations step by step together, so one that was not ended is still running when a
    /// later one of the same length has come to its fiftieth token.
    private func expectEnded(
        after end: (ChatService, ChatRequest) async throws -> ChatAnswer?
    ) async throws {
        let service = try ServiceFixture.chat(engine: ServiceFixture.engine(poolTokens: 2048))
        let story = request([.text("Write a long story about the sea.")], maxTokens: 900)
        let held = try await end(service, story)
        var count = 0
        for try await _ in try await service.answer(story) {
            count += 1
            if count == 50 { break }
        }
        #expect(count == 50)
        #expect(service.engine.load.running <= 1)
        #expect(held?.modalities.isEmpty ?? true)
    }

    @Test func aStopStringEndsTheGenerationThoughTheAnswerIsHeld() async throws {
        try await expectEnded { service, story in
            var story = story
            story.stop = ["a", "e"]
            let answer = try await service.answer(story)
            #expect(try await read(answer).reason == .stop)
            return answer
        }
    }

    @Test func lettingGoOfAnAnswerEndsItsGeneration() async throws {
        try await expectEnded { service, story in
            for try await _ in try await service.answer(story) { break }
            return nil
        }
    }

    @Test func cancellingTheReaderEndsTheGeneration() async throws {
        try await expectEnded { service, story in
            let answer = try await service.answer(story)
            let reader = Task {
                var count = 0
                for try await _ in answer {
                    count += 1
                    if count == 2 { withUnsafeCurrentTask { $0?.cancel() } }
                }
                return count
            }
            #expect(try await reader.value < 900)
            return answer
        }
    }
}
