import CheckpointFixtures
import Decoder
import Fusion
import Testing
import Text

/// Where segments stand in the prompt of a model whose template has a place of its own for images: GLM-4.1V's wraps
/// each in `<|begin_of_image|>` and `<|end_of_image|>`.
@Suite struct PlacementTests {
    private static let glm4v = Result { try open(CheckpointFixture("glm4v").path(.safetensors)) }

    private static func open(_ path: String) throws -> LanguageModel {
        try LanguageModel(path: path, options: DecoderModel.Options(threads: 1))
    }

    private func segment(_ digest: String, rows: Int = 6) throws -> Segment {
        let hidden = try Self.glm4v.get().decoder.hidden
        return Segment(
            rows: [Float](repeating: 0.5, count: rows * hidden), width: hidden,
            grid: Grid(t: 1, h: 1, w: Int32(rows)),
            positions: (0..<Int32(rows)).map { GridPosition(t: 0, h: 0, w: $0) }, digest: digest)
    }

    private func image(_ digest: String) throws -> FusedPart {
        .segment(try segment(digest), modality: "image")
    }

    /// The prompt with control tokens by name, segments as [digest].
    private func words(_ prompt: Prompt, _ model: LanguageModel) -> String {
        prompt.pieces.map { piece in
            switch piece {
            case .segment(let segment): "[\(segment.digest)]"
            case .tokens(let ids):
                ids.map { id in
                    model.tokenizer.kind(of: id) == .control
                        ? model.tokenizer.piece(of: id) ?? "" : model.tokenizer.decode([id])
                }.joined()
            }
        }.joined()
    }

    private func words(_ messages: [FusedMessage]) throws -> String {
        let model = try Self.glm4v.get()
        return words(try Fusion(model).prompt(messages), model)
    }

    @Test func severalImagesInAnyOrderAndTurnStandWrappedInTheirPlaces() throws {
        let words = try words([
            FusedMessage(
                role: "user", parts: [.text("Compare"), try image("a"), .text("with"), try image("b")]),
            FusedMessage(role: "assistant", parts: [.text("Done.")]),
            FusedMessage(role: "user", parts: [try image("c"), try image("a"), .text("And these?")]),
        ])
        let expected = [
            "[gMASK]<sop>",
            "Compare<|begin_of_image|>[a]<|end_of_image|>with<|begin_of_image|>[b]<|end_of_image|>",
            "<|assistant|>\nDone.", "<|user|>",
            "<|begin_of_image|>[c]<|end_of_image|><|begin_of_image|>[a]<|end_of_image|>And these?",
            "<|assistant|>",
        ]
        var rest = words[...]
        for part in expected {
            let range = try #require(rest.range(of: part), "\(part) in \(words)")
            rest = rest[range.upperBound...]
        }
        #expect(words.split(separator: "[c]").count == 2 && words.split(separator: "[b]").count == 2)
        #expect(!words.contains("<|image|>"))
    }

    @Test func segmentsOfOtherKindsStandBareBesideImages() throws {
        let words = try words([
            FusedMessage(
                role: "user",
                parts: [
                    .segment(try segment("sound"), modality: "audio"), try image("a"),
                    .segment(try segment("soft"), modality: nil), .text("x"),
                ])
        ])
        #expect(words.contains("[sound]<|begin_of_image|>[a]<|end_of_image|>[soft]x"))
    }

    @Test func messagesWithoutImagesAreText() throws {
        let words = try words([
            FusedMessage(role: "user", parts: [.text("a"), .segment(try segment("s"), modality: nil)])
        ])
        #expect(words.contains("a\n[s]"))
    }

    @Test func textThatLooksLikeAPlaceIsNone() throws {
        let words = try words([
            FusedMessage(role: "user", parts: [.text("<|image|>"), try image("a"), .text("<|image|>")])
        ])
        #expect(words.contains("<|image|><|begin_of_image|>[a]<|end_of_image|><|image|>"))
    }

    @Test func aTemplateWithoutAPlaceInAMessageSaysSo() throws {
        var builder = try CheckpointBuilder(copying: CheckpointFixture("glm4v"))
        builder.files["chat_template.jinja"] = """
            {% for message in messages %}<|{{ message.role }}|>{% if message.content is string %}\
            {{ message.content }}{% elif message.role == 'user' %}{% for part in message.content %}\
            {% if part.type == 'image' %}<|image|>{% endif %}{% endfor %}{% endif %}{% endfor %}
            """
        try builder.withFolder { folder in
            let fusion = try Fusion(Self.open(folder))
            let both = [
                FusedMessage(role: "system", parts: [try image("a")]),
                FusedMessage(role: "user", parts: [try image("b")]),
            ]
            let error = try #require(throws: FusionError.self) { try fusion.prompt(both) }
            #expect("\(error)".contains("places for 1 of the 2 parts of modality image"))
            #expect(try fusion.prompt([both[1]]).count > 6)
        }
    }
}
