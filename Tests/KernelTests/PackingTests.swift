import CKernels
import Testing

/// Matrices that a model keeps in an order of its own.
@Suite struct PackingTests {
    private static let packed = gh_type.all.filter { gh_type_block_size($0.rawValue) > 1 }

    private func shape(_ type: gh_type) -> TinyDecoder.Shape {
        TinyDecoder.Shape(
            hidden: 256, heads: 4, kvHeads: 2, headDim: 64, ffn: 512, ropeDims: 64, layers: [[type], [type]],
            embedding: type)
    }

    /// Collects what a model releases.
    private final class Released {
        var data: [UnsafeRawPointer?] = []

        var callback: gh_release {
            gh_release(
                released: { context, matrix in
                    guard let context, let matrix else { return }
                    Unmanaged<Released>.fromOpaque(context).takeUnretainedValue().data.append(
                        matrix.pointee.data)
                }, context: Unmanaged.passUnretained(self).toOpaque())
        }
    }

    @Test func rowsOfAPackedEmbeddingAreThoseOfTheFile() throws {
        for path in availablePaths {
            for type in gh_type.all {
                let decoder = TinyDecoder(shape(type))
                let backend = try #require(gh_cpu_backend_on(path)).pointee
                let (status, model) = decoder.create(on: path, threads: 2) { description, _ in
                    description.output = description.embedding
                }
                try #require(status == GH_OK)
                defer { backend.model_destroy(model) }
                let tokens: [Int32] = [0, 15, 16, 99, 100]
                var rows = [Float](repeating: .nan, count: tokens.count * 256)
                #expect(backend.embed(model, tokens, UInt32(tokens.count), &rows) == GH_OK)
                let expected = tokens.flatMap { decoder.embedding.values[Int($0) * 256..<Int($0 + 1) * 256] }
                #expect(rows.map(\.bitPattern) == expected.map(\.bitPattern), "\(type.name)")
            }
        }
    }

    @Test func everyCopiedMatrixIsReleasedOnceAndNoOther() throws {
        for path in availablePaths {
            for type in gh_type.all {
                for (isTied, isPrecise) in [(false, false), (true, false), (false, true)] {
                    let decoder = TinyDecoder(shape(type))
                    let backend = try #require(gh_cpu_backend_on(path)).pointee
                    let released = Released()
                    var expected: [UnsafeRawPointer?] = []
                    let (status, model) = decoder.create(
                        on: path, threads: 2, precise: isPrecise, release: released.callback
                    ) { description, layers in
                        if isTied { description.output = description.embedding }
                        for layer in layers {
                            expected += [
                                layer.query, layer.key, layer.value, layer.attention_output, layer.gate,
                                layer.up,
                                layer.down,
                            ].map(\.data)
                        }
                        expected.append(description.output.data)
                    }
                    #expect(status == GH_OK)
                    let isCopied = !isPrecise && Self.packed.contains(type)
                    #expect(Set(released.data) == Set(isCopied ? expected : []), "\(type.name)")
                    #expect(released.data.count == (isCopied ? expected.count : 0))
                    backend.model_destroy(model)
                }
            }
        }
    }

    @Test func anEmbeddingThatSharesMemoryWithTheOutputStaysUnlessItIsCopiedToo() throws {
        // Of a part, the output is some rows of the embedding.
        let decoder = TinyDecoder(shape(GH_TYPE_Q8_0))
        let released = Released()
        let (status, model) = decoder.create(
            on: GH_CPU_PORTABLE, reduction: gh_reduction(sum: { _, _, _ in }, context: nil),
            release: released.callback
        ) { description, _ in
            description.output = description.embedding
            description.output.rows = 50
        }
        try #require(status == GH_OK)
        #expect(!released.data.contains(decoder.embedding.matrix.data))
        gh_cpu_backend_on(GH_CPU_PORTABLE)?.pointee.model_destroy(model)
    }
}
