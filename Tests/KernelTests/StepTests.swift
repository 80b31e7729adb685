import CKernels
import Foundation
import Reference
import Testing

private let shapes: [TinyDecoder.Shape] = [.quantised, .superblocks, .odd, .sandwiched]

private func tokens(_ count: Int, seed: UInt64 = 30) -> [Int32] {
    var generator = SeededGenerator(seed: seed)
    return (0..<count).map { _ in Int32.random(in: 0..<101, using: &generator) }
}

/// ‖found - expected‖ / ‖expected‖.
private func relativeError(_ found: [Float], _ expected: [Double]) -> Double {
    let difference = zip(found, expected).reduce(0) { $0 + (Double($1.0) - $1.1) * (Double($1.0) - $1.1) }
    let size = expected.reduce(0) { $0 + $1 * $1 }
    return (difference / size).squareRoot()
}

extension [[Float]] {
    /// For comparing bit by bit: NaN equals itself, -0 differs from 0.
    fileprivate var bits: [[UInt32]] { map { $0.map(\.bitPattern) } }
}

@Suite struct StepTests {
    @Test func preciseStepsMatchAFloat64Transformer() throws {
        let prompt = tokens(140)
        for shape in shapes {
            let decoder = TinyDecoder(shape)
            let expected = decoder.reference.logits(prompt)
            for path in availablePaths {
                let session = try Session(decoder, on: path, threads: 2, precise: true)
                let found = session.logits(prompt, pages: Session.pages(of: 0, count: 3))
                let worst = zip(found, expected).map { relativeError($0, $1) }.max() ?? .infinity
                #expect(worst < 1e-5, "hidden \(shape.hidden)")
            }
        }
    }

    @Test func fastStepsStayNearTheFloat64Transformer() throws {
        let prompt = tokens(140)
        for shape in shapes {
            let decoder = TinyDecoder(shape)
            let expected = decoder.reference.logits(prompt)
            for path in availablePaths {
                let session = try Session(decoder, on: path, threads: 2)
                let found = session.logits(prompt, pages: Session.pages(of: 0, count: 3))
                let worst = zip(found, expected).map { relativeError($0, $1) }.max() ?? .infinity
                // Half-precision pages and 16-bit activations: 0.0006 was the worst of these shapes and paths.
                #expect(worst < 0.002, "hidden \(shape.hidden)")
            }
        }
    }

    @Test func aRowsBitsDoNotDependOnChunks() throws {
        let prompt = tokens(300)
        for (shape, precise) in [
            (shapes[0], false), (shapes[0], true), (shapes[1], false), (shapes[2], false), (shapes[3], false),
        ] {
            let decoder = TinyDecoder(shape)
            for path in availablePaths {
                let session = try Session(decoder, on: path, precise: precise)
                let whole = session.logits(prompt, pages: Session.pages(of: 0, count: 5))
                for (n, chunk) in [1, 3, 7, 64, 257].enumerated() {
                    let pages = Session.pages(of: n + 1, count: 5)
                    #expect(
                        session.logits(prompt, chunk: chunk, pages: pages).bits == whole.bits,
                        "chunk \(chunk)")
                }
            }
        }
    }

    @Test func aRowsBitsDoNotDependOnTheNumberOfThreads() throws {
        let prompt = tokens(70)
        for shape in shapes {
            let decoder = TinyDecoder(shape)
            for path in availablePaths {
                for chunk in [5, 70] {
                    let pages = Session.pages(of: 0, count: 3)
                    let alone = try Session(decoder, on: path).logits(prompt, chunk: chunk, pages: pages)
                    // Nine threads are more than some machines have cores, and more than there is work for.
                    for threads: UInt32 in [2, 3, 9] {
                        let session = try Session(decoder, on: path, threads: threads)
                        #expect(
                            session.logits(prompt, chunk: chunk, pages: pages).bits == alone.bits,
                            "\(threads) threads")
                    }
                }
            }
        }
    }

    @Test func aRowsBitsDoNotDependOnItsNeighbours() throws {
        // Twelve sequences of lengths 1, 8, 15, …, prefilled in one step and then advanced token by token.
        let prompts = (0..<12).map { tokens(1 + 7 * $0 + 3, seed: UInt64($0)) }
        for shape in shapes {
            let decoder = TinyDecoder(shape)
            for path in availablePaths {
                let session = try Session(decoder, on: path, threads: 2)
                var together: [[[Float]]] = prompts.map { _ in [] }
                for step in 0..<4 {
                    let rows = prompts.enumerated().map { n, prompt in
                        let end = prompt.count - 3 + step
                        let start = step == 0 ? 0 : end - 1
                        return Session.Rows(
                            pages: Session.pages(of: n, count: 2), tokens: Array(prompt[start..<end]),
                            positions: shape.positions(start..<end), length: start, logits: end - start)
                    }
                    let (status, logits) = session.step(rows)
                    #expect(status == GH_OK)
                    var next = 0
                    for (n, part) in rows.enumerated() {
                        together[n] += logits[next..<next + part.logits]
                        next += part.logits
                    }
                }
                for (n, prompt) in prompts.enumerated() {
                    let alone = session.logits(prompt, pages: Session.pages(of: 20, count: 2))
                    #expect(alone.bits == together[n].bits, "sequence \(n)")
                }
            }
        }
    }

    @Test func embeddingRowsOfTokensGiveTheTokensAnswer() throws {
        let prompt = tokens(20)
        for shape in shapes {
            let decoder = TinyDecoder(shape)
            for path in availablePaths {
                let session = try Session(decoder, on: path)
                let pages = Session.pages(of: 0, count: 1)
                let expected = session.logits(prompt, pages: pages)
                var rows = [Float](repeating: .nan, count: prompt.count * shape.hidden)
                #expect(session.backend.embed(session.model, prompt, UInt32(prompt.count), &rows) == GH_OK)
                // Every other row comes as an embedding.
                let mixed = prompt.enumerated().map { $0.offset.isMultiple(of: 2) ? -1 : $0.element }
                let (status, found) = session.step([
                    Session.Rows(
                        pages: pages, tokens: mixed, embeddings: rows, positions: shape.positions(0..<20),
                        length: 0, logits: 20)
                ])
                #expect(status == GH_OK)
                #expect(found.bits == expected.bits)
            }
        }
    }

    @Test func onlyTheLogitsAskedForComeBack() throws {
        let prompt = tokens(530)
        let decoder = TinyDecoder(.quantised)
        let session = try Session(decoder, on: GH_CPU_PORTABLE, threads: 2)
        let all = session.logits(prompt, pages: Session.pages(of: 0, count: 9))
        // Two tiles and a bit: 300 rows reach back over a tile's border.
        for wanted in [0, 1, 300] {
            let rows = Session.Rows(
                pages: Session.pages(of: 1, count: 9), tokens: prompt, positions: (0..<530).map(Int32.init),
                length: 0, logits: wanted)
            let (status, found) = session.step([rows, rows])
            #expect(status == GH_OK)
            #expect(found.bits == (all.suffix(wanted) + all.suffix(wanted)).map { $0.map(\.bitPattern) })
        }
    }

    @Test func positionsTurnRowsAndNotTheirPlace() throws {
        // Rotation is relative: shifting every position by the same amount changes logits by rounding only,
        // shifting one changes them for good.
        let prompt = tokens(30)
        let session = try Session(TinyDecoder(.odd), on: GH_CPU_PORTABLE, precise: true)
        func logits(_ positions: [Int32]) -> [Float] {
            let pages = Session.pages(of: 0, count: 1)
            return session.step([
                Session.Rows(pages: pages, tokens: prompt, positions: positions, length: 0, logits: 1)
            ]).logits[0]
        }
        let plain = logits((0..<30).map(Int32.init))
        let shifted = logits((0..<30).map { Int32($0 + 500) })
        let moved = logits((0..<29).map(Int32.init) + [90])
        #expect(relativeError(shifted, plain.map(Double.init)) < 1e-5)
        #expect(relativeError(moved, plain.map(Double.init)) > 1e-4)
    }

    @Test func positionsOfThreeAxesTurnTheirSections() throws {
        // A picture of 3 × 4 rows from row 5 on, as M-RoPE lays it out.
        let prompt = tokens(40)
        var positions = (0..<5).flatMap { [Int32](repeating: $0, count: 3) }
        for row in 0..<12 { positions += [5, 5 + Int32(row / 4), 5 + Int32(row % 4)] }
        positions += (9..<32).flatMap { [Int32](repeating: $0, count: 3) }
        let decoder = TinyDecoder(.sandwiched)
        let reference = decoder.reference
        let expected = reference.logits(ReferencePrompt(prompt, positions: positions))
        #expect(relativeError(expected[39].map(Float.init), reference.logits(prompt)[39]) > 1e-3)
        for path in availablePaths {
            let session = try Session(decoder, on: path, precise: true)
            let found = session.logits(
                prompt, pages: Session.pages(of: 0, count: 1), positions: positions)
            let worst = zip(found, expected).map { relativeError($0, $1) }.max() ?? .infinity
            #expect(worst < 1e-5)
        }
    }

    @Test func gatedSpansWeighLessForTheRowsAfterThem() throws {
        // The second span reaches over a page's border; row 20 and the last rows come after all of the first.
        let prompt = tokens(140)
        let gates = [span(4..<20, weight: 0.3), span(50..<90, weight: 0.01)]
        // Not the superblocks, whose random weights attend to next to nothing.
        for shape in [TinyDecoder.Shape.quantised, .odd, .sandwiched] {
            let decoder = TinyDecoder(shape)
            let reference = decoder.reference
            let expected = reference.logits(ReferencePrompt(prompt, gates: gates))
            let plain = reference.logits(prompt)
            let change = zip(expected, plain).map { relativeError($0.map(Float.init), $1) }
            #expect(change[..<20].allSatisfy { $0 < 1e-6 })
            #expect((change.max() ?? 0) > 1e-3, "hidden \(shape.hidden)")
            for path in availablePaths {
                let session = try Session(decoder, on: path, precise: true)
                let found = session.logits(prompt, pages: Session.pages(of: 0, count: 3), gates: gates)
                let worst = zip(found, expected).map { relativeError($0, $1) }.max() ?? .infinity
                #expect(worst < 1e-5, "hidden \(shape.hidden)")
                let chunked = session.logits(
                    prompt, chunk: 33, pages: Session.pages(of: 1, count: 3), gates: gates)
                #expect(chunked.bits == found.bits)
            }
        }
    }

    @Test func rowsBeforeTheEndOfASpanDoNotFeelIt() throws {
        let prompt = tokens(80)
        for path in availablePaths {
            let session = try Session(TinyDecoder(.quantised), on: path)
            let plain = session.logits(prompt, pages: Session.pages(of: 0, count: 2))
            let gated = session.logits(
                prompt, pages: Session.pages(of: 1, count: 2), gates: [span(10..<70, weight: 1e-30)])
            #expect(gated[..<70].map { $0.map(\.bitPattern) } == plain[..<70].map { $0.map(\.bitPattern) })
            #expect(gated[70].map(\.bitPattern) != plain[70].map(\.bitPattern))
        }
    }

    @Test func pagesOfBytesStayNearThoseOfFloats() throws {
        let prompt = tokens(140)
        for shape in shapes {
            let decoder = TinyDecoder(shape)
            let expected = decoder.reference.logits(prompt)
            for path in availablePaths {
                let session = try Session(decoder, on: path, keyValueType: GH_KV_I8)
                let found = session.logits(prompt, pages: Session.pages(of: 0, count: 3))
                let worst = zip(found, expected).map { relativeError($0, $1) }.max() ?? .infinity
                // 0.011 was the worst of these shapes and paths.
                #expect(worst < 0.02, "hidden \(shape.hidden)")
                let chunked = session.logits(prompt, chunk: 9, pages: Session.pages(of: 1, count: 3))
                #expect(chunked.bits == found.bits)
            }
        }
    }

    @Test func badSpansAreRefused() throws {
        let session = try Session(TinyDecoder(.quantised), on: GH_CPU_PORTABLE)
        let bad: [[gh_gated_span]] = [
            [span(5..<5, weight: 0.5)], [span(5..<9, weight: 0)], [span(5..<9, weight: 2)],
            [span(5..<9, weight: .nan)], [span(5..<9, weight: 0.5), span(8..<12, weight: 0.5)],
            [span(9..<12, weight: 0.5), span(2..<4, weight: 0.5)],
        ]
        for gates in bad {
            let rows = Session.Rows(
                pages: [0], tokens: [1], positions: [0], gates: gates, length: 0, logits: 1)
            #expect(session.step([rows]).status == GH_ERROR_BAD_SHAPE)
        }
    }
}

private func span(_ rows: Range<UInt32>, weight: Float) -> gh_gated_span {
    gh_gated_span(begin: rows.lowerBound, end: rows.upperBound, log_weight: log(weight), reserved: 0)
}
