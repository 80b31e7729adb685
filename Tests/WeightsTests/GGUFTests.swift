import Foundation
import TestSupport
import Testing
import Weights

@Suite struct GGUFTests {
    @Test func everyKindOfMetadataIsRead() throws {
        var builder = GGUFBuilder()
        builder.metadata = [
            ("u8", .init(type: 0, bytes: [200])),
            ("i8", .init(type: 1, bytes: [0xff])),
            ("u16", .init(type: 2, bytes: littleEndian(UInt16(65_535)))),
            ("i16", .init(type: 3, bytes: littleEndian(Int16(-2)))),
            ("u32", .uint32(4_000_000_000)),
            ("i32", .init(type: 5, bytes: littleEndian(Int32(-3)))),
            ("f32", .float32(0.5)),
            ("bool", .init(type: 7, bytes: [1])),
            ("string", .string("żółw")),
            ("u64", .init(type: 10, bytes: littleEndian(UInt64.max))),
            ("i64", .init(type: 11, bytes: littleEndian(Int64.min))),
            ("f64", .init(type: 12, bytes: littleEndian((-0.25).bitPattern))),
            ("strings", .array(8, [text("a"), text(""), text("ü")])),
            ("integers", .array(5, [littleEndian(Int32(-1)), littleEndian(Int32(7))])),
            ("floats", .array(6, [littleEndian(Float(1.5).bitPattern)])),
        ]
        let nested = [GGUFBuilder.Field.array(0, [[1], [2]]), .array(0, [[3]])]
        builder.metadata.append(("nested", .array(9, nested.map(\.bytes))))

        let metadata = try withFile(builder.bytes()) { try GGUFFile(path: $0) }.metadata
        #expect(metadata.keys == builder.metadata.map(\.key))
        #expect(try metadata.integer("u8") == 200)
        #expect(try metadata.integer("i8") == -1)
        #expect(try metadata.integer("u16") == 65_535)
        #expect(try metadata.integer("i16") == -2)
        #expect(try metadata.integer("u32") == 4_000_000_000)
        #expect(try metadata.integer("i32") == -3)
        #expect(try metadata.float("f32") == 0.5)
        #expect(try metadata.bool("bool") == true)
        #expect(try metadata.string("string") == "żółw")
        #expect(throws: GGUFError.self) { try metadata.integer("u64") }
        #expect(try metadata.integer("i64") == Int.min)
        #expect(try metadata.float("f64") == -0.25)
        #expect(try metadata.strings("strings") == ["a", "", "ü"])
        #expect(try metadata.integers("integers") == [-1, 7])
        #expect(try metadata.floats("floats") == [1.5])
        let inner = try #require(try metadata.array("nested")).values().map { value throws -> [Int] in
            guard case .array(let array) = value else { return [] }
            return try array.integers()
        }
        #expect(inner == [[1, 2], [3]])
        #expect(try metadata.string("absent") == nil)
    }

    @Test func tensorsAreViewsOfTheirBytes() throws {
        var builder = GGUFBuilder()
        builder.metadata = [("general.alignment", .uint32(64))]
        builder.alignment = 64
        let halves: [UInt8] = [0x00, 0x3c, 0x00, 0xc0]
        builder.tensors = [
            .floats("matrix", shape: [2, 3], [1, 2, 3, 4, 5, 6]),
            .init(name: "halves", extents: [2], type: TensorType.f16.rawValue, data: halves),
            .init(name: "blocks", extents: [32, 2], type: TensorType.q8_0.rawValue, data: .init(0..<68)),
        ]
        // The file is gone by the time the views are read: they hold the mapping.
        let file = try withFile(builder.bytes()) { try GGUFFile(path: $0) }
        let matrix = try #require(file.tensor(named: "matrix"))
        #expect(matrix.shape == [2, 3])
        #expect(Array(matrix.bytes.bindMemory(to: Float.self)) == [1, 2, 3, 4, 5, 6])
        let stored = try #require(file.tensor(named: "halves"))
        #expect(Array(stored.bytes) == halves)
        let blocks = try #require(file.tensor(named: "blocks"))
        #expect(blocks.type == .q8_0 && blocks.shape == [2, 32] && blocks.byteCount == 68)
        #expect(Array(blocks.bytes) == Array(0..<68))
        #expect(file.tensor(named: "absent") == nil)
    }

    /// Bytes of 256 elements, from the block layouts in the GGUF specification's reference (ggml-common.h).
    @Test func everyTypeHasItsSize() {
        let sizes: [TensorType: Int] = [
            .f32: 1024, .f16: 512, .bf16: 512, .q4_0: 144, .q4_1: 160, .q5_0: 176, .q5_1: 192, .q8_0: 272,
            .q4_k: 144, .q5_k: 176, .q6_k: 210,
        ]
        for type in TensorType.allCases {
            #expect(256 / type.blockElements * type.blockBytes == sizes[type], "\(type)")
        }
    }

    /// A file that must be refused, with what the message has to name.
    struct Hostile: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var names: [String]
        var bytes: [UInt8]

        init(_ description: String, names: [String], _ damage: (inout GGUFBuilder) -> Void) {
            var builder = GGUFBuilder()
            builder.metadata = [("general.architecture", .string("llama"))]
            builder.tensors = [.floats("first", shape: [8], .init(repeating: 1, count: 8))]
            damage(&builder)
            testDescription = description
            self.names = names
            bytes = builder.bytes()
        }
    }

    static let hostile: [Hostile] = [
        Hostile("magic", names: ["magic", "GGUF"]) { $0.magic = Array("GGML".utf8) },
        Hostile("version 1", names: ["version", "found 1"]) { $0.version = 1 },
        Hostile("big-endian", names: ["version", "big-endian"]) { $0.version = UInt32(3).byteSwapped },
        Hostile("tensor count", names: ["tensor count", "18446744073709551615"]) { $0.tensorCount = .max },
        Hostile("entry count", names: ["entry count", "18446744073709551614"]) { $0.entryCount = .max - 1 },
        Hostile("one entry too many", names: ["1 to 4 dimensions"]) { $0.entryCount = 2 },
        Hostile("string length", names: ["k:", "at most"]) {
            $0.metadata = [("k", .init(type: 8, bytes: littleEndian(UInt64.max - 7)))]
        },
        Hostile("array count", names: ["k:", "at most"]) {
            $0.metadata = [
                ("k", .init(type: 9, bytes: littleEndian(UInt32(10)) + littleEndian(UInt64.max / 8)))
            ]
        },
        Hostile("value type", names: ["k:", "found 13"]) {
            $0.metadata = [("k", .init(type: 13, bytes: []))]
        },
        Hostile("element type", names: ["k:", "found 99"]) { $0.metadata = [("k", .array(99, []))] },
        Hostile("boolean", names: ["k:", "0 or 1", "found 2"]) {
            $0.metadata = [("k", .init(type: 7, bytes: [2]))]
        },
        Hostile("nesting", names: ["k:", "nested"]) {
            let one = littleEndian(UInt32(9)) + littleEndian(UInt64(1))
            $0.metadata = [
                ("k", .init(type: 9, bytes: [[UInt8]](repeating: one, count: 9999).flatMap(\.self)))
            ]
        },
        Hostile("key twice", names: ["general.architecture", "twice"]) { $0.metadata += $0.metadata },
        Hostile("empty key", names: ["key of metadata entry 0", "empty"]) {
            $0.metadata = [("", .uint32(1))]
        },
        Hostile("alignment 0", names: ["general.alignment", "found 0"]) {
            $0.metadata = [("general.alignment", .uint32(0))]
        },
        Hostile("alignment 12", names: ["general.alignment", "found 12"]) {
            $0.metadata = [("general.alignment", .uint32(12))]
        },
        Hostile("alignment of text", names: ["general.alignment", "integer", "\"32\""]) {
            $0.metadata = [("general.alignment", .string("32"))]
        },
        Hostile("tensor name twice", names: ["first", "twice"]) { $0.tensors += $0.tensors },
        Hostile("tensor type", names: ["first", "Q4_K", "Q2_K (10)"]) { $0.tensors[0].type = 10 },
        Hostile("no dimensions", names: ["first", "1 to 4"]) { $0.tensors[0].extents = [] },
        Hostile("five dimensions", names: ["first", "1 to 4"]) { $0.tensors[0].extents = [8, 1, 1, 1, 1] },
        Hostile("extent 0", names: ["first", "at least 1"]) { $0.tensors[0].extents = [8, 0] },
        Hostile("extents overflow", names: ["first", "63 bits"]) {
            $0.tensors[0].extents = [1 << 32, 1 << 32, 1 << 32]
        },
        Hostile("extent near 2^64", names: ["first", "63 bits"]) { $0.tensors[0].extents = [.max - 7] },
        Hostile("bytes overflow", names: ["first", "63 bits"]) { $0.tensors[0].extents = [1 << 62] },
        Hostile("half a block", names: ["first", "multiple of 32"]) {
            $0.tensors[0].type = TensorType.q4_0.rawValue
            $0.tensors[0].extents = [48]
        },
        Hostile("offset misaligned", names: ["first", "multiple of 32", "found 8"]) {
            $0.tensors[0].offset = 8
        },
        Hostile("offset near 2^64", names: ["first", "18446744073709551584"]) {
            $0.tensors[0].offset = .max - 31
        },
        Hostile("offset near 2^63", names: ["first", "only 32 bytes"]) { $0.tensors[0].offset = 1 << 62 },
        Hostile("offset outside", names: ["first", "only 32 bytes"]) { $0.tensors[0].offset = 32 },
        Hostile("data truncated", names: ["first", "truncated"]) { $0.cut = 1 },
        Hostile("directory truncated", names: ["truncated"]) { $0.cut = 90 },
        Hostile("overlap", names: ["second", "inside tensor first"]) {
            $0.tensors.append(.floats("second", shape: [8], .init(repeating: 2, count: 8)))
            $0.tensors[1].offset = 0
        },
    ]

    @Test(arguments: hostile)
    func hostileFilesAreRefusedByName(_ hostile: Hostile) throws {
        try withFile(hostile.bytes) { path in
            let error = #expect(throws: GGUFError.self) { try GGUFFile(path: path) }
            let message = try #require(error).description
            for name in hostile.names + [path] {
                #expect(message.contains(name), "\(message)")
            }
        }
    }

    /// Damage of every byte in turn: the file may still be sound, but nothing may crash.
    @Test func noDamagedByteCrashesTheReader() throws {
        var builder = GGUFBuilder()
        builder.metadata = [
            ("general.alignment", .uint32(32)),
            ("strings", .array(8, [text("a"), text("b")])),
            ("nested", .array(9, [GGUFBuilder.Field.array(0, [[1], [2]]).bytes])),
        ]
        builder.tensors = [
            .floats("a", shape: [2, 4], .init(repeating: 1, count: 8)),
            .floats("b", shape: [8], .init(repeating: 1, count: 8)),
        ]
        let sound = builder.bytes()
        var refused = 0
        for index in sound.indices {
            for value: UInt8 in [0, 1, 0x7f, 0x80, 0xff] {
                var bytes = sound
                bytes[index] = value
                try withFile(bytes) { path in
                    guard let file = try? GGUFFile(path: path) else {
                        refused += 1
                        return
                    }
                    for key in file.metadata.keys { _ = try? file.metadata.array(key)?.values() }
                    for tensor in file.tensors { _ = tensor.bytes.reduce(0, ^) }
                }
            }
        }
        #expect(refused > sound.count)
    }

    @Test func whatIsNoRegularFileIsRefused() throws {
        let folder = FileManager.default.temporaryDirectory.path
        let cases = [
            (folder, "a regular file"), ("/dev/null", "a regular file"), ("/no/such.gguf", "No such file"),
        ]
        for (path, reason) in cases {
            let error = #expect(throws: GGUFError.self) { try GGUFFile(path: path) }
            #expect(try #require(error).description.contains(reason))
        }
        try withFile([]) { path in
            let error = try #require(#expect(throws: GGUFError.self) { try GGUFFile(path: path) })
            #expect(error.description.contains("an empty file"))
        }
    }

    @Test func hostileKeysAreRefused() throws {
        let header =
            Array("GGUF".utf8) + littleEndian(UInt32(3)) + littleEndian(UInt64(0)) + littleEndian(UInt64(1))
        let rest = [UInt8](repeating: 0, count: 32)
        for (key, reason) in [
            (littleEndian(UInt64.max), "at most"), (littleEndian(UInt64(2)) + [0xc3, 0x28], "UTF-8"),
        ] {
            try withFile(header + key + rest) { path in
                let error = #expect(throws: GGUFError.self) { try GGUFFile(path: path) }
                let found = try #require(error)
                #expect(found.field == "key of metadata entry 0" && found.expected.contains(reason))
            }
        }
    }

    @Test func stringsThatAreNotUTF8AreNamed() throws {
        var builder = GGUFBuilder()
        builder.metadata = [("k", .array(8, [text("a"), littleEndian(UInt64(1)) + [0xff]]))]
        let metadata = try withFile(builder.bytes()) { try GGUFFile(path: $0) }.metadata
        let error = #expect(throws: GGUFError.self) { try metadata.strings("k") }
        #expect(try #require(error).field == "k[1]")
    }
}
