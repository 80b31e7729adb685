import CPluginProbe
import Glibc

/// What a child process is asked to do, as words that cross to it.
struct ProbeRequest {
    enum Task {
        case list
        case test(UInt32)
        case bench(rounds: UInt32)
    }

    var task: Task
    /// Absolute.
    var library: String
    var plugin: String?
    /// Absolute.
    var weights: String?
    /// A file with a JSON object.
    var configuration: String?
    /// A file.
    var input: String?
    var mediaType: String?

    var words: [String] {
        let task =
            switch task {
            case .list: ["list", "0"]
            case .test(let index): ["test", "\(index)"]
            case .bench(let rounds): ["bench", "\(rounds)"]
            }
        return ["probe"] + task
            + [library, plugin ?? "", weights ?? "", configuration ?? "", input ?? "", mediaType ?? ""]
    }

    /// The child's side: does what `words` say and ends the process.
    static func runAsChild(_ words: [String]) -> Never {
        guard words.count == 8, let number = UInt32(words[1]) else { exit(2) }
        probe_begin()
        do {
            // Kept until the process ends.
            var arguments = ProbeArguments()
            arguments.library = permanent(words[2])
            arguments.plugin = words[3].isEmpty ? nil : permanent(words[3])
            arguments.weights = words[4].isEmpty ? nil : permanent(words[4])
            let configuration = words[5].isEmpty ? Array("{}".utf8) : try Files.read(words[5])
            arguments.configuration = permanent(String(decoding: configuration, as: UTF8.self))
            arguments.configuration_size = UInt64(configuration.count)
            if !words[6].isEmpty {
                let input = try Files.read(words[6])
                let copy = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: max(input.count, 1))
                _ = copy.update(fromContentsOf: input)
                arguments.input = UnsafePointer(copy.baseAddress)
                arguments.input_size = UInt64(input.count)
            }
            arguments.media_type = permanent(words[7])
            arguments.verdict = Int32(PROBE_VERDICT)
            switch words[0] {
            case "list": probe_list(&arguments)
            case "bench": probe_bench(&arguments, number)
            default: probe_run(number, &arguments)
            }
        } catch {
            printError("\(error)")
            exit(2)
        }
    }

    private static func permanent(_ text: String) -> UnsafePointer<CChar>? {
        UnsafePointer(strdup(text))
    }
}
