import Engine
import Fusion
import Modalities
import PluginHost
import Server
import Testing

@Suite struct ErrorMappingTests {
    struct Mapping: CustomTestStringConvertible, Sendable {
        var error: any Error
        var status: Int
        var param: String?
        var code: String?
        var testDescription: String { "\(error)" }

        init(_ error: any Error, _ status: Int, param: String? = nil, _ code: String?) {
            (self.error, self.status, self.param, self.code) = (error, status, param, code)
        }
    }

    @Test(arguments: [
        Mapping(
            EngineError.contextExceeded(promptTokens: 9000, context: 8192), 400, param: "messages",
            "context_length_exceeded"),
        Mapping(EngineError.emptyPrompt, 400, param: "messages", "invalid_value"),
        Mapping(
            EngineError.poolTooSmall(tokens: 9, poolTokens: 8), 400, param: "max_tokens", "invalid_value"),
        Mapping(
            EngineError.badValue(field: "top_p", expected: "more", found: "less"), 400, param: "top_p",
            "invalid_value"),
        Mapping(EngineError.queueFull(limit: 3), 503, "overloaded"),
        Mapping(EngineError.stopped, 503, "overloaded"),
        Mapping(EngineError.notFinite(position: 3), 500, "internal_error"),
        Mapping(EngineError.segmentWidth(expected: 1, found: 2), 500, "plugin_failed"),
        Mapping(FusionError.rowsWithoutDecoder(plugin: "eye"), 500, "plugin_failed"),
        Mapping(FusionError.noTemplate(model: "m.gguf"), 500, "no_chat_template"),
        Mapping(PluginFailure(.badInput, "eye: no image"), 400, param: "messages", "invalid_media"),
        Mapping(PluginFailure(.unavailable, "eye: busy"), 503, "plugin_unavailable"),
        Mapping(PluginFailure(.crashed, "eye: signal 9"), 500, "plugin_crashed"),
        Mapping(PluginFailure(.violation, "eye: no end"), 500, "plugin_failed"),
        Mapping(
            RoutingError.notAccepted(mediaType: "video/mp4", accepted: ["image/png"]), 400, param: "messages",
            "unsupported_media_type"),
        Mapping(
            RoutingError.unknownPlugin("nose", known: ["eye"]), 400, param: "gatehouse.modalities.nose",
            "unknown_plugin"),
    ])
    func anErrorTellsWhoseFaultItIs(_ mapping: Mapping) {
        let answer = HTTPError(describing: mapping.error)
        #expect(answer.status == mapping.status)
        #expect(answer.type == (mapping.status < 500 ? "invalid_request_error" : "server_error"))
        #expect(answer.param == mapping.param)
        #expect(answer.code == mapping.code)
        #expect(answer.message == "\(mapping.error)")
        #expect(answer.headers["Retry-After"] == (mapping.status == 503 ? "1" : nil))
    }

    @Test func whatIsWrongWithAPartNamesIt() {
        let refused = HTTPError(
            describing: MediaError(message: 1, part: 2, error: PluginFailure(.badInput, "eye: no image")))
        #expect(refused.status == 400 && refused.code == "invalid_media")
        #expect(refused.param == "messages[1].content[2]")
        #expect(refused.message == "messages[1].content[2]: eye: no image")
        let broken = HTTPError(
            describing: MediaError(message: 1, part: 2, error: PluginFailure(.crashed, "eye: signal 9")))
        #expect(broken.status == 500 && broken.param == nil && broken.message == "eye: signal 9")
    }
}
