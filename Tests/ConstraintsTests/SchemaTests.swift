import Constraints
import GatehouseJSON
import Testing

/// Which texts the grammars of schemas accept.
@Suite struct SchemaTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var schema: String
        var accepted: [String]
        var refused: [String]
        var isClosed = false

        var testDescription: String { schema }
    }

    static let cases: [Case] = [
        // Types.
        Case(schema: #"{"type":"null"}"#, accepted: ["null"], refused: ["nul", "nulls", "\"null\"", ""]),
        Case(
            schema: #"{"type":["boolean","null"]}"#, accepted: ["true", "false", "null"],
            refused: ["0", "True"]),
        Case(
            schema: #"{"type":"integer"}"#, accepted: ["0", "-1", "120", "-0", "98765432109876543210"],
            refused: ["01", "1.5", "1e3", "--1", "+1", "-", "1.0"]),
        Case(
            schema: #"{"type":"number"}"#, accepted: ["0", "-1.50", "1e9", "2E-07", "0.1e+5"],
            refused: [".5", "5.", "1e", "00", "1e999", "NaN"]),
        Case(
            schema: #"{"type":"string"}"#,
            accepted: [
                "\"\"", #""a b""#, #""\"\\\/\b\f\n\r\t""#, #""\u00e9\uD83D\ude00""#, #""žluť 字 😀""#,
                "\"\u{7F}\"",
            ],
            refused: ["\"", #""a"#, #""\x""#, #""\u12""#, #""\ud83d""#, #""\ude00""#, "\"\n\"", "\"\"\""]),
        Case(
            schema: "true", accepted: ["1", "\"a\"", "[1,{\"a\":[]}]", "{}", "null", "[[[[[[]]]]]]"],
            refused: ["", "[", "[1,]", "{,}", "{\"a\"}"]),
        // Bounds of numbers.
        Case(
            schema: #"{"type":"integer","minimum":-12,"maximum":105}"#,
            accepted: ["-12", "-9", "-1", "0", "9", "99", "100", "105"],
            refused: ["-13", "-20", "106", "110", "200", "1000", "-100"]),
        Case(
            schema: #"{"type":"integer","exclusiveMinimum":0,"exclusiveMaximum":10}"#,
            accepted: ["1", "9"], refused: ["0", "-0", "10", "-1", "11"]),
        Case(
            schema: #"{"type":"number","minimum":-1.25,"maximum":3.5}"#,
            accepted: ["-1.25", "-1.2", "-0.99", "-0.0", "0", "1", "3.5", "3.49999", "3", "-1.250"],
            refused: ["-1.26", "-1.2500001", "-1.3", "-2", "3.51", "3.50001", "4", "30", "1e0"]),
        Case(
            schema: #"{"type":"number","exclusiveMinimum":2}"#, accepted: ["2.1", "3", "2.001", "10"],
            refused: ["2", "2.0", "1.99", "-3"]),
        Case(
            schema: #"{"type":"number","exclusiveMaximum":0.5}"#, accepted: ["0.49", "0", "0.4999", "-7"],
            refused: ["0.5", "0.50", "0.51", "1"]),
        Case(schema: #"{"type":"integer","minimum":1.5}"#, accepted: ["2"], refused: ["1", "-2"]),
        // Strings.
        Case(
            schema: #"{"type":"string","minLength":2,"maxLength":3}"#,
            accepted: [#""ab""#, #""字😀x""#, #""\n\u00e9\ud83d\ude00""#],
            refused: [#""a""#, #""abcd""#, #""\n""#]),
        Case(
            schema: #"{"type":"string","pattern":"^[a-c]{2}\\d+(x|yz)?$"}"#,
            accepted: [#""ab0""#, #""cc12yz""#, #""aa3x""#],
            refused: [#""ab""#, #""ad1""#, #""ab0y""#, #""xab0""#]),
        Case(
            schema: #"{"type":"string","pattern":"b.\\.c"}"#, accepted: [#""xxb字.cyy""#, #""b\".c""#],
            refused: [#""bb,c""#, #""b\n.c""#, #""b.c""#]),
        Case(
            schema: #"{"type":"string","pattern":"^[^\"\\\\x]*$"}"#, accepted: [#""abc 字""#, #""\n""#],
            refused: [#""a\"""#, #""\\""#, #""x""#]),
        Case(
            schema: #"{"type":"string","pattern":"^a*$","maxLength":3}"#, accepted: ["\"\"", #""aaa""#],
            refused: [#""aaaa""#, #""b""#]),
        Case(
            schema: #"{"type":"string","format":"date"}"#,
            accepted: [#""2024-02-29""#, #""2000-02-29""#, #""1999-12-31""#],
            refused: [#""2023-02-29""#, #""1900-02-29""#, #""2024-04-31""#, #""2024-13-01""#, #""2024-1-1""#]),
        Case(
            schema: #"{"type":"string","format":"date-time"}"#,
            accepted: [#""2024-02-29T23:59:59Z""#, #""2024-01-01T00:00:00.123+02:00""#],
            refused: [#""2024-02-29T24:00:00Z""#, #""2024-02-29 23:59:59Z""#, #""2024-02-29T23:59:59""#]),
        Case(
            schema: #"{"type":"string","format":"time"}"#, accepted: [#""08:30:06Z""#],
            refused: [#""08:30Z""#]),
        Case(
            schema: #"{"type":"string","format":"uuid"}"#,
            accepted: [#""123e4567-e89b-12d3-a456-426614174000""#],
            refused: [#""123e4567e89b12d3a456426614174000""#]),
        Case(
            schema: #"{"type":"string","format":"ipv4","pattern":"^10"}"#, accepted: [#""10.0.0.255""#],
            refused: [#""11.0.0.1""#, #""10.0.0.256""#]),
        // Values.
        Case(
            schema: #"{"enum":["a",1,null,{"b":[true]},"字\n"]}"#,
            accepted: [#""a""#, "1", "null", #"{"b":[true]}"#, #""字\n""#], refused: ["2", #""b""#, "[]"]),
        Case(schema: #"{"type":"string","enum":["a",1,null]}"#, accepted: [#""a""#], refused: ["1", "null"]),
        Case(schema: #"{"enum":[1,5,9],"minimum":4}"#, accepted: ["5", "9"], refused: ["1"]),
        Case(schema: #"{"const":{"a":2}}"#, accepted: [#"{"a":2}"#], refused: ["{}"]),
        // Objects.
        Case(
            schema: #"""
                {"type":"object","properties":{"a":{"type":"integer"},"b":{"type":"string"},"c":{"type":"null"}},
                "required":["b"],"additionalProperties":false}
                """#,
            accepted: [
                #"{"a":1,"b":"","c":null}"#, #"{"b":"x"}"#, #"{"a":1,"b":"x"}"#, #"{"b":"x","c":null}"#,
                #"{ "a": 1, "b": "x" }"#, "{\n  \"b\": \"x\",\n  \"c\": null\n}",
            ],
            refused: [
                "{}", #"{"a":1}"#, #"{"a":1,"c":null}"#, #"{"b":1}"#, #"{"b":"x","d":1}"#, #"{"b":"x",}"#,
                #"{"b":"x""c":null}"#, #"{,"b":"x"}"#, #"{"b":"x","b":"y"}"#, "{\n\n\"b\":\"x\"}",
            ]),
        Case(
            schema:
                #"{"type":"object","properties":{"a":{"type":"integer"}},"additionalProperties":{"type":"boolean"}}"#,
            accepted: ["{}", #"{"a":1}"#, #"{"b":true}"#, #"{"a":1,"b":true,"ab":false,"":true}"#],
            refused: [#"{"a":true}"#, #"{"b":1}"#, #"{"b":true,"a":true}"#, #"{"\u0061":true}"#]),
        Case(
            schema: #"{"type":"object","properties":{"字":{"type":"integer"}},"required":["字","k"]}"#,
            accepted: [#"{"字":1,"k":[]}"#, #"{"字":1,"k":2,"字字":"x","孒":0}"#],
            refused: [#"{"字":1}"#, #"{"k":1}"#]),
        Case(
            schema: #"{"type":"object","properties":{"a":{}}}"#, accepted: [#"{"a":1}"#, "{}"],
            refused: [#"{"b":1}"#], isClosed: true),
        Case(
            schema: #"{"type":"object"}"#, accepted: [#"{"x":{"y":[1]}}"#, "{}"], refused: ["[]", "{1:2}"],
            isClosed: true),
        // Arrays.
        Case(
            schema: #"{"type":"array","items":{"type":"integer"},"minItems":1,"maxItems":3}"#,
            accepted: ["[1]", "[1,2,3]", "[ 1, 2 ]", "[\n 1,\n 2\n]"],
            refused: ["[]", "[1,2,3,4]", "[1,]", "[true]"]),
        Case(
            schema:
                #"{"type":"array","prefixItems":[{"type":"integer"},{"type":"string"}],"items":false,"minItems":1}"#,
            accepted: ["[1]", #"[1,"a"]"#], refused: ["[]", #"["a"]"#, #"[1,"a",2]"#]),
        Case(
            schema: #"{"type":"array","prefixItems":[{"const":1}],"items":{"const":2},"minItems":3}"#,
            accepted: ["[1,2,2]", "[1,2,2,2]"], refused: ["[1,2]", "[1]", "[2,2,2]"]),
        Case(schema: #"{"type":"array","maxItems":0}"#, accepted: ["[]"], refused: ["[1]"]),
        // Combinations.
        Case(
            schema: #"{"anyOf":[{"type":"integer"},{"type":"string","maxLength":1}]}"#,
            accepted: ["12", #""a""#], refused: [#""ab""#, "1.5"]),
        Case(
            schema:
                #"{"type":"object","properties":{"a":{"type":"integer"}},"anyOf":[{"required":["a"]},{"required":["b"]}]}"#,
            accepted: [#"{"a":1}"#, #"{"b":2}"#, #"{"a":1,"b":2}"#], refused: ["{}", #"{"c":1}"#]),
        Case(
            schema: #"""
                {"allOf":[{"type":"object","properties":{"a":{"type":"integer"}},"required":["a"]},
                {"properties":{"a":{"maximum":3},"b":{"type":"null"}},"additionalProperties":false}]}
                """#,
            accepted: [#"{"a":3}"#, #"{"a":-1,"b":null}"#], refused: [#"{"a":4}"#, "{}", #"{"a":1,"c":1}"#]),
        Case(
            schema:
                #"{"oneOf":[{"type":"integer","maximum":0},{"type":"integer","minimum":5},{"type":"null"}]}"#,
            accepted: ["-3", "0", "5", "null"], refused: ["1", "4"]),
        Case(
            schema: #"""
                {"oneOf":[{"type":"object","properties":{"k":{"const":"a"},"v":{"type":"integer"}},"required":["k","v"]},
                {"type":"object","properties":{"k":{"const":"b"}},"required":["k"],"additionalProperties":false}]}
                """#,
            accepted: [#"{"k":"a","v":1}"#, #"{"k":"b"}"#],
            refused: [#"{"k":"a"}"#, #"{"k":"c"}"#, #"{"k":"b","v":1}"#]),
        // References.
        Case(
            schema: #"""
                {"$ref":"#/$defs/tree","$defs":{"tree":{"type":"object","properties":{"v":{"type":"integer"},
                "n":{"type":"array","items":{"$ref":"#/$defs/tree"}}},"required":["v"],"additionalProperties":false}}}
                """#,
            accepted: [#"{"v":1}"#, #"{"v":1,"n":[{"v":2,"n":[{"v":3},{"v":4}]},{"v":5}]}"#],
            refused: [#"{"v":1,"n":[{}]}"#, #"{"v":1,"n":[1]}"#]),
        Case(
            schema:
                ##"{"type":"object","properties":{"next":{"anyOf":[{"$ref":"#"},{"type":"null"}]}},"required":["next"]}"##,
            accepted: [#"{"next":null}"#, #"{"next":{"next":null}}"#], refused: [#"{"next":{}}"#]),
        Case(
            schema:
                ##"{"properties":{"a~b/c":{"$ref":"#/definitions/x~1y%25"}},"definitions":{"x/y%":{"type":"null"}},"type":"object"}"##,
            accepted: [#"{"a~b/c":null}"#], refused: [#"{"a~b/c":1}"#]),
        Case(
            schema: ##"{"$ref":"#/$defs/n","maximum":5,"$defs":{"n":{"type":"integer","minimum":3}}}"##,
            accepted: ["3", "5"], refused: ["2", "6"]),
        // Annotations say nothing of values.
        Case(
            schema:
                #"{"title":"t","description":"d","default":3,"examples":[1],"$schema":"s","$comment":"c","type":"null"}"#,
            accepted: ["null"], refused: ["3"]),
    ]

    @Test(arguments: cases) func whatFitsIsAcceptedAndNothingElse(_ each: Case) throws {
        let grammar = try Grammar(
            schema: try JSONValue(parsing: each.schema.utf8), at: "schema", isClosed: each.isClosed)
        for text in each.accepted { #expect(grammar.accepts(text.utf8), "\(text) fits") }
        for text in each.refused { #expect(!grammar.accepts(text.utf8), "\(text) does not fit") }
    }

    @Test(arguments: [
        (
            #"{"type":"object","properties":{"a":{"multipleOf":3}}}"#, "schema.properties.a.multipleOf",
            "multipleOf"
        ),
        (#"{"items":{"anyOf":[{},{"not":{}}]}}"#, "schema.items.anyOf[1].not", "not"),
        (#"{"$defs":{"a":{"if":{}}}}"#, "schema.$defs.a.if", "if"),
        (#"{"pattern":"(?=a)"}"#, "schema.pattern", "look-ahead"),
        (#"{"pattern":"(a)\\1"}"#, "schema.pattern", "\\1"),
        (#"{"pattern":"a^b"}"#, "schema.pattern", "anchor"),
        (#"{"pattern":"[b-a]"}"#, "schema.pattern", "order"),
        (#"{"format":"colour"}"#, "schema.format", "colour"),
        (#"{"type":"text"}"#, "schema.type", "text"),
        (#"{"type":[]}"#, "schema.type", "array of 0"),
        (#"{"enum":[]}"#, "schema.enum", "array of 0"),
        (#"{"minLength":-1}"#, "schema.minLength", "-1"),
        (#"{"required":["a",1]}"#, "schema.required", "strings"),
        (#"{"items":[{}]}"#, "schema.items", "array of 1"),
        (#"3"#, "schema", "the number 3"),
        (##"{"$ref":"#/$defs/a"}"##, "schema.$ref", "#/$defs/a"),
        (#"{"$ref":"http://a/b"}"#, "schema.$ref", "http://a/b"),
        (##"{"$ref":"#"}"##, "schema", "itself"),
        (##"{"anyOf":[{"$ref":"#"},{"type":"null"}]}"##, "schema", "itself"),
        (##"{"type":"object","properties":{"a":{"$ref":"#"}},"required":["a"]}"##, "schema", "finite"),
        (#"{"type":"integer","minimum":3,"maximum":2}"#, "schema", "finite"),
        ("false", "schema", "finite"),
        (#"{"oneOf":[{"type":"integer"},{"minimum":2}]}"#, "schema.oneOf", "branches 0 and 1"),
        (#"{"type":"string","pattern":"^(a|b)*a(a|b){14}$"}"#, "schema", "too large"),
    ]) func whatIsNotSupportedIsNamedWithItsPlace(schema: String, path: String, word: String) throws {
        let error = try #require(throws: SchemaError.self) {
            _ = try Grammar(schema: try JSONValue(parsing: schema.utf8), at: "schema")
        }
        #expect(error.path == path)
        #expect(error.description.contains(word), "\(error)")
    }

    /// What a stranger sends must not take long to refuse.
    @Test func hostileSchemasAreRefused() throws {
        var deep = JSONValue.bool(true)
        for _ in 0..<150 { deep = .object(["items": deep]) }
        #expect(throws: SchemaError.self) { try Grammar(schema: deep, at: "schema") }
        let branches = JSONValue.array((0..<30).map { .object(["minimum": .number($0)]) })
        let wide = JSONValue.object([
            "allOf": .array([.object(["anyOf": branches]), .object(["anyOf": branches])])
        ])
        #expect(throws: SchemaError.self) { try Grammar(schema: wide, at: "schema") }
        let long = JSONValue.object(["type": .string("string"), "pattern": .string("((a{99}){99}){99}")])
        #expect(throws: SchemaError.self) { try Grammar(schema: long, at: "schema") }
        let many = JSONValue.object(["type": .string("string"), "pattern": .string("(.{0,900}a){0,40}")])
        #expect(throws: SchemaError.self) { try Grammar(schema: many, at: "schema") }
        var doubled = JSONObject()
        for index in 0..<40 {
            let next = JSONValue.object(["$ref": .string("#/$defs/d\(index + 1)")])
            doubled["d\(index)"] = .object(["allOf": .array([next, next])])
        }
        doubled["d40"] = .object(["minimum": .number(1)])
        let doubling = JSONValue.object(["$ref": .string("#/$defs/d0"), "$defs": .object(doubled)])
        #expect(throws: SchemaError.self) { try Grammar(schema: doubling, at: "schema") }
        let grown = JSONValue.object([
            "$ref": .string("#/$defs/a"),
            "$defs": .object([
                "a": .object([
                    "type": .string("object"),
                    "properties": .object([
                        "x": .object([
                            "allOf": .array([
                                .object(["$ref": .string("#/$defs/a")]), .object(["minItems": .number(1)]),
                            ])
                        ])
                    ]),
                ])
            ]),
        ])
        _ = try? Grammar(schema: grown, at: "schema")
    }
}
