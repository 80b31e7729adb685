import Foundation
import GatehouseJSON

/// Options of a command that its words leave open: from the environment, else from a file of settings.
///
/// `--kv-type` is `kv_type` in the file and `GATEHOUSE_KV_TYPE` in the environment. What is nearer to the command counts:
/// words, then environment, then file. Of an option that may be repeated, all values come from one of them.
enum Settings {
    /// The file that is read where it lies in the working folder or the checkout, and no other is named.
    static let defaultName = "gatehouse.json"
    static let option = Option(
        "--config", "F",
        "a file of these options (default: gatehouse.json where there is one); GATEHOUSE_… in the environment counts more"
    )

    /// The name of an option in the file.
    static func field(_ option: String) -> String {
        option.drop { $0 == "-" }.replacingOccurrences(of: "-", with: "_")
    }

    /// The name of an option in the environment.
    static func variable(_ option: String) -> String { "GATEHOUSE_" + field(option).uppercased() }

    /// Values of an option by the environment; nil where it says nothing.
    fileprivate static func values(
        of option: Option, _ environment: [String: String]
    ) throws(UsageError) -> [String]? {
        let variable = variable(option.name)
        guard let text = environment[variable], !text.isEmpty else { return nil }
        if option.value == nil {
            switch text.lowercased() {
            case "1", "true": return [""]
            case "0", "false": return []
            default: throw UsageError("\(variable): expected true or false, found \"\(text)\"")
            }
        }
        return option.repeats ? text.split(separator: ",").map(String.init) : [text]
    }

    /// Values by the file at `path`, by option.
    fileprivate static func values(of options: [Option], inFile path: String) throws(UsageError) -> [String:
        [String]]
    {
        let problems = JSONCursor.Problems()
        var values: [String: [String]] = [:]
        do {
            let data = try Data(contentsOf: URL(fileURLWithPath: path))
            let root = JSONCursor(try JSONValue(parsing: data, repeatedKeys: .refused), problems: problems)
            root.object(known: ["$schema"] + options.map { field($0.name) })
            let folder = URL(fileURLWithPath: path).deletingLastPathComponent()
            for option in options {
                values[option.name] = Self.values(of: option, root[field(option.name)], folder)
            }
        } catch let problem as JSONProblem {
            throw UsageError("\(path): \(problem)")
        } catch {
            throw UsageError("\(path): expected a readable file, found \(error.systemReason)")
        }
        guard problems.all.isEmpty else {
            throw UsageError("\(path): " + problems.all.map(\.description).joined(separator: "; "))
        }
        return values
    }

    private static func values(of option: Option, _ place: JSONCursor, _ folder: URL) -> [String]? {
        guard let value = place.value else { return nil }
        switch value {
        case .bool(let isGiven) where option.value == nil: return isGiven ? [""] : []
        case .string(let text) where option.isPath && !text.isEmpty:
            return [URL(fileURLWithPath: text, relativeTo: folder).standardizedFileURL.path]
        case .string(let text) where option.value != nil: return [text]
        case .number(let number) where option.value != nil: return ["\(number)"]
        case .array where option.repeats:
            return place.array("an array").flatMap { element in
                values(of: option, element, folder) ?? []
            }
        default:
            place.expected(
                option.value == nil
                    ? "true or false"
                    : option.repeats ? "a string, a number or an array of them" : "a string or a number")
            return nil
        }
    }
}

extension Arguments {
    /// These, with what the environment and the file of settings say of options that these leave open.
    ///
    /// Throws for a file that cannot be read or says what is no option; values are judged by who asks for them.
    func completed(
        _ options: [Option], environment: [String: String] = ProcessInfo.processInfo.environment
    ) throws(UsageError) -> Arguments {
        var whole = self
        let options = options.filter { $0.name != Settings.option.name && $0.isSetting }
        for option in options {
            if let values = try Settings.values(of: option, environment) {
                whole.add(option.name, values, from: Settings.variable(option.name))
            }
        }
        let variable = Settings.variable(Settings.option.name)
        let file =
            try value(Settings.option.name) ?? environment[variable]
            ?? Workspace.file(Settings.defaultName) ?? ""
        // An empty variable: no file.
        guard !file.isEmpty else { return whole }
        for (name, values) in try Settings.values(of: options, inFile: file) {
            whole.add(name, values, from: "\(file): \(Settings.field(name))")
        }
        return whole
    }

    /// A line for each of `options` that is given: `port 8001 (gatehouse.json)`.
    func listing(of options: [Option]) -> String {
        options.filter(\.isSetting).flatMap { option in
            values(option.name).map { value in
                let source = label(option.name)
                return "\(Settings.field(option.name)) \(value.isEmpty ? "true" : value)"
                    + (source == option.name ? "" : " (\(source))") + "\n"
            }
        }.joined()
    }
}
