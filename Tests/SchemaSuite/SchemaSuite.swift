import Constraints
import Foundation
import GatehouseJSON

/// Asks the automatons about lines of `{"schema": …, "text": …}` on standard input, and answers each with a line:
/// `accepted`, `refused`, or `unsupported` and why. `Tests/schema_suite.py` feeds it.
@main
struct SchemaSuite {
    static func main() {
        var lastText = ""
        var last: Result<Grammar, SchemaError>?
        while let line = readLine() {
            guard let question = try? JSONValue(parsing: line.utf8), let schema = question["schema"],
                let text = question["text"]?.stringValue
            else {
                print("unsupported the line is no question")
                continue
            }
            if last == nil || schema.text != lastText {
                lastText = schema.text
                last = Result { () throws(SchemaError) in try Grammar(schema: schema, at: "schema") }
            }
            switch last {
            case .success(let grammar): print(grammar.accepts(text.utf8) ? "accepted" : "refused")
            case .failure(let error): print("unsupported \(error)")
            case nil: break
            }
        }
    }
}
