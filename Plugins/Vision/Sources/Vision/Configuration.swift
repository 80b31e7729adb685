import GatehouseJSON
import GatehouseSDK

/// What the operator may set.
struct Configuration {
    /// For GLM-4.1V, in place of its processor's bounds: pixels over the frames of a temporal patch, so that a picture
    /// counts twice.
    private(set) var leastPixels: Int?
    private(set) var mostPixels: Int?

    private static let pixels = 1...1 << 30

    static let schema = """
        {"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object", "additionalProperties": false, \
        "properties": {\
        "min_pixels": {"type": "integer", "minimum": 1, "maximum": 1073741824, \
        "description": "For GLM-4.1V: smaller pictures are enlarged. In place of the checkpoint's shortest_edge."}, \
        "max_pixels": {"type": "integer", "minimum": 1, "maximum": 1073741824, \
        "description": "For GLM-4.1V: larger pictures are reduced. In place of the checkpoint's longest_edge."}}}
        """

    init(json: String) throws(PluginError) {
        let value: JSONValue
        do { value = try JSONValue(parsing: json.utf8) } catch {
            throw .badConfiguration("configuration: expected \(error.expected), found \(error.found)")
        }
        guard let members = value.objectValue else {
            throw .badConfiguration("configuration: expected an object, found \(value.summary)")
        }
        for (key, value) in members {
            switch key {
            case "min_pixels": leastPixels = try Self.number(key, value)
            case "max_pixels": mostPixels = try Self.number(key, value)
            default:
                throw .badConfiguration(
                    "\(key): expected \"min_pixels\" or \"max_pixels\", found another key")
            }
        }
        if let leastPixels, let mostPixels, leastPixels > mostPixels {
            throw .badConfiguration(
                "min_pixels: expected at most max_pixels \(mostPixels), found \(leastPixels)")
        }
    }

    private static func number(_ key: String, _ value: JSONValue) throws(PluginError) -> Int {
        guard let number = value.numberValue?.integer, pixels.contains(number) else {
            throw .badConfiguration(
                "\(key): expected a whole number from 1 to \(pixels.upperBound), found \(value.summary)")
        }
        return number
    }
}
