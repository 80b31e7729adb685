import CImageFiles
import GatehouseNumerics

/// Media types that are decoded.
public enum PictureFormat: String, Sendable, CaseIterable {
    case png = "image/png"
    case jpeg = "image/jpeg"
    case webp = "image/webp"

    var name: String {
        switch self {
        case .png: "PNG"
        case .jpeg: "JPEG"
        case .webp: "WebP"
        }
    }

    fileprivate var code: ImageFormat {
        switch self {
        case .png: IMAGE_PNG
        case .jpeg: IMAGE_JPEG
        case .webp: IMAGE_WEBP
        }
    }
}

/// How large a file and its picture may be.
public enum PictureLimits {
    public static let mostBytes = 64 << 20
    /// A side of the picture, in pixels; no codec here knows longer ones.
    public static let mostSide = 65535
    /// Pixels in all: three bytes each, and as many again while they are turned or resized.
    public static let mostPixels = 64 << 20
}

extension PixelImage {
    /// Decodes a file to RGB: upright as its EXIF block says, on white where it is transparent, CMYK and 16 bits as Pillow
    /// has them, of an animation the first frame.
    public init(
        decoding bytes: UnsafeRawBufferPointer, as format: PictureFormat,
        isCancelled: @escaping () -> Bool = { false }
    ) throws(PictureError) {
        guard !bytes.isEmpty else { throw .badInput("the image has no bytes") }
        guard bytes.count <= PictureLimits.mostBytes else {
            throw .badInput(
                "the image has \(bytes.count) bytes: at most \(PictureLimits.mostBytes) are taken")
        }
        let data = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
        let found = image_format(data, Int64(bytes.count))
        guard found == format.code else {
            let name =
                PictureFormat.allCases.first { $0.code == found }?.name ?? "neither PNG nor JPEG nor WebP"
            throw .badInput("the bytes are \(name), but the media type says \(format.rawValue)")
        }
        var image = Image()
        let poll = Poll(isCancelled)
        var limits = ImageLimits(
            most_side: Int64(PictureLimits.mostSide), most_pixels: Int64(PictureLimits.mostPixels),
            cancelled: { context in
                context.map { Unmanaged<Poll>.fromOpaque($0).takeUnretainedValue().isCancelled() ? 1 : 0 }
                    ?? 0
            }, context: Unmanaged.passUnretained(poll).toOpaque())
        let status = withExtendedLifetime(poll) {
            image_decode(format.code, data, Int64(bytes.count), &limits, &image)
        }
        defer { image_free(&image) }
        let message = withUnsafeBytes(of: image.message) {
            String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
        }
        switch status {
        case IMAGE_OK: break
        case IMAGE_CANCELLED: throw .cancelled
        case IMAGE_NO_MEMORY: throw .outOfMemory(message)
        default: throw .badInput(message)
        }
        self.init(upright: image)
    }

    /// - Precondition: `image` has pixels of 3 or 4 channels.
    private init(upright image: Image) {
        let (width, height) = (Int(image.width), Int(image.height))
        let turned = Orientation(image.orientation, width: width, height: height)
        let samples = [UInt8](unsafeUninitializedCapacity: width * height * 3) { buffer, count in
            count = width * height * 3
            guard let pixels = image.pixels, let output = buffer.baseAddress else { return }
            if image.channels == 3, turned.isUpright {
                output.update(from: pixels, count: count)
                return
            }
            let channels = Int(image.channels)
            for y in 0..<height {
                var from = pixels + y * width * channels
                var place = turned.start + y * turned.down
                for _ in 0..<width {
                    let to = output + place * 3
                    if channels == 3 {
                        for channel in 0..<3 { to[channel] = from[channel] }
                    } else {
                        let alpha = Int(from[3])
                        for channel in 0..<3 {
                            to[channel] = UInt8(
                                (Int(from[channel]) * alpha + 255 * (255 - alpha) + 127) / 255)
                        }
                    }
                    from += channels
                    place += turned.right
                }
            }
        }
        self.init(
            width: turned.isSideways ? height : width, height: turned.isSideways ? width : height,
            channels: 3,
            samples: samples)
    }
}

/// Where the pixels of a file go so that the picture stands upright: CIPA DC-008, "Exchangeable image file format", tag
/// Orientation.
private struct Orientation {
    /// Of the file's first pixel in the upright picture.
    let start: Int
    /// From a pixel to the next in its row of the file.
    let right: Int
    /// From a pixel to the one below it in the file.
    let down: Int
    let isSideways: Bool
    let isUpright: Bool

    init(_ code: Int32, width: Int, height: Int) {
        isUpright = code == 1
        isSideways = code >= 5
        let last = width * height - 1
        switch code {
        case 2: (start, right, down) = (width - 1, -1, width)
        case 3: (start, right, down) = (last, -1, -width)
        case 4: (start, right, down) = ((height - 1) * width, 1, -width)
        case 5: (start, right, down) = (0, height, 1)
        case 6: (start, right, down) = (height - 1, height, -1)
        case 7: (start, right, down) = (last, -height, -1)
        case 8: (start, right, down) = ((width - 1) * height, -height, 1)
        default: (start, right, down) = (0, 1, width)
        }
    }
}

/// A closure that C can carry.
private final class Poll {
    let isCancelled: () -> Bool

    init(_ isCancelled: @escaping () -> Bool) { self.isCancelled = isCancelled }
}
