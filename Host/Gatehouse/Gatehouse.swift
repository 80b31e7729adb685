import Foundation

/// A subcommand of `gatehouse`.
protocol Command: Sendable {
    /// As it is typed: one word, or two for a command of a group (`plugin list`).
    static var name: String { get }
    /// The words after the name, for the help: `[OPTION]… TEXT`.
    static var synopsis: String { get }
    /// One line.
    static var summary: String { get }
    static var options: [Option] { get }

    /// Checks everything that depends on the words alone.
    init(_ arguments: Arguments) throws(UsageError)
    func run() async throws
}

/// The command line: picks the subcommand, and turns what it throws into an exit code and one line.
@main
enum Gatehouse {
    static let version = "0.1.0"
    private static let commands: [any Command.Type] =
        [
            // Commands of two words before `bench`, which would take their first.
            ServeCommand.self, ChatCommand.self, BenchPluginCommand.self, BenchModalitiesCommand.self,
            BenchCommand.self,
            TokenizeCommand.self, LogitsCommand.self, InspectCommand.self, EncodeCommand.self,
            TranscribeCommand.self,
            QuantizeCommand.self, PerplexityCommand.self,
        ] + PluginCommand.verbs + RegistryCommand.verbs + KeyCommand.verbs

    static func main() async {
        let words = Array(CommandLine.arguments.dropFirst())
        do {
            try await run(words)
        } catch let error as UsageError {
            let name = command(for: words)?.name ?? words.first.flatMap { group($0).isEmpty ? nil : $0 }
            fail("\(error); see gatehouse \(name.map { "\($0) " } ?? "")--help", code: 2)
        } catch {
            fail("\(error)", code: 1)
        }
    }

    private static func run(_ words: [String]) async throws {
        guard let name = words.first else { throw UsageError("a command is missing") }
        if name == "--help" || name == "-h" || name == "help" {
            print(help(for: commands, "COMMAND"))
            return
        }
        if name == "--version" {
            print("gatehouse \(version)")
            return
        }
        guard let command = command(for: words) else {
            let group = group(name)
            if group.isEmpty { throw UsageError("unknown command \"\(name)\"") }
            if words.count > 1, ["--help", "-h", "help"].contains(words[1]) {
                print(help(for: group, "\(name) COMMAND"))
                return
            }
            let known = group.map { $0.name.dropFirst(name.count + 1) }.joined(separator: ", ")
            throw UsageError(
                words.count > 1
                    ? "unknown \(name) command \"\(words[1])\"; there is \(known)"
                    : "what to do is missing (\(known))"
            )
        }
        let rest = Array(words.dropFirst(command.name.split(separator: " ").count))
        if rest.prefix(while: { $0 != "--" }).contains(where: { $0 == "--help" || $0 == "-h" }) {
            print(help(for: command))
            return
        }
        try await command.init(try Arguments(rest, options: command.options)).run()
    }

    private static func command(for words: [String]) -> (any Command.Type)? {
        commands.first { words.starts(with: $0.name.split(separator: " ").map(String.init)) }
    }

    /// The commands of two words that begin with `name`.
    private static func group(_ name: String) -> [any Command.Type] {
        commands.filter { $0.name.hasPrefix("\(name) ") }
    }

    private static func help(for commands: [any Command.Type], _ synopsis: String) -> String {
        let width = commands.map { $0.name.count }.max() ?? 0
        let lines = commands.map {
            "  \($0.name.padding(toLength: width, withPad: " ", startingAt: 0))  \($0.summary)"
        }
        return """
            usage: gatehouse \(synopsis) [OPTION]…

            \(lines.joined(separator: "\n"))

            gatehouse COMMAND --help tells more; gatehouse --version tells the version.
            """
    }

    private static func help(for command: any Command.Type) -> String {
        let left = command.options.map { option in option.value.map { "\(option.name) \($0)" } ?? option.name
        }
        let width = left.map(\.count).max() ?? 0
        let lines = zip(left, command.options).map { left, option in
            "  \(left.padding(toLength: width, withPad: " ", startingAt: 0))  \(option.help)"
        }
        return """
            usage: gatehouse \(command.name) \(command.synopsis)
            \(command.summary)

            \(lines.joined(separator: "\n"))
            """
    }

    private static func fail(_ message: String, code: Int32) -> Never {
        let line = message.split(whereSeparator: \.isNewline).joined(separator: " ")
        Terminal.error("gatehouse: \(line)\n")
        exit(code)
    }
}
