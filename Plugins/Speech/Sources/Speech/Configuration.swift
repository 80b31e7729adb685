import GatehouseJSON
import GatehouseSDK
import Recognition

/// What the operator may set.
struct Configuration {
    private(set) var target = SpeechModel.Target.text
    private(set) var beam: Int?
    private(set) var windowSeconds = 30
    private(set) var chunkRows = 3
    private(set) var leftRows = 64
    private(set) var rightRows = 2

    private static let beams = 1...64
    private static let windows = 5...300
    private static let chunks = 1...64
    private static let lefts = 0...1024
    private static let rights = 0...64

    static let schema = """
        {"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object", "additionalProperties": false, \
        "properties": {\
        "output": {"enum": ["text", "rows", "soft"], \
        "description": "A transcript; or rows by projector.safetensors; or soft tokens by soft_head.safetensors. Default text."}, \
        "beam": {"type": "integer", "minimum": 1, "maximum": 64, \
        "description": "Sequences that the search for the likeliest transcript follows; 1 takes the likeliest piece of each row. Default 16 with a language model, else 1."}, \
        "window_seconds": {"type": "integer", "minimum": 5, "maximum": 300, \
        "description": "Longer sounds are cut where they are quiet. Default 30."}, \
        "chunk_rows": {"type": "integer", "minimum": 1, "maximum": 64, \
        "description": "Of live sound: rows of the encoder, of 80 ms as published, that become text at once. Default 3."}, \
        "left_rows": {"type": "integer", "minimum": 0, "maximum": 1024, \
        "description": "Of live sound: rows before a chunk that it sees. Default 64."}, \
        "right_rows": {"type": "integer", "minimum": 0, "maximum": 64, \
        "description": "Of live sound: rows after a chunk that it waits for. Default 2."}}}
        """

    init(json: String) throws(PluginError) {
        for (key, value) in try Self.members(json) {
            switch key {
            case "output":
                guard let target = value.stringValue.flatMap({ SpeechModel.Target(rawValue: $0) }) else {
                    throw .badConfiguration(
                        "output: expected \"text\", \"rows\" or \"soft\", found \(value.summary)")
                }
                self.target = target
            case "beam": beam = try Self.number(key, value, Self.beams)
            case "window_seconds": windowSeconds = try Self.number(key, value, Self.windows)
            default:
                guard try takeRows(key, value) else {
                    throw .badConfiguration(
                        "\(key): expected \"output\", \"beam\", \"window_seconds\", \(Self.rowKeys), found another key"
                    )
                }
            }
        }
    }

    /// Takes what the client of a stream wishes in place of what the operator set.
    mutating func override(json: String) throws(PluginError) {
        for (key, value) in try Self.members(json) {
            guard try takeRows(key, value) else {
                throw .badConfiguration("\(key): expected of a stream \(Self.rowKeys), found another key")
            }
        }
    }

    private static let rowKeys = "\"chunk_rows\", \"left_rows\" or \"right_rows\""

    private mutating func takeRows(_ key: String, _ value: JSONValue) throws(PluginError) -> Bool {
        switch key {
        case "chunk_rows": chunkRows = try Self.number(key, value, Self.chunks)
        case "left_rows": leftRows = try Self.number(key, value, Self.lefts)
        case "right_rows": rightRows = try Self.number(key, value, Self.rights)
        default: return false
        }
        return true
    }

    private static func members(_ json: String) throws(PluginError) -> JSONObject {
        let value: JSONValue
        do { value = try JSONValue(parsing: json.utf8) } catch {
            throw .badConfiguration("configuration: expected \(error.expected), found \(error.found)")
        }
        guard let members = value.objectValue else {
            throw .badConfiguration("configuration: expected an object, found \(value.summary)")
        }
        return members
    }

    private static func number(
        _ key: String, _ value: JSONValue, _ range: ClosedRange<Int>
    ) throws(PluginError) -> Int {
        guard let number = value.numberValue?.integer, range.contains(number) else {
            throw .badConfiguration(
                "\(key): expected a whole number from \(range.lowerBound) to \(range.upperBound), found \(value.summary)"
            )
        }
        return number
    }
}
