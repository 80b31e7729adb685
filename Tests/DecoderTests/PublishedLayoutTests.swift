import CheckpointFixtures
import Decoder
import Foundation
import Testing
import Weights

/// Names and shapes of GLM-4.1V-9B and AutoGLM-Phone-9B in full, which `Fixtures/Checkpoints/make_layout.py` lists. The
/// weights are a hole in a file: they take no room, and nothing is computed with them.
@Suite struct PublishedLayoutTests {
    struct Layout {
        var config: [String: Any]
        /// Shape by name.
        var tensors: [String: [Int]]

        init(scheme: String) throws {
            let url = CheckpointFixture.folder.appendingPathComponent("glm4v-9b-layout.json")
            let root = try #require(
                try JSONSerialization.jsonObject(with: Data(contentsOf: url)) as? [String: Any])
            config = try #require(root["config"] as? [String: Any])
            let schemes = try #require(root["names"] as? [String: [String: [Any]]])
            tensors = [:]
            for (pattern, entry) in try #require(schemes[scheme]) {
                let count = try #require(entry[0] as? Int)
                let shape = try #require(entry[1] as? [Int])
                for index in 0..<max(1, count) {
                    tensors[pattern.replacingOccurrences(of: "*", with: "\(index)")] = shape
                }
            }
        }

        /// Builds the decoder from a folder that is removed afterwards.
        func decoder(shards: Int) throws -> DecoderModel {
            var entries: [String] = []
            var size = 0
            for (name, shape) in tensors.sorted(by: { $0.key < $1.key }) {
                let end = size + shape.reduce(2, *)
                entries.append(
                    #""\#(name)":{"dtype":"BF16","shape":\#(shape),"data_offsets":[\#(size),\#(end)]}"#)
                size = end
            }
            let header = Data("{\(entries.joined(separator: ","))}".utf8)
            return try CheckpointBuilder(config: config).withFolder { folder in
                let path = folder + "/model.safetensors"
                var start = withUnsafeBytes(of: UInt64(header.count).littleEndian) { Data($0) }
                start += header
                try start.write(to: URL(fileURLWithPath: path))
                #expect(truncate(path, off_t(start.count + size)) == 0)
                return try DecoderModel(ModelSource(path: folder), options: .init(threads: 1, shards: shards))
            }
        }
    }

    @Test(arguments: zip(["model.language_model", "model"], [1, 2]))
    func thePublishedModelIsRead(scheme: String, shards: Int) throws {
        let layout = try Layout(scheme: scheme)
        #expect(layout.tensors.count == 704)
        let model = try layout.decoder(shards: shards)
        #expect(model.family == "glm4v" && model.layerCount == 40 && model.positionAxes == 3)
        #expect(model.hidden == 4096 && model.vocabulary == 151_552 && model.contextLength == 65_536)
    }

    @Test(arguments: ["model.language_model", "model"])
    func everyTensorOfTheTextDecoderIsMissed(scheme: String) throws {
        let layout = try Layout(scheme: scheme)
        let names = layout.tensors.keys.filter {
            !$0.contains("visual.") && (!$0.contains(".layers.") || $0.contains(".layers.0."))
        }
        #expect(names.count == 3 + 13)
        for name in names {
            var lacking = layout
            lacking.tensors[name] = nil
            let error = #expect(throws: DecoderError.self) { try lacking.decoder(shards: 1) }
            #expect(error?.description.contains("tensor \(name): ") == true, "\(name)")
        }
    }
}
