import Foundation
import GatehouseJSON
import GatehouseNumerics
import Testing

import Pictures

/// Processors against those of transformers: see `make_images.py`.
@Suite struct ImageProcessorTests {
    private let team: ThreadTeam

    init() throws { team = try ThreadTeam(threads: 2) }

    private func processor(_ json: String, _ kind: ImageProcessor.Kind) throws -> ImageProcessor {
        try ImageProcessor(
            ConfigurationFile(path: "preprocessor_config.json", values: JSONValue(parsing: json.utf8)),
            kind: kind)
    }

    /// The greatest difference, in levels of 255.
    private func levelsApart(_ values: [Float], _ reference: [Float], _ deviations: [Float]) -> Float {
        #expect(values.count == reference.count)
        let channel = { $0 * 3 / values.count }
        return values.indices.map { abs(values[$0] - reference[$0]) * deviations[channel($0)] * 255 }.max()
            ?? .infinity
    }

    @Test func picturesForViTAreThoseOfTheReference() throws {
        let processor = try processor(
            #"{"size": {"height": 32, "width": 48}, "image_mean": [0.4, 0.5, 0.6], "image_std": [0.2, 0.3, 0.4]}"#,
            .vit)
        let image = try processor.resized(Files.decoded("noise.png"), team)
        #expect(image.height == 32 && image.width == 48)
        let values = (0..<3).flatMap { channel in
            (0..<32 * 48).map { processor.levels[channel * 256 + Int(image.samples[$0 * 3 + channel])] }
        }
        #expect(levelsApart(values, try floats("vit"), [0.2, 0.3, 0.4]) < 0.01)
    }

    @Test func picturesForGLMAreThoseOfTheReference() throws {
        let processor = try processor(
            #"{"size": {"shortest_edge": 1568, "longest_edge": 6272}, "patch_size": 14, "merge_size": 2}"#,
            .glm4v(patch: 14, merge: 2))
        let image = try processor.resized(Files.decoded("noise.png"), team)
        let grid = PatchGrid(height: image.height, width: image.width, patch: 14, merge: 2)
        let found = try #require(try Files.references().tensor(named: "glm4v.grid"))
        #expect(integers(found) == [1, grid.rows, grid.columns])
        let rows = Matrix(rows: grid.count, columns: 3 * 14 * 14)
        grid.gather(image, 0..<grid.count, levels: processor.levels, team, into: rows)
        // The reference has each channel twice, once for each frame.
        let reference = try floats("glm4v")
        let area = 14 * 14
        let deviations: [Float] = [0.26862954, 0.26130258, 0.27577711]
        var furthest: Float = 0
        for patch in 0..<grid.count {
            for channel in 0..<3 {
                for frame in 0..<2 {
                    for pixel in 0..<area {
                        let expected = reference[((patch * 3 + channel) * 2 + frame) * area + pixel]
                        let difference = abs(rows.row(patch)[channel * area + pixel] - expected)
                        furthest = max(furthest, difference * deviations[channel] * 255)
                    }
                }
            }
        }
        #expect(furthest < 0.01)
    }

    @Test func theSmartSizeIsThatOfTheReference() throws {
        let cases = try #require(try Files.references().tensor(named: "smart_resize"))
        let numbers = integers(cases)
        for row in stride(from: 0, to: numbers.count, by: 6) {
            let resize = SmartResize(
                frames: 2, factor: 28, leastPixels: numbers[row + 2], mostPixels: numbers[row + 3])
            let size = try resize.size(height: numbers[row], width: numbers[row + 1])
            #expect(size == (numbers[row + 4], numbers[row + 5]))
        }
    }

    @Test func aPictureThatIsTooLongIsRefused() throws {
        let resize = SmartResize(frames: 2, factor: 28, leastPixels: 1, mostPixels: 1 << 30)
        #expect(
            throws: PictureError.badInput(
                "the image is 5628 × 28 pixels: its longer side may be 200 times its shorter one at most")
        ) { try resize.size(height: 28, width: 5628) }
    }

    @Test func theShorterSideMayBeGiven() throws {
        let processor = try processor(#"{"size": {"shortest_edge": 30}, "resample": 3}"#, .vit)
        let image = try processor.resized(Files.decoded("noise.png"), team)
        #expect(image.height == 30 && image.width == 40)
        #expect(try self.processor(#"{"do_resize": false}"#, .vit).size == .own)
        #expect(try self.processor(#"{"size": 99}"#, .vit).size == .fixed(height: 99, width: 99))
    }

    @Test(
        arguments: zip(
            [
                #"{"resample": 5}"#, #"{"do_center_crop": true}"#, #"{"size": {"height": 10}}"#,
                #"{"image_mean": [1, 2]}"#, #"{"image_std": [1, 0, 1]}"#, #"{"size": 0}"#,
                #"{"size": {"height": 20000, "width": 1}}"#, #"{"do_resize": "no"}"#,
            ],
            [
                "resample: expected 1 (Lanczos), 2 (bilinear) or 3 (bicubic), found the number 5",
                "do_center_crop: expected false, found true",
                "size.width: expected a whole number from 1 to 16777216, found nothing",
                "image_mean: expected a number for each of 3 channels, found an array of 2",
                "image_std: expected numbers other than 0, found an array of 3",
                "size: expected pixels from 1 to 16384, found 0",
                "size.height: expected pixels from 1 to 16384, found 20000",
                "do_resize: expected true or false, found \"no\"",
            ]))
    func whatTheProcessorDoesNotDoIsRefusedByItsKey(_ json: String, _ message: String) {
        #expect {
            try processor(json, .vit)
        } throws: {
            String(describing: $0) == "preprocessor_config.json: \(message)"
        }
    }

    @Test func aProcessorOfOtherPatchesThanTheEncoderIsRefused() {
        #expect {
            try processor(#"{"patch_size": 16}"#, .glm4v(patch: 14, merge: 2))
        } throws: {
            String(describing: $0)
                == "preprocessor_config.json: patch_size: expected 14, as config.json says, found the number 16"
        }
    }

    private func integers(_ tensor: SafetensorsTensor) -> [Int] {
        (0..<tensor.count).map { Int(tensor.bytes.loadUnaligned(fromByteOffset: 4 * $0, as: Int32.self)) }
    }

    private func floats(_ name: String) throws -> [Float] {
        let tensor = try #require(try Files.references().tensor(named: name))
        return [Float](unsafeUninitializedCapacity: tensor.count) { buffer, count in
            if let base = buffer.baseAddress { FloatFormat.float32.widen(tensor.bytes, into: base) }
            count = tensor.count
        }
    }
}
