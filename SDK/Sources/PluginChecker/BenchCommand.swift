/// `bench`: load, latency, throughput and memory of one plugin with one input.
struct BenchCommand {
    private let files: PluginFiles
    private let rounds: UInt32
    private let printsJSON: Bool
    private let isVerbose: Bool

    init(_ words: [String]) throws {
        let words = try Words(
            words, options: PluginFiles.options + ["--rounds"], flags: ["--json", "--verbose"])
        files = try PluginFiles(words)
        guard files.input != nil else { throw UsageError("bench needs --input") }
        let text = words["--rounds"] ?? "200"
        guard let rounds = UInt32(text), 1...1_000_000 ~= rounds else {
            throw UsageError("--rounds: expected a number from 1 to 1000000, found \"\(text)\"")
        }
        self.rounds = rounds
        printsJSON = words.flag("--json")
        isVerbose = words.flag("--verbose")
    }

    func run() throws {
        let plugins = try files.plugins()
        guard let plugin = plugins.first else {
            throw CheckerError(
                "\(files.library) holds no plugin that can be opened; gatehouse-plugin check says why")
        }
        guard plugins.count == 1 else {
            let ids = plugins.map(\.id).joined(separator: ", ")
            throw UsageError("name one of \(ids) by --plugin")
        }
        var process = try ProbeProcess(
            files.request(.bench(rounds: rounds), plugin), limit: 120, verbose: isVerbose)
        switch process.wait() {
        case .failed(let message), .skipped(let message): throw CheckerError("\(plugin.id): \(message)")
        case .passed(let text):
            let figures = text.split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
            print(printsJSON ? json(plugin.id, figures) : table(plugin.id, figures))
        }
    }

    private func json(_ id: String, _ figures: [[String]]) -> String {
        let fields = figures.map { "\(quoted($0[0])): \($0[1])" }
        return "{" + (["\"plugin\": \(quoted(id))"] + fields).joined(separator: ", ") + "}"
    }

    private func table(_ id: String, _ figures: [[String]]) -> String {
        let values = Dictionary(uniqueKeysWithValues: figures.map { ($0[0], $0[1]) })
        let lines = Self.rows.map { label, name, unit in
            label + String(repeating: " ", count: 22 - label.count) + "\(values[name] ?? "-") \(unit)"
        }
        return ([id] + lines.map { "  " + $0 }).joined(separator: "\n")
    }

    private static let rows = [
        ("open and initialize", "load_ms", "ms"), ("create", "create_ms", "ms"),
        ("first encode", "first_ms", "ms"),
        ("encode, median", "p50_ms", "ms"), ("encode, 95 of 100", "p95_ms", "ms"), ("rounds", "rounds", ""),
        ("inputs", "per_second", "a second"), ("input", "megabytes_per_second", "MB a second"),
        ("memory of its own", "private_mb", "MB"), ("peak of the process", "peak_resident_mb", "MB"),
    ]
}
