import Foundation
import GatehouseTensorFiles
import Testing

@Suite struct SafetensorsCheckpointTests {
    private static func shard(_ name: String, value: UInt8) -> [UInt8] {
        SafetensorsBuilder(
            entries: [.init(name: name, type: "U8", shape: "[2]", offsets: "[0, 2]")], data: [value, value]
        ).bytes()
    }

    private static func index(_ map: [String: String]) -> [UInt8] {
        let entries = map.sorted { $0.key < $1.key }.map { "\"\($0.key)\": \"\($0.value)\"" }
        return Array("{\"metadata\": {}, \"weight_map\": {\(entries.joined(separator: ", "))}}".utf8)
    }

    private static let shards = [
        "one.safetensors": shard("a", value: 1), "two.safetensors": shard("b", value: 2),
    ]

    @Test func aFileAndAFolderOfOneAreRead() throws {
        try withFolder([SafetensorsCheckpoint.fileName: SafetensorsBuilder.sound.bytes()]) { folder in
            for path in [folder, "\(folder)/\(SafetensorsCheckpoint.fileName)"] {
                let checkpoint = try SafetensorsCheckpoint(path: path)
                #expect(checkpoint.tensors.map(\.name) == ["a", "b"])
            }
        }
    }

    @Test func shardsAreReadAsOne() throws {
        var files = Self.shards
        files[SafetensorsCheckpoint.indexName] = Self.index(["a": "one.safetensors", "b": "two.safetensors"])
        try withFolder(files) { folder in
            let checkpoint = try SafetensorsCheckpoint(path: folder)
            #expect(checkpoint.files.count == 2 && checkpoint.tensors.map(\.name) == ["a", "b"])
            #expect(checkpoint.tensor(named: "b").map { Array($0.bytes) } == [2, 2])
            #expect(checkpoint.tensor(named: "c") == nil)
        }
    }

    /// A folder that must be refused, with what the message has to name.
    struct Hostile: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var names: [String]
        var index: [UInt8]

        init(_ description: String, names: [String], index: String) {
            self.init(description, names: names, bytes: Array(index.utf8))
        }

        init(_ description: String, names: [String], bytes: [UInt8]) {
            testDescription = description
            self.names = names
            index = bytes
        }
    }

    static let hostile: [Hostile] =
        [
            Hostile("no JSON", names: ["index.json", "valid JSON"], index: "{"),
            Hostile("no map", names: ["weight_map", "nothing"], index: "{}"),
            Hostile("an empty map", names: ["weight_map"], index: #"{"weight_map": {}}"#),
            Hostile(
                "a file that is missing", names: ["three.safetensors", "No such file"],
                bytes: index(["a": "three.safetensors"])),
            Hostile(
                "a tensor that its file lacks", names: ["tensor c", "one.safetensors", "no such tensor"],
                bytes: index(["a": "one.safetensors", "c": "one.safetensors"])),
            Hostile(
                "a tensor twice", names: ["a second time"],
                index: #"{"weight_map": {"a": "one.safetensors", "a": "two.safetensors"}}"#),
            Hostile(
                "a tensor in two files", names: ["tensor a", "copy.safetensors", "one.safetensors"],
                bytes: index(["a": "one.safetensors", "d": "copy.safetensors"])),
            Hostile(
                "a number", names: ["weight_map[\"a\"]", "the number 1"],
                index: #"{"weight_map": {"a": 1}}"#),
        ]
        + [
            "", ".", "..", "../one.safetensors", "/etc/passwd", "x/../one.safetensors",
            "one.safetensors\\u0000",
        ]
        .map {
            Hostile(
                "the name \"\($0)\"", names: ["weight_map[\"a\"]", "beside the index"],
                bytes: index(["a": $0]))
        }

    @Test(arguments: hostile)
    func hostileIndexesAreRefusedByName(_ hostile: Hostile) throws {
        var files = Self.shards
        files[SafetensorsCheckpoint.indexName] = hostile.index
        files["copy.safetensors"] = SafetensorsBuilder(
            entries: [
                .init(name: "a", type: "U8", shape: "[1]", offsets: "[0, 1]"),
                .init(name: "d", type: "U8", shape: "[1]", offsets: "[1, 2]"),
            ], data: [0, 0]
        ).bytes()
        try withFolder(files) { folder in
            let error = #expect(throws: TensorFileError.self) { try SafetensorsCheckpoint(path: folder) }
            let message = try #require(error).description
            for name in hostile.names { #expect(message.contains(name), "\(message)") }
        }
    }

    @Test func whatHoldsNoWeightsIsRefused() throws {
        try withFolder([:]) { folder in
            let error = #expect(throws: TensorFileError.self) { try SafetensorsCheckpoint(path: folder) }
            let message = try #require(error).description
            #expect(message.contains("model.safetensors.index.json, found neither"))
            #expect(throws: TensorFileError.self) { try SafetensorsCheckpoint(path: "\(folder)/nowhere") }
        }
        for path in ["/dev/null", "/dev/zero"] {
            let error = #expect(throws: TensorFileError.self) { try SafetensorsCheckpoint(path: path) }
            let message = try #require(error).description
            #expect(message.contains("a regular file"))
        }
    }
}
