import Foundation
import TestSupport
import Testing
import Weights

@Suite struct GGUFWriterTests {
    private func written(_ writer: GGUFWriter) throws -> [UInt8] {
        var bytes: [UInt8] = []
        try writer.write { bytes += $0 }
        return bytes
    }

    private func plan(_ name: String, shape: [Int], type: TensorType, _ bytes: [UInt8])
        -> GGUFWriter.TensorPlan
    {
        GGUFWriter.TensorPlan(name: name, shape: shape, type: type) { append in
            // In two pieces, as encoders hand them over.
            try Array(bytes.prefix(3)).withUnsafeBytes(append)
            try Array(bytes.dropFirst(3)).withUnsafeBytes(append)
        }
    }

    private static let entries: [GGUFEntry] = [
        .value("u8", UInt8(200)), .value("i8", Int8(-1)), .value("u16", UInt16(65_535)),
        .value("i16", Int16(-2)), .value("u32", UInt32(4_000_000_000)), .value("i32", Int32(-3)),
        .value("u64", UInt64.max), .value("i64", Int64.min), .value("f32", Float(0.5)), .value("f64", -0.25),
        .value("bool", true), .string("string", "żółw"), .strings("strings", ["a", "", "ü"]),
        .values("integers", [Int32(-1), 7]), .values("floats", [Float(1.5)]),
        .values("flags", [true, false]), .values("none", [UInt32]()),
    ]

    @Test func everyKindOfMetadataReadsBack() throws {
        let bytes = try written(GGUFWriter(entries: Self.entries, tensors: []))
        let metadata = try withFile(bytes) { try GGUFFile(path: $0) }.metadata
        #expect(metadata.keys == Self.entries.map(\.key))
        let numbers = ["u8": 200, "i8": -1, "u16": 65_535, "i16": -2, "u32": 4_000_000_000, "i32": -3]
        for (key, value) in numbers { #expect(try metadata.integer(key) == value, "\(key)") }
        guard case .unsigned(let largest) = metadata["u64"] else {
            Issue.record("u64 is no unsigned integer")
            return
        }
        #expect(largest == .max)
        #expect(try metadata.integer("i64") == .min)
        #expect(try metadata.float("f32") == 0.5)
        #expect(try metadata.float("f64") == -0.25)
        #expect(try metadata.bool("bool") == true)
        #expect(try metadata.string("string") == "żółw")
        #expect(try metadata.strings("strings") == ["a", "", "ü"])
        #expect(try metadata.integers("integers") == [-1, 7])
        #expect(try metadata.floats("floats") == [1.5])
        #expect(try metadata.array("flags")?.values().map(\.description) == ["true", "false"])
        #expect(try metadata.integers("none") == [])
    }

    @Test func entriesOfOneFileStandUnchangedInAnother() throws {
        var builder = GGUFBuilder()
        let nested = GGUFBuilder.Field.array(9, [GGUFBuilder.Field.array(0, [[1], [2]]).bytes])
        builder.metadata = [("nested", nested), ("u16", .init(type: 2, bytes: littleEndian(UInt16(5))))]
        builder.tensors = [.floats("t", shape: [8], .init(repeating: 1, count: 8))]
        let source = builder.bytes()
        let file = try withFile(source) { try GGUFFile(path: $0) }
        let entries = file.metadata.keys.compactMap { file.metadata.entry($0) }
        let tensor = try #require(file.tensors.first)
        let copy = try written(
            GGUFWriter(
                entries: entries, tensors: [plan("t", shape: [8], type: .f32, Array(tensor.bytes))]))
        #expect(copy == source)
        #expect(file.metadata.entry("absent") == nil)
    }

    @Test func tensorsReadBackWithTheirShapes() throws {
        let blocks = (0..<34 * 3).map { UInt8($0) }
        let floats: [UInt8] = Array(0..<20)
        let bytes = try written(
            GGUFWriter(
                entries: [],
                tensors: [
                    plan("blocks", shape: [3, 32], type: .q8_0, blocks),
                    plan("vector", shape: [5], type: .f32, floats),
                ]))
        let file = try withFile(bytes) { try GGUFFile(path: $0) }
        #expect(file.tensors.map(\.name) == ["blocks", "vector"])
        #expect(file.tensor(named: "blocks")?.shape == [3, 32])
        #expect(file.tensor(named: "blocks").map { Array($0.bytes) } == blocks)
        #expect(file.tensor(named: "vector").map { Array($0.bytes) } == floats)
    }
}
