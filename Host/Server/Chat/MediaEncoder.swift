import Digest
import Fusion
import GatehouseTensorFiles
import Modalities
import PluginHost

/// Has the media parts of one request encoded and weighed, and says what stands for each in its message.
struct MediaEncoder {
    let fusion: Fusion
    let supervisor: Supervisor
    let cache: EncodedCache
    /// A segment to which a gate gives less weight is dropped.
    let threshold: Float
    let progress: PromptBuilder.Progress?

    /// What came of one way that a part takes.
    struct Output {
        /// What stands in the message; nothing where it was dropped.
        var parts: [FusedPart] = []
        /// One for each segment; one too where there is none.
        var reports: [ModalityReport] = []
    }

    /// - Parameters:
    ///   - number: The part's place among the media parts of the request.
    ///   - text: Of the message that carries it.
    func encode(
        _ media: MediaPart, number: Int, by route: Route, beside text: inout MessageText
    ) async throws -> Output {
        let (plugin, version): (RegisteredPlugin, RegisteredVersion)
        let forced: Float?
        switch route {
        case .off(let plugin):
            return Output(reports: [ModalityReport(dropping: number, plugin: plugin?.id, version: nil)])
        case .plugin(let routed, let of, let weight): (plugin, version, forced) = (routed, of, weight)
        }
        var report = ModalityReport(dropping: number, plugin: plugin.id, version: version.version)
        if forced == 0 { return Output(reports: [report]) }

        let gate = try gate(of: plugin, version)
        let mean = gate == nil ? nil : try text.mean(fusion)
        if forced == nil, let mean, let weight = gate?.earlyWeight(in: mean), weight < threshold {
            report.gate = weight
            return Output(reports: [report])
        }

        let contents = try await contents(media, number, plugin, version, &report)
        var output = Output()
        for content in contents {
            let content = try content.inPrompt(of: plugin, fusion)
            report.gate = nil
            if let gate, let mean, let segment = try fusion.mean(content) {
                report.gate = gate.weight(of: segment, in: mean)
            }
            report.weight = forced ?? report.gate ?? 1
            report.tokens = 0
            if forced == nil, let weight = report.gate, weight < threshold {
                report.weight = 0
            } else {
                let part = try fusion.part(content, weight: report.weight)
                report.tokens = try tokenCount(part)
                output.parts.append(part)
            }
            output.reports.append(report)
            // What a part took is said once.
            report.loadMilliseconds = 0
            report.encodeMilliseconds = 0
        }
        if contents.isEmpty {
            report.weight = forced ?? 1
            output.reports.append(report)
        }
        return output
    }

    private func gate(of plugin: RegisteredPlugin, _ version: RegisteredVersion) throws -> Gate? {
        do {
            return try version.gate.flatMap { try fusion.gate(at: $0) }
        } catch let error as TensorFileError {
            throw PluginFailure(.refused, "plugin \(plugin.id) \(version.version): \(error)")
        }
    }

    /// What the plugin makes of a part, or made of it before; `report` is told what it took.
    private func contents(
        _ media: MediaPart, _ number: Int, _ plugin: RegisteredPlugin, _ version: RegisteredVersion,
        _ report: inout ModalityReport
    ) async throws -> [EncodedContent] {
        let digest = Self.digest(of: media, plugin, version)
        if let contents = cache[digest] {
            report.cached = true
            return contents
        }
        var input = try EncodeInput([media])
        if let progress { input.progress = { progress(number, $0) } }
        let encoded = try await supervisor.encode(input, plugin: plugin, version: version)
        report.loadMilliseconds = encoded.loadMilliseconds
        report.encodeMilliseconds = encoded.encodeMilliseconds
        let contents = try encoded.segments.enumerated().map { index, segment in
            try fusion.content(
                segment, for: encoded.outputs.decoder, plugin: plugin.id, modality: plugin.modality,
                digest: "\(digest)/\(index)")
        }
        cache.insert(contents, for: digest)
        return contents
    }

    private func tokenCount(_ part: FusedPart) throws -> Int {
        switch part {
        case .text(let text): try fusion.tokenCount(text)
        case .segment(let segment, _): segment.count
        }
    }

    /// Names all that determines what a plugin makes of a part.
    private static func digest(
        of media: MediaPart, _ plugin: RegisteredPlugin, _ version: RegisteredVersion
    ) -> String {
        var hash = SHA256()
        hash.update(media.bytes)
        for word in [media.mediaType] + EncoderIdentity(plugin, version).words {
            // Each with its length, so that two lists of words never read alike.
            hash.update(Array("\(word.utf8.count):\(word)".utf8))
        }
        return hash.finish()
    }
}

/// The text of a message as gates see it.
struct MessageText {
    private let message: ChatMessage
    /// Computed when a gate first asks.
    private var known: NormalizedMean??

    init(_ message: ChatMessage) {
        self.message = message
    }

    /// nil where the message has none.
    mutating func mean(_ fusion: Fusion) throws -> NormalizedMean? {
        if let known { return known }
        let mean = try fusion.mean(
            message.parts.compactMap { if case .text(let text) = $0 { text } else { nil } })
        known = .some(mean)
        return mean
    }
}

extension EncodedContent {
    /// Text and soft tokens stand in the prompt that the registry has for their plugin.
    fileprivate func inPrompt(of plugin: RegisteredPlugin, _ fusion: Fusion) throws -> EncodedContent {
        switch self {
        case .text(let text): .text(fusion.text(text, in: plugin.prompt))
        case .rows(let segment, nil): .rows(try fusion.segment(segment, in: plugin.prompt), modality: nil)
        case .rows: self
        }
    }
}

extension ModalityReport {
    /// A part that costs nothing: it was neither encoded nor placed.
    fileprivate init(dropping part: Int, plugin: String?, version: SemanticVersion?) {
        self.init(
            part: part, plugin: plugin, version: version, weight: 0, gate: nil, tokens: 0,
            loadMilliseconds: 0, encodeMilliseconds: 0, cached: false)
    }
}
