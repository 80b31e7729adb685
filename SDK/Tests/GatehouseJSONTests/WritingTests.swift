import GatehouseJSON
import Testing

@Suite struct WritingTests {
    @Test func textReadsBackAsTheSameValue() throws {
        let value: JSONValue = .object([
            "z": .array([.null, .bool(false), .number(-3), .number(0.1), .number(1e300)]),
            "a/b": .string("\"\\/\u{8}\u{C}\n\r\t\u{1}\u{1f}é😀"), "": .object([:]),
        ])
        #expect(try JSONValue(parsing: value.text.utf8) == value)
        #expect(
            value.text == #"{"z":[null,false,-3,0.1,1e+300],"a/b":"\"\\/\b\f\n\r\t\u0001\u001fé😀","":{}}"#)
    }

    @Test func canonicalTextHasSortedKeys() {
        let value: JSONValue = .object(["b": .object(["d": .null, "c": .number(2.0)]), "a": .number(1)])
        #expect(value.canonicalText == #"{"a":1,"b":{"c":2,"d":null}}"#)
    }

    @Test func numbersThatAreNotFiniteAreNull() {
        #expect(JSONValue.array([.number(.nan), .number(.infinity)]).text == "[null,null]")
    }

    @Test func membersAreReplacedInPlaceAndRemoved() {
        var object: JSONObject = [:]
        for index in 0..<20 { object["\(index)"] = .number(index) }
        object["3"] = .string("three")
        object["4"] = nil
        object["21"] = nil
        #expect(object.count == 19 && object.keys.prefix(5) == ["0", "1", "2", "3", "5"])
        #expect(object["3"] == .string("three") && object["4"] == nil && object["19"] == .number(19))
    }
}
