import CKernels
import Testing

@Suite struct RefusalTests {
    private typealias Change = (inout gh_model_desc, inout [gh_layer]) -> Void

    @Test func descriptionsThatDoNotFitAreRefused() {
        let decoder = TinyDecoder(.quantised)
        let changes: [(String, Change)] = [
            ("no layers", { d, _ in d.layer_count = 0 }),
            ("hidden 0", { d, _ in d.hidden = 0 }),
            ("hidden differs", { d, _ in d.hidden = 64 }),
            ("hidden overflows", { d, _ in d.hidden = .max }),
            ("heads 0", { d, _ in d.heads = 0 }),
            ("kv_heads 0", { d, _ in d.kv_heads = 0 }),
            ("heads no multiple of kv_heads", { d, _ in d.kv_heads = 3 }),
            (
                "heads · head_dim overflows",
                { d, _ in
                    d.heads = 1 << 20; d.head_dim = 1 << 20
                }
            ),
            ("head_dim odd", { d, _ in d.head_dim = 31 }),
            ("rope_dims odd", { d, _ in d.rope_dims = 31 }),
            ("rope_dims beyond head_dim", { d, _ in d.rope_dims = 34 }),
            ("rope_pairing unknown", { d, _ in d.rope_pairing = 2 }),
            ("rope_base 0", { d, _ in d.rope_base = 0 }),
            ("rope_base NaN", { d, _ in d.rope_base = .nan }),
            ("norm_epsilon negative", { d, _ in d.norm_epsilon = -1 }),
            ("vocabulary 0", { d, _ in d.vocabulary = 0 }),
            ("no output norm", { d, _ in d.output_norm = nil }),
            ("no embedding", { d, _ in d.embedding.data = nil }),
            ("ffn differs", { d, _ in d.ffn = 160 }),
            ("a layer's rows differ", { _, l in l[1].key.rows = 63 }),
            ("a layer's columns are no multiple of the block", { _, l in l[0].down.cols = 191 }),
            ("a layer's type has larger blocks", { _, l in l[0].query.type = GH_TYPE_Q6_K.rawValue }),
            ("a layer has no norm", { _, l in l[2].ffn_norm = nil }),
        ]
        for (name, change) in changes {
            let created = decoder.create(changing: change)
            #expect(created.status == GH_ERROR_BAD_SHAPE, "\(name)")
            #expect(created.model == nil, "\(name)")
        }
    }

    @Test func unknownTypesAreRefusedByName() {
        let decoder = TinyDecoder(.quantised)
        #expect(decoder.create { $1[1].up.type = 16 }.status == GH_ERROR_UNSUPPORTED_TYPE)
        #expect(decoder.create { d, _ in d.embedding.type = .max }.status == GH_ERROR_UNSUPPORTED_TYPE)
    }

    @Test func threadsMustBeWithinReason() {
        let decoder = TinyDecoder(.odd)
        #expect(decoder.create(threads: 0).status == GH_ERROR_BAD_SHAPE)
        #expect(decoder.create(threads: .max).status == GH_ERROR_BAD_SHAPE)
    }

    @Test func stepsThatReachOutsideAreRefused() throws {
        let session = try Session(TinyDecoder(.quantised), on: GH_CPU_PORTABLE, pages: 4)
        let good = Session.Rows(pages: [3], tokens: [5, 6], positions: [0, 1], length: 0, logits: 1)
        #expect(session.step([good]).status == GH_OK)

        func refused(_ change: (inout Session.Rows) -> Void) -> Bool {
            var rows = good
            change(&rows)
            return session.step([good, rows]).status == GH_ERROR_BAD_SHAPE
        }
        #expect(refused { $0.pages = [4] })
        #expect(refused { $0.pages = [.max] })
        #expect(refused { $0.pages = [] })
        #expect(
            refused {
                $0.pages = [3, 4]; $0.length = 64
            })
        #expect(refused { $0.tokens = [5, 101] })
        #expect(refused { $0.tokens = [-1, 5] })
        #expect(refused { $0.tokens = [.max, 5] })
        #expect(refused { $0.positions = [] })
        #expect(refused { $0.logits = 3 })
        // The refused steps left the session usable, and a step of nothing is fine.
        #expect(session.step([good]).logits == session.step([good]).logits)
        #expect(session.step([]).status == GH_OK)
    }

    @Test func embeddingUnknownTokensIsRefused() throws {
        let decoder = TinyDecoder(.quantised)
        let session = try Session(decoder, on: GH_CPU_PORTABLE)
        for token: Int32 in [-1, 101, .max, .min] {
            var rows = [Float](repeating: 7, count: 2 * decoder.shape.hidden)
            #expect(session.backend.embed(session.model, [1, token], 2, &rows) == GH_ERROR_BAD_SHAPE)
            #expect(rows == [Float](repeating: 7, count: 2 * decoder.shape.hidden))
        }
    }

    @Test func poolsBeyondMemoryAndOfOtherModelsAreRefused() throws {
        let decoder = TinyDecoder(.quantised)
        let session = try Session(decoder, on: GH_CPU_PORTABLE)
        let other = try Session(decoder, on: GH_CPU_PORTABLE)
        var batch = gh_batch(sequences: nil, count: 0, reserved: 0, logits: nil, states: nil)
        #expect(session.backend.step(session.model, other.pool, &batch) == GH_ERROR_BAD_SHAPE)

        // Keys and values, 3 layers, 2 heads of 32 dimensions, 64 positions, two bytes.
        #expect(session.backend.page_bytes(session.model) == 2 * 3 * 2 * 32 * 64 * 2)
    }

    @Test func thePathCanBeChosenAndIsNamed() throws {
        let portable = try #require(gh_cpu_backend_on(GH_CPU_PORTABLE)).pointee
        #expect(String(cString: portable.name) == "cpu (portable)")
        #expect(Int(portable.struct_size) == MemoryLayout<gh_backend>.size)
        let picked = try #require(gh_cpu_backend()).pointee
        let names = ["cpu (portable)", "cpu (avx2)", "cpu (avx512)", "cpu (neon)"]
        #expect(names.contains(String(cString: picked.name)))
    }
}
