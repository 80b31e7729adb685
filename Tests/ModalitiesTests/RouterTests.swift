import Foundation
import Modalities
import Testing

@Suite struct RouterTests {
    /// Two plugins for PNG, one for WAV.
    private func router() throws -> Router {
        let library = try Fixtures.library()
        func plugin(_ id: String, _ accepts: String, _ versions: [String]) -> String {
            let list = versions.map { #"{"version": "\#($0)", "library": "\#(library)"}"# }.joined(
                separator: ",")
            return #"{"id": "\#(id)", "modality": "m", "accepts": \#(accepts), "versions": [\#(list)]}"#
        }
        let text =
            #"{"format": 1, "plugins": ["#
            + [
                plugin("first", #"["image/png"]"#, ["1.0.0", "2.0.0"]),
                plugin("second", #"["image/png", "image/jpeg"]"#, ["1.0.0"]),
                plugin("sound", #"["audio/wav"]"#, ["1.0.0"]),
            ].joined(separator: ",") + "]}"
        return try Fixtures.withFile(text) { Router(try Registry(contentsOf: $0)) }
    }

    /// The route in one line: `id version weight`, or `off id`.
    private func route(_ type: String, _ options: [String: ModalityOption] = [:]) throws -> String {
        let routing = try router().route(
            mediaType: type, bytes: 1, options: options, origin: RequestOrigin())
        #expect(routing.routes.count == 1)
        #expect(routing.reason == .firstThatAccepts)
        return switch routing.routes[0] {
        case .plugin(let plugin, let version, let weight):
            "\(plugin.id) \(version.version)\(weight.map { " \($0)" } ?? "")"
        case .off(let plugin): "off \(plugin?.id ?? "-")"
        }
    }

    @Test func firstPluginThatAcceptsTakesThePart() throws {
        #expect(try route("image/png") == "first 2.0.0")
        #expect(try route("image/jpeg") == "second 1.0.0")
        #expect(try route("image/png", ["first": .auto]) == "first 2.0.0")
    }

    @Test func pluginThatIsOffLeavesThePartToTheNext() throws {
        #expect(try route("image/png", ["first": .off]) == "second 1.0.0")
        #expect(try route("image/png", ["first": .off, "second": .off]) == "off first")
        #expect(try route("audio/wav", ["first": .off]) == "sound 1.0.0")
    }

    @Test func requestChoosesVersionAndWeight() throws {
        let version = try #require(SemanticVersion("1.0.0"))
        #expect(try route("image/png", ["first": .chosen(version: version, weight: nil)]) == "first 1.0.0")
        #expect(try route("image/png", ["first": .chosen(version: nil, weight: 0.5)]) == "first 2.0.0 0.5")
        #expect(try route("image/png", ["first": .chosen(version: version, weight: 0)]) == "first 1.0.0 0.0")
    }

    @Test func theModelsOwnEncoderGoesBeforeOthers() throws {
        let library = try Fixtures.library()
        let text = #"""
            {"format": 1, "plugins": [
              {"id": "words", "modality": "m", "accepts": ["image/png", "image/gif"],
               "versions": [{"version": "1.0.0", "library": "\#(library)"}]},
              {"id": "tower", "modality": "m", "accepts": ["image/png"], "configuration": {"a": 1, "b": 2},
               "versions": [{"version": "1.0.0", "library": "\#(library)", "weights": null,
                             "model_weights": ["glm4v", "other"]},
                            {"version": "2.0.0", "library": "\#(library)", "weights": "\#(library)",
                             "sha256": {"weights": "\#(String(repeating: "0", count: 64))"}}]}]}
            """#
        let plain = try Fixtures.withFile(text) { try Registry(contentsOf: $0) }
        let ruled = try Fixtures.withFile(
            text.dropLast()
                + #", "rules": [{"when": {"own_encoder": false}, "use": ["words", "tower"]}, {"when": {"own_encoder": true, "media_type": "image/gif"}, "use": "off"}]}"#
        ) { try Registry(contentsOf: $0) }
        func routes(
            _ type: String, _ encoder: ModelEncoder?, _ options: [String: ModalityOption] = [:],
            by registry: Registry? = nil
        ) throws -> [String] {
            try Router((registry ?? plain).serving(encoder)).route(
                mediaType: type, bytes: 1, options: options, origin: RequestOrigin()
            ).routes.map { route in
                if case .plugin(let plugin, let version, _) = route {
                    "\(plugin.id) \(version.version)"
                } else {
                    "off"
                }
            }
        }
        let own = ModelEncoder(family: "glm4v", weights: "/model", configuration: ["b": .number(3)])
        #expect(try routes("image/png", nil) == ["words 1.0.0"])
        #expect(try routes("image/png", ModelEncoder(family: "llama", weights: "/model")) == ["words 1.0.0"])
        #expect(try routes("image/png", own) == ["tower 1.0.0"])
        #expect(try routes("image/gif", own) == ["words 1.0.0"])
        #expect(try routes("image/png", own, ["words": .auto]) == ["tower 1.0.0"])
        let chosen = ModalityOption.chosen(version: nil, weight: 1)
        #expect(try routes("image/png", own, ["words": chosen]) == ["tower 1.0.0", "words 1.0.0"])
        #expect(try routes("image/png", own, ["words": chosen, "tower": .off]) == ["words 1.0.0"])
        #expect(try routes("image/png", own, ["tower": .off]) == ["off"])
        let named = ModalityOption.chosen(version: SemanticVersion("2.0.0"), weight: nil)
        #expect(try routes("image/png", own, ["tower": named]) == ["tower 2.0.0"])

        // Rules may ask whether the model has one, for the part's type.
        #expect(try routes("image/png", nil, by: ruled) == ["words 1.0.0", "tower 2.0.0"])
        #expect(try routes("image/png", own, by: ruled) == ["tower 1.0.0"])
        #expect(try routes("image/gif", own, by: ruled) == ["words 1.0.0"])

        let tower = try #require(plain.serving(own).plugins.first)
        #expect(tower.configuration == #"{"a":1,"b":3}"#)
        let version = try #require(tower.versions.first { $0.isModels })
        #expect(version.weights == "/model" && version.weightsSHA256 == nil && !version.lacksWeights)
        #expect(plain.serving(own).serving(nil).plugins[0].versions[0].weights == tower.versions[0].weights)
    }

    @Test func aPluginWithoutWeightsTakesNoPart() throws {
        let library = try Fixtures.library()
        let text = #"""
            {"format": 1, "plugins": [
              {"id": "bare", "modality": "m", "accepts": ["image/png", "image/webp"],
               "versions": [{"version": "1.0.0", "library": "\#(library)", "weights": null}]},
              {"id": "half", "modality": "m", "accepts": ["image/png"],
               "versions": [{"version": "2.0.0", "library": "\#(library)", "weights": null},
                            {"version": "1.0.0", "library": "\#(library)"}]}],
             "rules": [{"name": "both", "use": ["bare", "half"]}]}
            """#
        let router = try Fixtures.withFile(text) { Router(try Registry(contentsOf: $0)) }
        func routes(_ type: String, _ options: [String: ModalityOption] = [:]) throws -> [String] {
            try router.route(mediaType: type, bytes: 1, options: options, origin: RequestOrigin()).routes.map
            {
                if case .plugin(let plugin, let version, _) = $0 {
                    "\(plugin.id) \(version.version)"
                } else {
                    "off"
                }
            }
        }
        #expect(try routes("image/png") == ["half 1.0.0"])
        #expect(throws: RoutingError.notAccepted(mediaType: "image/webp", accepted: ["image/png"])) {
            try routes("image/webp")
        }
        let version = try #require(SemanticVersion("2.0.0"))
        #expect(throws: RoutingError.noWeights(plugin: "half", version)) {
            try routes("image/png", ["half": .chosen(version: version, weight: nil)])
        }
    }

    @Test func unknownVersionNamesThoseThatAreThere() throws {
        let version = try #require(SemanticVersion("3.0.0"))
        let error = try #require(throws: RoutingError.self) {
            try route("image/png", ["first": .chosen(version: version, weight: nil)])
        }
        #expect(
            error.description
                == "gatehouse.modalities.first.version: no version 3.0.0; the registry has 2.0.0, 1.0.0")
    }

    @Test func unknownPluginNamesThoseThatAreThere() throws {
        #expect(throws: Never.self) { try router().check(["first": .off, "sound": .auto]) }
        let error = try #require(throws: RoutingError.self) { try router().check(["frist": .off]) }
        #expect(
            error.description
                == "gatehouse.modalities.frist: no such plugin; the registry has first, second, sound")
    }

    @Test func typeThatNobodyAcceptsIsNamedWithThoseThatAre() throws {
        let error = try #require(throws: RoutingError.self) { try route("video/mp4") }
        #expect(
            error.description
                == "no plugin accepts video/mp4; accepted media types: audio/wav, image/jpeg, image/png")
        let empty = try #require(throws: RoutingError.self) {
            try Router(.empty).route(
                mediaType: "image/png", bytes: 1, options: [:], origin: RequestOrigin())
        }
        #expect(
            empty.description
                == "no plugin accepts image/png; accepted media types: none, as the registry has no plugin")
    }
}
