import CPluginProbe

/// One plugin of a library, as its descriptor names it.
struct ListedPlugin {
    let id: String
    let mediaTypes: [String]
}

/// The library and the author's files beside it, from the command line.
struct PluginFiles {
    static let options = ["--input", "--media-type", "--weights", "--config", "--plugin"]

    /// Absolute.
    let library: String
    let weights: String?
    let configuration: String?
    let input: String?
    private let mediaType: String?
    private let only: String?
    private let isVerbose: Bool

    init(_ words: Words) throws {
        library = try Files.absolute(words.only("the plugin library"))
        weights = try words["--weights"].map(Files.absolute)
        configuration = try words["--config"].map(Files.absolute)
        input = try words["--input"].map(Files.absolute)
        mediaType = words["--media-type"]
        only = words["--plugin"]
        isVerbose = words.flag("--verbose")
        if let input { _ = try Files.read(input) }
        if let configuration { _ = try Files.read(configuration) }
    }

    /// The plugins to look at; empty where the library cannot be opened.
    func plugins() throws -> [ListedPlugin] {
        var process = try ProbeProcess(
            ProbeRequest(task: .list, library: library), limit: 10, verbose: isVerbose)
        guard case .passed(let text) = process.wait() else { return [] }
        let plugins = text.split(separator: "\n").map { line in
            let words = line.split(separator: " ").map(String.init)
            return ListedPlugin(id: words[0], mediaTypes: Array(words.dropFirst()))
        }
        guard let only else { return plugins }
        guard let plugin = plugins.first(where: { $0.id == only }) else {
            let ids = plugins.map(\.id).joined(separator: ", ")
            throw CheckerError("--plugin \(only): \(library) holds \(ids)")
        }
        return [plugin]
    }

    /// A request about `plugin`, or about the library where it is nil.
    func request(_ task: ProbeRequest.Task, _ plugin: ListedPlugin?) -> ProbeRequest {
        ProbeRequest(
            task: task, library: library, plugin: plugin?.id, weights: weights, configuration: configuration,
            input: input, mediaType: plugin.map(mediaType(for:)))
    }

    /// What the author said; else what the file's name says, where the plugin accepts it; else the first it accepts.
    private func mediaType(for plugin: ListedPlugin) -> String {
        if let mediaType { return mediaType }
        let name = input.map(lastComponent(of:)) ?? ""
        let ending = name.split(separator: ".").last.map { $0.lowercased() } ?? ""
        let guess = Self.types[ending]
        return plugin.mediaTypes.first { $0 == guess } ?? plugin.mediaTypes.first
            ?? "application/octet-stream"
    }

    private static let types = [
        "png": "image/png", "jpg": "image/jpeg", "jpeg": "image/jpeg", "webp": "image/webp",
        "gif": "image/gif",
        "wav": "audio/wav", "mp3": "audio/mpeg", "flac": "audio/flac", "ogg": "audio/ogg",
        "opus": "audio/opus",
        "txt": "text/plain", "md": "text/markdown", "csv": "text/csv", "html": "text/html",
        "json": "application/json", "pdf": "application/pdf", "mp4": "video/mp4",
    ]
}
