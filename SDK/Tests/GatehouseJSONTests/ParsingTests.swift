import GatehouseJSON
import Testing

@Suite struct ParsingTests {
    private func parse(_ text: String) throws -> JSONValue { try JSONValue(parsing: text.utf8) }

    @Test func valuesOfEveryKindAreRead() throws {
        let value = try parse(
            #" { "a" : [ null, true, false, -0, 1.5e1 , "x\n\u00e9\ud83d\ude00" ] , "b" : { } } "#)
        let expected: JSONValue = .object([
            "a": .array([.null, .bool(true), .bool(false), .number(0), .number(15.0), .string("x\né😀")]),
            "b": .object([:]),
        ])
        #expect(value == expected)
        #expect(try JSONValue(parsing: [0xEF, 0xBB, 0xBF] + Array("[]".utf8)) == .array([]))
    }

    @Test func integersOfSixtyFourBitsAreExact() throws {
        let largest = try parse("18446744073709551615").numberValue
        #expect(largest?.unsigned == .max && largest?.integer == nil)
        #expect(largest?.description == "18446744073709551615")
        let odd = try parse("9007199254740993").numberValue
        #expect(odd?.integer == 9_007_199_254_740_993 && odd != JSONNumber(9_007_199_254_740_992.0))
        #expect(try parse("-9223372036854775808").numberValue?.integer == .min)
        // One more than what either kind of integer holds is a double, and no integer that a reader could take.
        let beyond = try parse("18446744073709551616").numberValue
        #expect(beyond?.unsigned == nil && beyond?.integer == nil && beyond?.doubleValue == 0x1p64)
        let below = try parse("-9223372036854775809").numberValue
        #expect(below?.isWrittenAsInteger == false && below?.doubleValue == -0x1p63)
    }

    @Test func numbersAreEqualByValue() throws {
        #expect(try parse("1.0") == .number(1) && parse("1e2") == .number(100) && parse("-0") == .number(0.0))
        #expect(try parse("1.0").numberValue?.isWrittenAsInteger == false)
        #expect(try parse("1").numberValue?.isWrittenAsInteger == true)
        #expect(try parse("1.5") != .number(1) && parse("18446744073709551615") != .number(-1))
    }

    @Test func objectsKeepTheirOrderAndFindEveryKey() throws {
        let keys = (0..<1000).map { "key \($0 * 7919 % 1000)" }
        let text = "{" + keys.map { "\"\($0)\": \"\($0)\"" }.joined(separator: ",") + "}"
        let object = try #require(try parse(text).objectValue)
        #expect(object.keys == keys)
        for key in keys { #expect(object[key] == .string(key)) }
        #expect(object["key 1000"] == nil)
    }

    @Test func keysAreComparedByTheirBytes() throws {
        // The same letter, composed and decomposed, which Swift's strings hold to be equal.
        let object = try #require(try parse("{\"\u{E9}\": 1, \"e\u{301}\": 2}").objectValue)
        #expect(object.count == 2 && object["\u{E9}"] == .number(1) && object["e\u{301}"] == .number(2))
    }

    @Test func ofEqualKeysTheLastCountsUnlessTheyAreRefused() throws {
        let text = #"{"a": 1, "b": 2, "a": 3}"#
        let object = try #require(try parse(text).objectValue)
        #expect(object.keys == ["a", "b"] && object["a"] == .number(3))
        let problem = #expect(throws: JSONProblem.self) {
            try JSONValue(parsing: text.utf8, repeatedKeys: .refused)
        }
        #expect(problem?.found == "the key \"a\" a second time at line 1, column 18")
    }

    static let broken: [(text: String, found: String)] = [
        ("", "its end instead of a value at line 1, column 1"),
        ("{\n  \"a\" 1}", "'1' instead of \":\" at line 2, column 7"),
        ("[1,\n2,]", "']' instead of a value at line 2, column 3"),
        ("[01]", "'1' instead of \",\" or \"]\" at line 1, column 3"),
        ("1.", "its end instead of a digit at line 1, column 3"),
        ("1e999", "a number beyond the range of a double at line 1, column 1"),
        ("\"a", "a string that does not end at line 1, column 1"),
        ("\"a\u{1}\"", "a control character in a string at line 1, column 3"),
        (#""\x""#, "an unknown escape at line 1, column 3"),
        (#""\u12g4""#, "an escape without four hexadecimal digits at line 1, column 6"),
        ("null null", "more after its end at line 1, column 6"),
        ("nul", "'n' instead of a value at line 1, column 1"),
        (String(repeating: "[", count: 257), "more than 256 nested levels at line 1, column 257"),
    ]

    @Test(arguments: broken) func whatIsNoJSONIsRefusedWithItsPlace(_ text: String, _ found: String) throws {
        let problem = #expect(throws: JSONProblem.self) { try parse(text) }
        #expect(problem?.found == found)
    }

    @Test func bytesThatAreNotUTF8AreRefused() {
        let problem = #expect(throws: JSONProblem.self) {
            try JSONValue(parsing: [UInt8(ascii: "\""), 0xC3, UInt8(ascii: "\"")])
        }
        #expect(problem?.found == "a string that is not UTF-8 at line 1, column 1")
    }

    /// Every byte of a text replaced in turn: it may still be JSON, but nothing may crash.
    @Test func noDamagedByteCrashesTheParser() {
        let sound = Array(#"{"a":[1,-2.5e3,"x\u00e9\ud83d\ude00\n",true,false,null],"é":{"b":{}}}"#.utf8)
        var refused = 0
        for place in sound.indices {
            for byte in UInt8.min...UInt8.max {
                var bytes = sound
                bytes[place] = byte
                if (try? JSONValue(parsing: bytes)) == nil { refused += 1 }
            }
            if (try? JSONValue(parsing: sound[..<place])) == nil { refused += 1 }
        }
        #expect(refused > sound.count * 128)
    }
}
