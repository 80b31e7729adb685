import GatehouseJSON

extension JinjaValue {
    /// The value that JSON describes; objects keep their order, and all strings count as data.
    public init(_ json: JSONValue) {
        switch json {
        case .null: self = .null
        case .bool(let value): self = .bool(value)
        case .number(let number):
            if number.isWrittenAsInteger, let value = number.integer {
                self = .int(value)
            } else {
                self = .float(number.doubleValue)
            }
        case .string(let text): self = .data(text)
        case .array(let values): self = .list(values.map { JinjaValue($0) })
        case .object(let members):
            var dict = JinjaDict()
            for (key, value) in members { dict.set(.data(key), JinjaValue(value)) }
            self = .dict(dict)
        }
    }
}
