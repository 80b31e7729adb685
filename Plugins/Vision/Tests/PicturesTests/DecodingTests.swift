import Foundation
import GatehouseNumerics
import Testing

import Pictures

/// Decoding against Pillow: see `make_images.py`.
@Suite struct DecodingTests {
    static let names = [
        "rgb.png", "grey.png", "bilevel.png", "palette.png", "palette-alpha.png", "alpha.png",
        "grey-alpha.png",
        "one-pixel.png", "rgb16.png", "grey16.png", "rgb-0.jpg", "rgb-2.jpg", "progressive.jpg", "grey.jpg",
        "cmyk.jpg", "orientation-6.png", "orientation-6.webp", "lossless.webp", "lossy.webp", "alpha.webp",
        "animated.webp", "animated.png",
    ]

    @Test(arguments: names + (1...8).map { "orientation-\($0).jpg" })
    func everyFormIsSeenAsByTheReference(_ name: String) throws {
        let image = try Files.decoded(name)
        let reference = try #require(try Files.references().tensor(named: name))
        #expect([image.height, image.width, image.channels] == reference.shape)
        let furthest = zip(image.samples, reference.bytes).map { abs(Int($0) - Int($1)) }.max()
        // What is blended with white may be rounded the other way.
        #expect(try #require(furthest) <= (name.contains("alpha") || name == "animated.webp" ? 1 : 0))
    }

    @Test(
        arguments: zip(
            [
                "huge.png", "huge.jpg", "bomb.png", "cut.png", "cut.jpg", "cut.webp", "cut-header.jpg",
                "damaged.png",
            ],
            [
                "the image is 20000 × 20000 pixels: at most 65535 on a side and 67108864 in all are taken",
                "the image is 20000 × 20000 pixels: at most 65535 on a side and 67108864 in all are taken",
                "the PNG is damaged: Not enough image data", "the PNG is damaged: it is cut short",
                "the JPEG is damaged: Premature end of JPEG file", "the WebP is damaged or cut short",
                "the JPEG is damaged: Premature end of JPEG file", "the PNG is damaged: IDAT: CRC error",
            ]))
    func whatCannotBeDecodedIsRefusedWithTheReason(_ name: String, _ message: String) throws {
        #expect(throws: PictureError.badInput(message)) { try Files.decoded(name) }
    }

    @Test func aFileOfAnotherTypeIsRefusedWithBoth() throws {
        #expect(throws: PictureError.badInput("the bytes are JPEG, but the media type says image/png")) {
            try Files.decoded("rgb-0.jpg", as: .png)
        }
        #expect(
            throws: PictureError.badInput(
                "the bytes are neither PNG nor JPEG nor WebP, but the media type says image/webp")
        ) {
            try Files.decoded("references.safetensors", as: .webp)
        }
        #expect(throws: PictureError.badInput("the image has no bytes")) {
            try PixelImage(decoding: UnsafeRawBufferPointer(start: nil, count: 0), as: .png)
        }
    }

    @Test(arguments: ["noise.png", "rgb-0.jpg", "progressive.jpg", "lossy.webp"])
    func aCancelledCallDecodesNothing(_ name: String) throws {
        #expect(throws: PictureError.cancelled) { try Files.decoded(name, isCancelled: { true }) }
    }

    @Test(arguments: [
        "rgb.png", "palette-alpha.png", "rgb-0.jpg", "progressive.jpg", "cmyk.jpg", "alpha.webp",
        "animated.webp",
    ])
    func noDamageDoesMoreThanFail(_ name: String) throws {
        let sound = try Data(contentsOf: Files.url(name))
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<300 {
            var bytes = [UInt8](sound)
            for _ in 0..<Int.random(in: 1...6, using: &generator) {
                bytes[Int.random(in: 0..<bytes.count, using: &generator)] = UInt8.random(
                    in: 0...255, using: &generator)
            }
            if Bool.random(using: &generator) {
                bytes.removeLast(Int.random(in: 0..<bytes.count, using: &generator))
            }
            // Either it is refused, or there is a picture of its size.
            if let image = try? bytes.withUnsafeBytes({ try PixelImage(decoding: $0, as: Files.format(name)) }
            ) {
                #expect(image.samples.count == image.width * image.height * 3)
            }
        }
    }
}

/// The files beside the tests.
enum Files {
    static func url(_ name: String) -> URL {
        URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("images/\(name)")
    }

    static func references() throws -> SafetensorsFile {
        try SafetensorsFile(path: url("references.safetensors").path)
    }

    static func format(_ name: String) -> PictureFormat {
        name.hasSuffix(".jpg") ? .jpeg : name.hasSuffix(".webp") ? .webp : .png
    }

    static func decoded(
        _ name: String, as format: PictureFormat? = nil, isCancelled: @escaping () -> Bool = { false }
    ) throws -> PixelImage {
        try Data(contentsOf: url(name)).withUnsafeBytes {
            try PixelImage(decoding: $0, as: format ?? self.format(name), isCancelled: isCancelled)
        }
    }
}
