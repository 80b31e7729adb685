/// What a check says, to people and to machines.
struct CheckReport {
    let library: String
    let plugins: [String]
    let seconds: Double
    let results: [CheckedResult]

    var passed: Int { results.count { if case .passed = $0.verdict { true } else { false } } }
    var failed: Int { results.count { if case .failed = $0.verdict { true } else { false } } }
    var skipped: Int { results.count - passed - failed }

    /// A line for each test, then what failed in full, then the sum.
    var text: String {
        var lines: [String] = []
        var subject: String?
        for (blocker, results) in grouped {
            let result = results[0]
            let of =
                result.test.isOfPlugin ? "plugin \(result.test.plugin?.id ?? "")" : lastComponent(of: library)
            if of != subject { lines += subject == nil ? [of] : ["", of] }
            subject = of
            if let blocker, results.count > 1 {
                lines.append("  -     \(results.count) tests that need \(blocker)")
                continue
            }
            switch result.verdict {
            case .passed: lines.append("  ok    \(result.test.promise)")
            case .skipped(let reason): lines.append("  -     \(result.test.promise): \(reason)")
            case .failed: lines.append("  FAIL  \(result.test.promise) [\(result.test.id)]")
            }
        }
        for result in results {
            guard case .failed(let message) = result.verdict else { continue }
            let of = result.test.plugin.map { " of \($0.id)" } ?? ""
            lines += ["", "\(result.test.id)\(of): \(message)", "  \(result.test.mend)"]
        }
        let sum = "\(passed) passed, \(failed) failed, \(skipped) skipped, in \(tenths(seconds)) s"
        return (lines + ["", sum]).joined(separator: "\n")
    }

    /// Neighbours that wait for the same test make one group, every other result one of its own.
    private var grouped: [(blocker: String?, results: [CheckedResult])] {
        var groups: [(blocker: String?, results: [CheckedResult])] = []
        for result in results {
            var blocker: String?
            if case .skipped(let reason) = result.verdict, reason.hasPrefix(CheckResults.needs) {
                blocker = String(reason.dropFirst(CheckResults.needs.count))
            }
            if let blocker, groups.last?.blocker == blocker,
                groups.last?.results[0].test.plugin?.id == result.test.plugin?.id,
                groups.last?.results[0].test.isOfPlugin == result.test.isOfPlugin
            {
                groups[groups.count - 1].results.append(result)
            } else {
                groups.append((blocker, [result]))
            }
        }
        return groups
    }

    var json: String {
        let tests = results.map { result in
            let (word, message) =
                switch result.verdict {
                case .passed(let text): ("passed", text)
                case .failed(let text): ("failed", text)
                case .skipped(let text): ("skipped", text)
                }
            let plugin = result.test.plugin.map { quoted($0.id) } ?? "null"
            let mend = word == "failed" ? quoted(result.test.mend) : "null"
            return """
                {"id": \(quoted(result.test.id)), "plugin": \(plugin), "result": "\(word)", \
                "promise": \(quoted(result.test.promise)), "message": \(quoted(message)), "mend": \(mend), \
                "seconds": \(tenths(result.seconds * 100, of: 1000))}
                """
        }
        let ids = plugins.map(quoted).joined(separator: ", ")
        return """
            {"library": \(quoted(library)), "plugins": [\(ids)], "passed": \(passed), "failed": \(failed), \
            "skipped": \(skipped), "seconds": \(tenths(seconds)), "tests": [
            \(tests.joined(separator: ",\n"))
            ]}
            """
    }

    /// With one digit after the point; `of` is what a tenth counts, so that 1000 gives thousandths.
    private func tenths(_ value: Double, of unit: Double = 10) -> Double {
        (value * 10).rounded() / unit
    }
}

/// A JSON string (RFC 8259).
func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
        switch scalar {
        case "\"": result += "\\\""
        case "\\": result += "\\\\"
        case "\n": result += "\\n"
        case _ where scalar.value < 0x20:
            let digits = String(scalar.value, radix: 16)
            result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
        default: result.unicodeScalars.append(scalar)
        }
    }
    return result + "\""
}
