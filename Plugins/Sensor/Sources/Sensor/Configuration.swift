import GatehouseSDK

/// What the operator may set.
struct Configuration {
    /// Channels that are described; further ones are named only.
    private(set) var mostChannels = 8
    /// Peaks that are told of each channel.
    private(set) var mostPeaks = 3

    static let schema = """
        {"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object", "additionalProperties": false, \
        "properties": {\
        "most_channels": {"type": "integer", "minimum": 1, "maximum": 64, "default": 8, \
        "description": "Channels that are described; further ones are named only."}, \
        "most_peaks": {"type": "integer", "minimum": 0, "maximum": 20, "default": 3, \
        "description": "Peaks that are told of each channel."}}}
        """

    /// Reads a JSON object of integers.
    init(json: String) throws(PluginError) {
        var rest = Substring(json)
        try expect("{", in: &rest)
        var more = !take("}", from: &rest)
        let isEmpty = !more
        while more {
            try expect("\"", in: &rest)
            let key = String(rest.prefix { $0 != "\"" })
            rest = rest.dropFirst(key.count)
            try expect("\"", in: &rest)
            try expect(":", in: &rest)
            skipSpace(&rest)
            let value = String(rest.prefix { !$0.isWhitespace && $0 != "," && $0 != "}" })
            rest = rest.dropFirst(value.count)
            switch key {
            case "most_channels": mostChannels = try integer(value, key, 1...64)
            case "most_peaks": mostPeaks = try integer(value, key, 0...20)
            default:
                throw .badConfiguration(
                    "configuration: expected \"most_channels\" or \"most_peaks\", found \"\(key)\"")
            }
            more = take(",", from: &rest)
        }
        if !isEmpty { try expect("}", in: &rest) }
        try end(rest)
    }

    private func integer(_ text: String, _ key: String, _ range: ClosedRange<Int>) throws(PluginError) -> Int
    {
        guard let value = Int(text), range.contains(value) else {
            throw .badConfiguration(
                "\(key): expected an integer from \(range.lowerBound) to \(range.upperBound), found \(text)")
        }
        return value
    }

    private func skipSpace(_ rest: inout Substring) {
        rest = rest.drop { $0.isWhitespace }
    }

    private func take(_ character: Character, from rest: inout Substring) -> Bool {
        skipSpace(&rest)
        guard rest.first == character else { return false }
        rest.removeFirst()
        return true
    }

    private func expect(_ character: Character, in rest: inout Substring) throws(PluginError) {
        if !take(character, from: &rest) {
            let found = rest.isEmpty ? "its end" : "\"\(rest.prefix(20))\""
            throw .badConfiguration(
                "configuration: expected a JSON object, '\(character)' next, found \(found)")
        }
    }

    private func end(_ rest: Substring) throws(PluginError) {
        if let extra = rest.first(where: { !$0.isWhitespace }) {
            throw .badConfiguration("configuration: expected its end after the object, found '\(extra)'")
        }
    }
}
