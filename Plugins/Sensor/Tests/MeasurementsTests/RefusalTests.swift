import Measurements
import Testing

/// Files that hold no measurements, and hostile ones.
@Suite struct RefusalTests {
    @Test func eachFaultNamesItsPlaceAndWhatWasExpected() {
        #expect(refusal("") == "expected rows of measurements, found an empty file")
        #expect(refusal("\n\n  \n") == "expected rows of measurements, found an empty file")
        #expect(refusal("a,b\nc,d\n") == "row 2, column 1: expected a number or a time, found \"c\"")
        #expect(refusal("t,x\n") == "row 1, column 1: expected a number or a time, found \"t\"")
        #expect(
            refusal("t,x\n0,1\n1,\"2\n2,3\n")
                == "row 3, column 2: expected a closing quote, found none before the end of the file")
        #expect(
            refusal("t\n0\n1\n2.5\n")
                == "row 2: expected a column of measurements, found only times")
        #expect(
            refusal([0xFF, 0xFE] + Array("t,x".utf8))
                == "expected text in UTF-8, found UTF-16: save the file as CSV in UTF-8")
        #expect(
            refusal(Array("PK\u{3}\u{4}\0".utf8))
                == "expected text, found a zero at byte 5: this is no CSV file")
    }

    @Test func aLineWithoutEndIsRefusedSoon() {
        let csv = "t,x\n0,1\n" + String(repeating: "9", count: 70_000) + "\n2,3\n"
        #expect(refusal(csv) == "row 3: expected cells in lines, found a cell of more than 65536 bytes")
    }

    @Test func aQuoteThatNobodyClosesEndsTheSearchSoon() {
        let csv = "t,x\n0,1\n1,\"" + String(repeating: "9", count: 70_000) + "\n2,3\n"
        #expect(refusal(csv) == "row 3, column 2: expected a closing quote, found none in 65536 bytes")
    }

    @Test(arguments: [
        String(repeating: ",", count: 100_000) + "\n1,2\n", String(repeating: "\"", count: 1_001),
        String(repeating: "1", count: 60_000), "1,2", "1\n1\n1\n", ";;;;\n;;;;\n", "t,x\n1,1\n1,1\n1,1\n",
        "t,x\n1e308,1e308\n1e-308,-1e308\n1e308,1e308\n", "t,x\n0,1e300\n1,-1e300\n2,1e300\n3,-1e300\n",
        "t,x\n" + String(repeating: "0,5\n", count: 100), "t,x\n2,1\n1,2\n0,3\n", "\u{0301},\u{200D}\n1,2\n",
        "t,x\n" + (0..<100).map { "\($0 % 2 == 0 ? Double($0) : 1e15 + Double($0)),\($0)\n" }.joined(),
    ])
    func hostileTextIsAnsweredOneWayOrTheOther(_ csv: String) {
        if let measurements = try? measure(csv) {
            #expect(!Report(measurements).text.isEmpty)
        } else {
            #expect(refusal(csv)?.contains("expected") == true)
        }
    }

    @Test(arguments: ["1e308", "-1e308", "5e-324", "1e-300", "9007199254740993", "0"])
    func timesAndValuesOfAnySizeAreAnswered(_ scale: String) throws {
        for (time, value) in [(scale, "1"), ("1", scale), (scale, scale)] {
            let rows = (0..<100).map { row in
                row % 2 == 0 ? "\(row)e-3,\(row % 5)\n" : "\(row % 3 == 0 ? time : "\(row)"),\(value)\n"
            }
            #expect(!Report(try measure("t,x\n" + rows.joined())).text.isEmpty)
            let rising = (1...100).map { "\(Double($0) / 100 * (Double(time) ?? 1)),\(($0 % 7))e300\n" }
            #expect(!Report(try measure("time,x\n" + rising.joined())).text.isEmpty)
        }
    }

    @Test func everyPrefixAndEveryDamagedByteIsAnswered() {
        let csv = Array("t (s);\"a \"\"x\"\" [g]\"\r\n0,5;1\r\n1,0;-2e3\r\n2024-05-01T12:00:00Z;NaN\r\n".utf8)
        var answers = 0
        for length in 0...csv.count {
            if refusal(Array(csv.prefix(length)))?.contains("expected") ?? true { answers += 1 }
        }
        #expect(answers == csv.count + 1)
        answers = 0
        for index in csv.indices {
            for byte: UInt8 in [0x00, 0x0A, 0x22, 0x2C, 0x3B, 0xFF] {
                var damaged = csv
                damaged[index] = byte
                if refusal(damaged)?.contains("expected") ?? true { answers += 1 }
            }
        }
        #expect(answers == csv.count * 6)
    }

    @Test func cancellingEndsReadingAndAnalysis() {
        let csv = Array(("t,x\n" + (0..<100_000).map { "\($0),\($0 % 7)\n" }.joined()).utf8)
        // Nobody knows how many polls there are, so cancel at each of the first and see that the last is never reached.
        for limit in 0..<8 {
            var polls = 0
            #expect(throws: MeasurementError.cancelled) {
                try measure(csv) {
                    polls += 1
                    return polls > limit
                }
            }
            #expect(polls == limit + 1)
        }
    }
}
