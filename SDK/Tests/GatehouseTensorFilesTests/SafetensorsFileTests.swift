import Foundation
import GatehouseTensorFiles
import Testing

@Suite struct SafetensorsFileTests {
    private func open(_ builder: SafetensorsBuilder) throws -> SafetensorsFile {
        try withFolder(["t.safetensors": builder.bytes()]) {
            try SafetensorsFile(path: "\($0)/t.safetensors")
        }
    }

    @Test func tensorsAreViewsOfTheirBytes() throws {
        // The file is gone by the time the views are read: they hold the mapping.
        let file = try open(.sound)
        #expect(file.metadata == ["format": "pt"])
        #expect(file.tensors.map(\.name) == ["a", "b"])
        let first = try #require(file.tensor(named: "a"))
        #expect(first.type == .f32 && first.shape == [2, 3] && first.count == 6)
        #expect(Array(first.bytes) == Array(0..<24))
        let second = try #require(file.tensor(named: "b"))
        #expect(second.type == .bf16 && second.shape == [2] && Array(second.bytes) == [24, 25, 26, 27])
        #expect(file.tensor(named: "c") == nil && file.byteCount == SafetensorsBuilder.sound.bytes().count)
    }

    @Test func emptyTensorsAndSingleNumbersAreRead() throws {
        var builder = SafetensorsBuilder.sound
        builder.entries += [
            .init(name: "scalar", type: "I8", shape: "[]", offsets: "[28, 29]"),
            .init(name: "nothing", shape: "[0, 9223372036854775807]", offsets: "[28, 28]"),
        ]
        builder.data.append(7)
        let file = try open(builder)
        #expect(file.tensors.map(\.name) == ["a", "b", "nothing", "scalar"])
        #expect(file.tensor(named: "scalar").map { Array($0.bytes) } == [7])
        #expect(file.tensor(named: "nothing")?.count == 0)
        #expect(try open(SafetensorsBuilder(metadata: nil)).tensors.isEmpty)
    }

    @Test func everyTypeHasItsSize() throws {
        for (name, size) in [
            "BOOL": 1, "U8": 1, "I8": 1, "F8_E4M3": 1, "F8_E5M2": 1, "F8_E8M0": 1, "U16": 2, "I16": 2,
            "F16": 2,
            "BF16": 2, "U32": 4, "I32": 4, "F32": 4, "U64": 8, "I64": 8, "F64": 8, "C64": 8,
        ] {
            var builder = SafetensorsBuilder()
            builder.entries = [.init(name: "t", type: name, shape: "[3]", offsets: "[0, \(3 * size)]")]
            builder.data = [UInt8](repeating: 1, count: 3 * size)
            let tensor = try #require(try open(builder).tensor(named: "t"))
            #expect(tensor.type.rawValue == name && tensor.count == 3)
        }
    }

    /// A file that must be refused, with what the message has to name.
    struct Hostile: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var names: [String]
        var bytes: [UInt8]

        init(_ description: String, names: [String], _ damage: (inout SafetensorsBuilder) -> Void) {
            var builder = SafetensorsBuilder.sound
            damage(&builder)
            testDescription = description
            self.names = names
            bytes = builder.bytes()
        }
    }

    static let hostile: [Hostile] = [
        Hostile("length near 2^64", names: ["header length", "18446744073709551608"]) {
            $0.headerLength = .max - 7
        },
        Hostile("length near 2^63", names: ["header length", "9223372036854775807"]) {
            $0.headerLength = UInt64(Int.max)
        },
        Hostile("length beyond the file", names: ["header length", "truncated"]) { $0.headerLength = 1000 },
        Hostile("length 0", names: ["header:", "nothing"]) { $0.headerLength = 0 },
        Hostile("length too short", names: ["header:", "valid JSON"]) { $0.headerLength = 20 },
        Hostile("no JSON", names: ["header:", "byte 91"]) { $0.header = "[]" },
        Hostile("nesting", names: ["header:", "256 nested levels"]) {
            $0.header = String(repeating: "{\"a\":", count: 100_000)
        },
        Hostile("name twice", names: ["header:", "the key \"a\" a second time"]) { $0.entries[1].name = "a" },
        Hostile("name in two spellings", names: ["tensor", "the name twice"]) {
            $0.entries[0].name = "\u{E9}"
            $0.entries[1].name = "e\u{301}"
        },
        Hostile("metadata is no object", names: ["__metadata__", "array"]) { $0.metadata = "[]" },
        Hostile("metadata of numbers", names: ["__metadata__.a", "a string", "the number 1"]) {
            $0.metadata = #"{"a": 1}"#
        },
        Hostile("an entry that is no object", names: ["tensor a", "an object"]) {
            $0.header = #"{"a": 1}"#
        },
        Hostile("type", names: ["tensor a.dtype", "F32", "\"Q4\""]) { $0.entries[0].type = "Q4" },
        Hostile("no shape", names: ["tensor a.shape", "null"]) { $0.entries[0].shape = "null" },
        Hostile("negative extent", names: ["tensor a.shape", "-2"]) { $0.entries[0].shape = "[-2, -3]" },
        Hostile("half an extent", names: ["tensor a.shape", "2.5"]) { $0.entries[0].shape = "[2.5]" },
        Hostile("extent near 2^64", names: ["tensor a.shape", "18446744073709551615"]) {
            $0.entries[0].shape = "[18446744073709551615]"
        },
        Hostile("extents overflow", names: ["tensor a", "below 2^63"]) {
            $0.entries[0].shape = "[4294967296, 4294967296, 4294967296]"
        },
        Hostile("product that wraps around to the size", names: ["tensor a", "below 2^63"]) {
            $0.entries[0].shape = "[4611686018427387905, 6]"  // times 4 bytes: 24 modulo 2^64
        },
        Hostile("shape and bytes differ", names: ["tensor a", "28 bytes", "24 bytes"]) {
            $0.entries[0].shape = "[7]"
        },
        Hostile("one offset", names: ["tensor a.data_offsets", "two offsets"]) {
            $0.entries[0].offsets = "[0]"
        },
        Hostile("offsets of text", names: ["tensor a.data_offsets"]) {
            $0.entries[0].offsets = "[\"0\", 24]"
        },
        Hostile("misordered offsets", names: ["tensor a.data_offsets", "[24, 0]"]) {
            $0.entries[0].offsets = "[24, 0]"
        },
        Hostile("negative offset", names: ["tensor a.data_offsets", "-4"]) {
            $0.entries[0].offsets = "[-4, 20]"
        },
        Hostile("offset near 2^64", names: ["tensor b.data_offsets", "18446744073709551615"]) {
            $0.entries[1].offsets = "[18446744073709551611, 18446744073709551615]"
        },
        Hostile("offset beyond 2^64", names: ["tensor b.data_offsets"]) {
            $0.entries[1].offsets = "[24, 18446744073709551620]"
        },
        Hostile("end outside", names: ["tensor b.data_offsets", "28 bytes", "[24, 30]"]) {
            $0.entries[1].offsets = "[24, 30]"
        },
        Hostile("overlap", names: ["tensor b", "offset 24", "offset 20", "overlaps"]) {
            $0.entries[1].offsets = "[20, 24]"
        },
        Hostile("the same bytes", names: ["overlaps"]) {
            $0.entries[1] = .init(name: "b", shape: "[2, 3]", offsets: "[0, 24]")
        },
        Hostile("hole", names: ["tensor b", "offset 26", "a hole"]) {
            $0.entries[1].offsets = "[26, 30]"
            $0.data += [0, 0]
        },
        Hostile("bytes after the end", names: ["file:", "the end of the last tensor"]) { $0.data += [0] },
        Hostile("truncated data", names: ["tensor b.data_offsets", "27 bytes"]) { $0.cut = 1 },
        Hostile("truncated length", names: ["header length", "8 bytes", "a file of 7"]) {
            $0.cut = $0.bytes().count - 7
        },
    ]

    @Test(arguments: hostile)
    func hostileFilesAreRefusedByName(_ hostile: Hostile) throws {
        try withFolder(["hostile.safetensors": hostile.bytes]) { folder in
            let error = #expect(throws: TensorFileError.self) {
                try SafetensorsFile(path: "\(folder)/hostile.safetensors")
            }
            let message = try #require(error).description
            for name in hostile.names + ["hostile.safetensors"] {
                #expect(message.contains(name), "\(message)")
            }
        }
    }

    /// Random damage from a fixed seed: the file may still be sound, but nothing may crash, and what is handed out lies
    /// inside the file.
    @Test func noRandomDamageCrashesTheReader() throws {
        var generator = SplitMix64(state: 20)
        let sound = SafetensorsBuilder.sound.bytes()
        var refused = 0
        let rounds = 1000
        try withFolder([:]) { folder in
            let path = "\(folder)/damaged.safetensors"
            for _ in 0..<rounds {
                let bytes = Self.damaged(sound, &generator)
                // Foundation's ways of writing a file wait for the disk.
                let stream = try #require(fopen(path, "w"))
                #expect(fwrite(bytes, 1, bytes.count, stream) == bytes.count && fclose(stream) == 0)
                guard let file = try? SafetensorsFile(path: path) else {
                    refused += 1
                    continue
                }
                let total = file.tensors.reduce(0) { $0 + $1.bytes.count }
                #expect(total <= bytes.count - 8)
                for tensor in file.tensors { _ = tensor.bytes.reduce(0, ^) }
            }
        }
        // Some damage only changes data or metadata.
        #expect(refused > rounds / 2 && refused < rounds)
    }

    private static func damaged(_ sound: [UInt8], _ generator: inout SplitMix64) -> [UInt8] {
        var bytes = sound
        for _ in 0..<Int.random(in: 1...3, using: &generator) {
            let place = Int.random(in: 0..<bytes.count, using: &generator)
            switch Int.random(in: 0..<8, using: &generator) {
            case 0: bytes.removeSubrange((place + 1)...)
            case 1...2: bytes[place] = UInt8.random(in: 0...255, using: &generator)
            case 3...4: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
            // Digits and brackets make damage that is still JSON.
            default: bytes[place] = Array("0123456789[],{}-.e\"".utf8).randomElement(using: &generator) ?? 0
            }
        }
        return bytes
    }
}

/// A small random number generator; tests give the seed.
struct SplitMix64: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
