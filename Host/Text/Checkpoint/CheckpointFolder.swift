import Foundation
import GatehouseJSON

/// The small files of a checkpoint.
struct CheckpointFolder {
    let path: String
    /// Bytes that are read at most: published tokenizers take some tens of millions.
    private static let largestFile = 256 << 20

    /// A chat template and the file it stands in.
    struct Template {
        let source: String
        let file: String

        func compiled() throws(CheckpointTokenizerError) -> ChatTemplate {
            do {
                return try ChatTemplate(source: source)
            } catch {
                throw .template(file: file, error)
            }
        }
    }

    func path(of name: String) -> String {
        path.hasSuffix("/") ? path + name : "\(path)/\(name)"
    }

    /// The bytes of a file, or nil if it is not there.
    private func bytes(_ name: String) throws(CheckpointTokenizerError) -> Data? {
        let file = path(of: name)
        var isDirectory: ObjCBool = false
        guard FileManager.default.fileExists(atPath: file, isDirectory: &isDirectory) else { return nil }
        guard !isDirectory.boolValue else { throw .unreadable(file: file, reason: "it is a folder") }
        do {
            let attributes = try FileManager.default.attributesOfItem(
                atPath: URL(filePath: file).resolvingSymlinksInPath().path)
            guard attributes[.type] as? FileAttributeType == .typeRegular else {
                throw CheckpointTokenizerError.unreadable(file: file, reason: "it is not a plain file")
            }
            guard let size = attributes[.size] as? Int, size <= Self.largestFile else {
                throw CheckpointTokenizerError.unreadable(
                    file: file, reason: "it is larger than \(Self.largestFile >> 20) MiB")
            }
            return try Data(contentsOf: URL(filePath: file))
        } catch let error as CheckpointTokenizerError {
            throw error
        } catch {
            throw .unreadable(file: file, reason: "it cannot be read: \(error.localizedDescription)")
        }
    }

    private func text(_ name: String) throws(CheckpointTokenizerError) -> String? {
        guard let bytes = try bytes(name) else { return nil }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw .unreadable(file: path(of: name), reason: "it is not UTF-8")
        }
        return text
    }

    /// The value in a file, or nil if the file is not there.
    func json(_ name: String) throws(CheckpointTokenizerError) -> JSONValue? {
        guard let bytes = try bytes(name) else { return nil }
        return try reading(name) { () throws(JSONProblem) in
            try JSONValue(parsing: bytes, repeatedKeys: .refused)
        }
    }

    /// Runs `body`; its errors get the name of the file.
    func reading<T>(
        _ name: String, _ body: () throws(JSONProblem) -> T
    ) throws(CheckpointTokenizerError) -> T {
        do {
            return try body()
        } catch {
            throw .malformed(file: path(of: name), error)
        }
    }

    /// The chat template, and the one for tools if it is another. A file of its own goes before `tokenizer_config.json`.
    func templates(
        _ config: JSONValue?
    ) throws(CheckpointTokenizerError) -> (main: Template?, tools: Template?) {
        func template(_ source: String?, _ name: String) -> Template? {
            source.map { Template(source: $0, file: path(of: name)) }
        }
        let tools = template(
            try text("additional_chat_templates/tool_use.jinja"), "additional_chat_templates/tool_use.jinja")
        if let source = try text("chat_template.jinja") {
            return (template(source, "chat_template.jinja"), tools)
        }
        for (name, json) in [
            ("chat_template.json", try json("chat_template.json")), ("tokenizer_config.json", config),
        ] {
            let field = JSONField(json?["chat_template"], path: "chat_template")
            if field.isNull { continue }
            if case .string(let source) = field.value { return (template(source, name), tools) }
            let named = try reading(name) { () throws(JSONProblem) in try Self.named(field) }
            return (template(named["default"], name), tools ?? template(named["tool_use"], name))
        }
        return (nil, tools)
    }

    /// Templates by name: a list of names and templates, or an object.
    private static func named(_ field: JSONField) throws(JSONProblem) -> [String: String] {
        var named: [String: String] = [:]
        if case .object(let members) = field.value {
            for (name, _) in members { named[name] = try field[name].string() }
        } else {
            guard case .array = field.value else {
                throw field.expected("text, or a list of named templates")
            }
            for item in try field.elements() {
                named[try item["name"].string()] = try item["template"].string()
            }
        }
        return named
    }
}
