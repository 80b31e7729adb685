import Foundation
import GatehouseJSON
import Modalities

/// What `gatehouse registry` can do.
enum RegistryCommand {
    static let verbs: [any Command.Type] = [RegistryCheckCommand.self, RegistryExplainCommand.self]
}

/// Checks a registry as the daemon does, and tells everything that is wrong.
struct RegistryCheckCommand: Command {
    static let name = "registry check"
    static let synopsis = "[OPTION]… F"
    static let summary = "Check a registry and tell everything that is wrong with it, each with its place."
    static let options = [Option("--json", nil, "print one JSON object")]

    private let path: String
    private let json: Bool

    init(_ arguments: Arguments) throws(UsageError) {
        try arguments.expectRest(1...1, "the registry's file")
        path = arguments.rest[0]
        json = arguments.flag("--json")
    }

    func run() async throws {
        do {
            let registry = try Registry(contentsOf: path)
            if json {
                printProblems([])
            } else {
                let versions = registry.plugins.reduce(0) { $0 + $1.versions.count }
                print(
                    "\(path) is good: plugins \(registry.plugins.count), versions \(versions), rules \(registry.rules.count)"
                )
            }
        } catch let error as RegistryError {
            if json {
                printProblems(error.problems)
            } else {
                for problem in error.problems { print(problem) }
            }
            throw CommandError("\(path): problems found: \(error.problems.count)")
        }
    }

    private func printProblems(_ problems: [JSONProblem]) {
        let list = problems.map { problem in
            JSONValue.object([
                "path": .string(problem.path), "expected": .string(problem.expected),
                "found": .string(problem.found),
            ])
        }
        print(JSONValue.object(["registry": .string(path), "problems": .array(list)]).text)
    }
}
