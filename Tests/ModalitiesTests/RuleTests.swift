import Foundation
import Modalities
import Testing

@Suite struct RuleTests {
    /// Plugins `text` and `vision` for PNG (vision up to 1000 bytes), `vision` for JPEG too, `sound` for WAV.
    private func registry(rules: String) throws -> Registry {
        let library = try Fixtures.library()
        func plugin(_ id: String, _ accepts: String) -> String {
            let versions = ["1.0.0", "2.0.0"].map { #"{"version": "\#($0)", "library": "\#(library)"}"# }
            return """
                {"id": "\(id)", "modality": "m", "accepts": \(accepts),
                 "versions": [\(versions.joined(separator: ", "))]}
                """
        }
        let plugins = [
            plugin("text", #"["image/png"]"#),
            plugin("vision", #"[{"type": "image/png", "most_bytes": 1000}, "image/jpeg"]"#),
            plugin("sound", #"["audio/wav"]"#),
        ]
        let text = #"{"format": 1, "plugins": [\#(plugins.joined(separator: ", "))], "rules": \#(rules)}"#
        return try Fixtures.withFile(text) { try Registry(contentsOf: $0) }
    }

    /// `RULE: ROUTE, ROUTE` of a part; RULE is `-` where none applied.
    private func route(
        _ rules: String, _ type: String = "image/png", bytes: Int = 10,
        asking options: [String: ModalityOption] = [:], from origin: RequestOrigin = RequestOrigin()
    ) throws -> String {
        let routing = try Router(try registry(rules: rules))
            .route(mediaType: type, bytes: bytes, options: options, origin: origin)
        let routes = routing.routes.map { route in
            switch route {
            case .plugin(let plugin, let version, let weight):
                "\(plugin.id) \(version.version)\(weight.map { " \($0)" } ?? "")"
            case .off(let plugin): "off \(plugin?.id ?? "-")"
            }
        }
        let rule = if case .rule(let name) = routing.reason { name } else { "-" }
        return "\(rule): \(routes.joined(separator: ", "))"
    }

    @Test func severalPluginsTakeAPartInTheOrderOfTheRule() throws {
        let rules = #"[{"name": "both", "use": ["vision", {"plugin": "text", "version": "1.0.0"}]}]"#
        #expect(try route(rules) == "both: vision 2.0.0, text 1.0.0")
        #expect(try route(rules, "image/jpeg") == "both: vision 2.0.0")
        #expect(try route(rules, "audio/wav") == "-: sound 2.0.0")
    }

    @Test func firstRuleThatAppliesDecides() throws {
        let rules = """
            [{"when": {"media_type": "audio/*"}, "use": "off"}, {"when": {"media_type": "image/*"}, "use": ["vision"]},
             {"use": ["text"]}]
            """
        #expect(try route(rules) == "rules[1]: vision 2.0.0")
        #expect(try route(rules, "audio/wav") == "rules[0]: off sound")
        #expect(try route(rules, "audio/mpeg") == "rules[0]: off -")
    }

    @Test func ruleWhosePluginsDoNotAcceptThePartLeavesItToTheNext() throws {
        let rules = #"[{"use": ["sound"]}, {"use": ["vision"]}]"#
        #expect(try route(rules) == "rules[1]: vision 2.0.0")
        #expect(throws: RoutingError.self) { try route(rules, "video/mp4") }
    }

    @Test func everyConditionMustHold() throws {
        let rules = """
            [{"when": {"media_type": ["image/jpeg", "image/p*"], "least_bytes": 10, "most_bytes": 20,
               "model": ["a", "big-*"], "headers": {"X-Team": "v*n", "x-mode": ["fast", "slow"]}, "key": "lab-*",
               "modalities": {"sound": "off"}}, "use": ["vision"]}]
            """
        func origin(
            model: String = "big-1", team: String = "vision", mode: String = "slow", key: String = "lab-7"
        ) -> RequestOrigin {
            RequestOrigin(
                model: model, headers: [("x-TEAM", "other"), ("x-team", team), ("X-Mode", mode)],
                keyLabel: key)
        }
        let asked: [String: ModalityOption] = ["sound": .off]
        let yes = "rules[0]: vision 2.0.0"
        let no = "-: text 2.0.0"
        #expect(try route(rules, asking: asked, from: origin()) == yes)
        #expect(
            try route(rules, bytes: 20, asking: asked, from: origin(model: "a", mode: "fast", key: "lab-"))
                == yes)
        #expect(try route(rules, bytes: 9, asking: asked, from: origin()) == no)
        #expect(try route(rules, bytes: 21, asking: asked, from: origin()) == no)
        #expect(try route(rules, asking: asked, from: origin(model: "bigger")) == no)
        #expect(try route(rules, asking: asked, from: origin(team: "sound")) == no)
        #expect(try route(rules, asking: asked, from: origin(mode: "")) == no)
        #expect(try route(rules, asking: asked, from: origin(key: "")) == no)
        #expect(try route(rules, asking: [:], from: origin()) == no)
        #expect(try route(rules, asking: asked, from: RequestOrigin(model: "a", keyLabel: "lab-7")) == no)
    }

    @Test func requestsOwnWordIsACondition() throws {
        let rules = """
            [{"when": {"modalities": {"text": "chosen"}}, "use": ["text"]},
             {"when": {"modalities": {"text": "auto"}}, "use": ["vision"]}, {"use": "off"}]
            """
        #expect(try route(rules) == "rules[1]: vision 2.0.0")
        #expect(try route(rules, asking: ["text": .auto]) == "rules[1]: vision 2.0.0")
        #expect(try route(rules, asking: ["text": .off]) == "rules[2]: off text")
        #expect(
            try route(rules, asking: ["text": .chosen(version: nil, weight: 0.5)])
                == "rules[0]: text 2.0.0 0.5")
    }

    @Test func requestSwitchesOffAndChoosesAmongTheRulesPlugins() throws {
        let rules = #"[{"use": ["vision", {"plugin": "text", "version": "1.0.0"}]}]"#
        #expect(try route(rules, asking: ["vision": .off]) == "rules[0]: text 1.0.0")
        #expect(try route(rules, asking: ["vision": .off, "text": .off]) == "rules[0]: off vision")
        let version = try #require(SemanticVersion("2.0.0"))
        #expect(
            try route(rules, asking: ["text": .chosen(version: version, weight: nil)])
                == "rules[0]: vision 2.0.0, text 2.0.0")
        #expect(
            try route(rules, asking: ["text": .chosen(version: nil, weight: 0)])
                == "rules[0]: vision 2.0.0, text 1.0.0 0.0")
    }

    @Test func partBeyondThePluginsLimitIsRefusedWithBothNumbers() throws {
        let rules = #"[{"use": ["text", "vision"]}]"#
        #expect(try route(rules, bytes: 1000) == "rules[0]: text 2.0.0, vision 2.0.0")
        let error = try #require(throws: RoutingError.self) { try route(rules, bytes: 1001) }
        #expect(
            error.description
                == "the image/png part has 1001 bytes; plugin vision takes at most 1000 of this type")
        #expect(try route(rules, bytes: 1001, asking: ["vision": .off]) == "rules[0]: text 2.0.0")
        #expect(try route(rules, "image/jpeg", bytes: 1001) == "rules[0]: vision 2.0.0")
    }

    @Test func placeInTheTrafficChoosesTheVersionUnlessOneIsNamed() throws {
        let text = try Fixtures.library()
        let json = """
            {"format": 1, "plugins": [{"id": "a", "modality": "m", "accepts": ["a/b"], "versions": [
              {"version": "1.0.0", "library": "\(text)"},
              {"version": "2.0.0", "library": "\(text)", "share": 0.1}]}]}
            """
        let router = try Fixtures.withFile(json) { Router(try Registry(contentsOf: $0)) }
        func version(_ point: Double?, _ options: [String: ModalityOption] = [:]) throws -> String? {
            let routing = try router.route(
                mediaType: "a/b", bytes: 1, options: options, origin: RequestOrigin(trafficPoint: point))
            guard case .plugin(_, let version, _) = routing.routes[0] else { return nil }
            return version.version.description
        }
        #expect(try version(0.05) == "2.0.0")
        #expect(try version(0.5) == "1.0.0")
        #expect(try version(nil) == "1.0.0")
        let wanted = ModalityOption.chosen(version: SemanticVersion("2.0.0"), weight: nil)
        #expect(try version(0.5, ["a": wanted]) == "2.0.0")
    }

    @Test(arguments: [
        (#"{}"#, "rules[0].use: expected \"off\", or an array of plugins, found nothing"),
        (#"{"use": "text"}"#, "rules[0].use: expected \"off\", or an array of plugins, found \"text\""),
        (
            #"{"use": []}"#,
            "rules[0].use: expected \"off\", or an array of plugins with at least one, found an array of 0"
        ),
        (
            #"{"use": ["txt"]}"#,
            "rules[0].use[0]: expected a plugin of this registry (text, vision, sound), found \"txt\""
        ),
        (
            #"{"use": ["text", "text"]}"#,
            "rules[0].use[1]: expected each plugin once, found text a second time"
        ),
        (
            #"{"use": [{"plugin": "text", "version": "3.0.0"}]}"#,
            "rules[0].use[0].version: expected a version of text (2.0.0, 1.0.0), found \"3.0.0\""
        ),
        (
            #"{"use": [{"id": "text"}]}"#,
            "rules[0].use[0].id: expected one of plugin, version, found the unknown field id"
        ),
        (#"{"use": "off", "when": []}"#, "rules[0].when: expected an object, found an array of 0"),
        (
            #"{"use": "off", "when": {"size": 1}}"#,
            "rules[0].when.size: expected one of media_type, least_bytes, most_bytes, model, own_encoder, headers, key, modalities, found the unknown field size"
        ),
        (
            #"{"use": "off", "when": {"media_type": "image"}}"#,
            "rules[0].when.media_type: expected a media type such as \"image/png\" or \"image/*\", found \"image\""
        ),
        (
            #"{"use": "off", "when": {"media_type": []}}"#,
            "rules[0].when.media_type: expected a media type such as \"image/png\" or \"image/*\", or an array of at least one, found an array of 0"
        ),
        (
            #"{"use": "off", "when": {"model": [7]}}"#,
            "rules[0].when.model[0]: expected a model's name, with * for any characters, found the number 7"
        ),
        (
            #"{"use": "off", "when": {"least_bytes": 5, "most_bytes": 4}}"#,
            "rules[0].when.most_bytes: expected at least least_bytes (5), found 4"
        ),
        (
            #"{"use": "off", "when": {"headers": "x"}}"#,
            "rules[0].when.headers: expected an object of header fields, found \"x\""
        ),
        (
            #"{"use": "off", "when": {"modalities": {"text": "on"}}}"#,
            "rules[0].when.modalities.text: expected one of \"auto\", \"off\", \"chosen\", found \"on\""
        ),
        (
            #"{"use": "off", "when": {"modalities": {"txt": "off"}}}"#,
            "rules[0].when.modalities.txt: expected a plugin of this registry (text, vision, sound), found \"txt\""
        ),
        ("3", "rules[0]: expected an object, found the number 3"),
    ])
    func mistakeIsReportedWithPathExpectedAndFound(_ rule: String, _ problem: String) throws {
        let error = try #require(throws: RegistryError.self) { try registry(rules: "[\(rule)]") }
        #expect(error.problems.first?.description == problem)
    }

    @Test(arguments: [
        ("*", "", true), ("*", "anything", true), ("", "", true), ("", "a", false), ("a*", "a", true),
        ("a*", "ba", false), ("*a", "ba", true), ("a*a", "a", false), ("a*a", "aa", true),
        ("a*b*c", "a-b-b-c", true), ("a*b*c", "acb", false), ("a**b", "ab", true),
        ("image/*", "image/png", true),
        ("image/*", "imagepng", false), ("*é*", "café!", true), ("ab*ba", "aba", false),
    ])
    func starStandsForAnyRun(_ pattern: String, _ text: String, _ matches: Bool) {
        #expect(TextPattern(pattern).matches(text) == matches)
    }
}
