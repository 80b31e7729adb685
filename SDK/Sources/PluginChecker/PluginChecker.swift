import CGatehouse
import CPluginProbe
import Glibc
// Not used, but brought along: a plugin written in Swift finds the same run-time libraries here as in a worker.
import Synchronization

/// `gatehouse-plugin`: checks, measures and begins plugins.
@main
enum PluginChecker {
    static func main() {
        let words = Array(CommandLine.arguments.dropFirst())
        do {
            try run(words)
        } catch let error as UsageError {
            printError("\(error.message); see gatehouse-plugin --help")
            exit(2)
        } catch {
            printError("\(error)")
            exit(1)
        }
    }

    private static func run(_ words: [String]) throws {
        let rest = Array(words.dropFirst())
        switch words.first {
        case "probe": ProbeRequest.runAsChild(rest)
        case "--help"?, "-h"?, "help"?: print(help)
        case "--version"?: print("gatehouse-plugin \(version)")
        case _ where rest.contains("--help"): print(help)
        case "check"?: exit(try CheckCommand(rest).run())
        case "bench"?: try BenchCommand(rest).run()
        case "new"?: try NewCommand(rest).run()
        case let word?: throw UsageError("unknown command \"\(word)\"")
        case nil: throw UsageError("a command is missing: check, bench or new")
        }
    }

    private static let version = "ABI \(GATEHOUSE_ABI_MAJOR).\(GATEHOUSE_ABI_MINOR)"

    private static let help = """
        usage: gatehouse-plugin check LIBRARY [OPTION]…
               gatehouse-plugin bench LIBRARY --input F [OPTION]…
               gatehouse-plugin new NAME --language swift|c|cpp|rust

        check runs each test in a process of its own and exits with 1 if one fails; what needs weights or an input is
        skipped without. bench measures load, latency, throughput and memory. new writes a small complete project
        into ./NAME.

          --input F       a file that the plugin can encode
          --media-type T  of the input (default: told by the file's name)
          --weights P     file or folder of weights
          --config F      a file with a JSON object (default: {})
          --plugin ID     of a library with several: only this one
          --rounds N      of bench (default: 200)
          --json          print one JSON object
          --verbose       let through what the plugin writes to standard error
          --language L    of new
        """
}

/// The words of the command line are not what the command takes: exit code 2.
struct UsageError: Error {
    let message: String

    init(_ message: String) { self.message = message }
}

/// What went wrong with a file or a process: exit code 1.
struct CheckerError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}

func printError(_ message: String) {
    let line = Array("gatehouse-plugin: \(message)\n".utf8)
    _ = write(STDERR_FILENO, line, line.count)
}
