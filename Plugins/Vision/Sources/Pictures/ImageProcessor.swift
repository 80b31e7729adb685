import GatehouseJSON
import GatehouseNumerics

/// What `preprocessor_config.json` of a checkpoint says: how a picture is resized and normalised for its encoder. Means and
/// values are those of Hugging Face's ViTImageProcessor and Glm4vImageProcessor.
public struct ImageProcessor: Sendable {
    /// The size that a picture is brought to.
    public enum Size: Sendable, Equatable {
        /// As it is.
        case own
        case fixed(height: Int, width: Int)
        /// The shorter side, the longer one in proportion.
        case shorter(Int)
        /// Multiples of `factor` near the picture's own, its area within bounds.
        case smart(SmartResize)
    }

    public var size: Size
    public let filter: ResamplingFilter
    /// What each 8-bit sample becomes, `[3, 256]`.
    public let levels: [Float]

    /// - Throws: where the file asks for what the processors named above do not do.
    public init(_ file: ConfigurationFile, kind: Kind) throws(TensorFileError) {
        let resample = try file.number("resample", default: kind == .vit ? 2 : 3)
        guard let filter = Int(exactly: resample).flatMap({ ResamplingFilter(rawValue: $0) }) else {
            throw file.error(
                "resample", "1 (Lanczos), 2 (bilinear) or 3 (bicubic)", file.summary("resample"))
        }
        self.filter = filter
        if try file.flag("do_center_crop", default: false) {
            throw file.error("do_center_crop", "false", "true")
        }
        levels = try Self.levels(file, kind)
        if try !file.flag("do_resize", default: true) {
            size = .own
            return
        }
        switch kind {
        case .vit: size = try Self.fixedSize(file)
        case .glm4v(let patch, let merge):
            // As the file itself says it, which has to fit the encoder.
            for (key, extent) in [("patch_size", patch), ("merge_size", merge)]
            where try file.extent(key, default: extent) != extent {
                throw file.error(key, "\(extent), as config.json says", file.summary(key))
            }
            size = .smart(try Self.smartResize(file, factor: patch * merge))
        }
    }

    /// A bicubic processor that rescales to 0 … 1 and normalises. Errors call the file `path`.
    public init(
        mean: [Float], deviation: [Float], size: Size, path: String
    ) throws(TensorFileError) {
        precondition(mean.count == 3 && deviation.count == 3, "three channels")
        guard deviation.allSatisfy({ $0 != 0 }) else {
            throw TensorFileError(
                path: path, field: "image_std", expected: "numbers other than 0", found: "\(deviation)")
        }
        self.size = size
        filter = .bicubic
        levels = (0..<3).flatMap { channel in
            (0..<256).map { (Float($0) / 255 - mean[channel]) / deviation[channel] }
        }
    }

    /// Whose processor.
    public enum Kind: Sendable, Equatable {
        case vit
        /// The encoder's patch, in pixels, and how many patches of a side become one row.
        case glm4v(patch: Int, merge: Int)
    }

    /// The picture in the size that the encoder takes.
    public func resized(_ image: PixelImage, _ team: ThreadTeam) throws(PictureError) -> PixelImage {
        let size: (height: Int, width: Int)
        switch self.size {
        case .own: return image
        case .fixed(let height, let width): size = (height, width)
        case .shorter(let side):
            let (height, width) = (image.height, image.width)
            let longer = Int(Double(side * max(height, width)) / Double(min(height, width)))
            size = height <= width ? (side, longer) : (longer, side)
        case .smart(let resize): size = try resize.size(height: image.height, width: image.width)
        }
        guard size.height * size.width <= PictureLimits.mostPixels else {
            throw .badInput(
                "the image would be resized to \(size.width) × \(size.height) pixels: at most \(PictureLimits.mostPixels) in all are taken"
            )
        }
        // PyTorch has no Lanczos filter: processors that use it resize with Pillow.
        return team.resize(
            image, width: size.width, height: size.height, filter: filter,
            precision: filter == .lanczos ? .pillow : .pytorch)
    }

    private static func levels(_ file: ConfigurationFile, _ kind: Kind) throws(TensorFileError) -> [Float] {
        let half: [Float] = [0.5, 0.5, 0.5]
        // Of the CLIP checkpoints, which GLM-4.1V takes over.
        let mean: [Float] = kind == .vit ? half : [0.48145466, 0.4578275, 0.40821073]
        let deviation: [Float] = kind == .vit ? half : [0.26862954, 0.26130258, 0.27577711]
        let scales = try file.flag("do_rescale", default: true)
        let factor = scales ? Float(try file.number("rescale_factor", default: 1.0 / 255)) : 1
        guard try file.flag("do_normalize", default: true) else {
            return (0..<3).flatMap { _ in (0..<256).map { Float($0) * factor } }
        }
        let means = try file.channels("image_mean", default: mean)
        let deviations = try file.channels("image_std", default: deviation)
        guard deviations.allSatisfy({ $0 != 0 }) else {
            throw file.error("image_std", "numbers other than 0", file.summary("image_std"))
        }
        return (0..<3).flatMap { channel in
            (0..<256).map { (Float($0) * factor - means[channel]) / deviations[channel] }
        }
    }

    private static func fixedSize(_ file: ConfigurationFile) throws(TensorFileError) -> Size {
        if let number = file.values["size"]?.numberValue {
            guard let side = number.integer, (1...16384).contains(side) else {
                throw file.error("size", "pixels from 1 to 16384", "\(number)")
            }
            return .fixed(height: side, width: side)
        }
        guard let size = file.section("size") else { return .fixed(height: 224, width: 224) }
        func side(_ key: String) throws(TensorFileError) -> Int {
            let side = try size.extent(key)
            guard side <= 16384 else { throw size.error(key, "pixels from 1 to 16384", "\(side)") }
            return side
        }
        if size.has("shortest_edge"), !size.has("longest_edge") { return .shorter(try side("shortest_edge")) }
        return .fixed(height: try side("height"), width: try side("width"))
    }

    private static func smartResize(
        _ file: ConfigurationFile, factor: Int
    ) throws(TensorFileError) -> SmartResize {
        let frames = try file.extent("temporal_patch_size", default: 2)
        var resize = SmartResize(
            frames: frames, factor: factor, leastPixels: SmartResize.published.least,
            mostPixels: SmartResize.published.most)
        if let size = file.section("size") {
            resize.leastPixels = try bound(size, "shortest_edge", resize.leastPixels)
            resize.mostPixels = try bound(size, "longest_edge", resize.mostPixels)
        }
        // Older files have them by these names.
        resize.leastPixels = try bound(file, "min_pixels", resize.leastPixels)
        resize.mostPixels = try bound(file, "max_pixels", resize.mostPixels)
        return resize
    }

    private static func bound(
        _ file: ConfigurationFile, _ key: String, _ standard: Int
    ) throws(TensorFileError) -> Int {
        guard file.has(key) else { return standard }
        guard let number = file.values[key]?.numberValue?.integer, (1...1 << 30).contains(number) else {
            throw file.error(key, "pixels from 1 to \(1 << 30)", file.summary(key))
        }
        return number
    }
}

/// The size that GLM-4.1V's processor brings a picture to: multiples of `factor`, near the picture's own proportions.
public struct SmartResize: Sendable, Equatable {
    /// What the processor has where a checkpoint does not say.
    public static let published = (least: 112 * 112, most: 28 * 28 * 15000)

    /// Pictures that one temporal patch holds; a single picture is thought to be there so many times.
    public var frames: Int
    /// Pixels of the side of what becomes one row.
    public var factor: Int
    /// Pixels over all frames.
    public var leastPixels: Int
    public var mostPixels: Int

    public init(frames: Int, factor: Int, leastPixels: Int, mostPixels: Int) {
        self.frames = frames
        self.factor = factor
        self.leastPixels = leastPixels
        self.mostPixels = mostPixels
    }

    public func size(height: Int, width: Int) throws(PictureError) -> (height: Int, width: Int) {
        var (tall, wide) = (Double(height), Double(width))
        let unit = Double(factor)
        if tall < unit || wide < unit {
            let scale = max(unit / tall, unit / wide)
            (tall, wide) = ((tall * scale).rounded(.towardZero), (wide * scale).rounded(.towardZero))
        }
        guard max(tall, wide) / min(tall, wide) <= 200 else {
            throw .badInput(
                "the image is \(width) × \(height) pixels: its longer side may be 200 times its shorter one at most"
            )
        }
        // Halves go to the even number, as in Python.
        let frames = Double(self.frames)
        var high = (tall / unit).rounded(.toNearestOrEven) * unit
        var broad = (wide / unit).rounded(.toNearestOrEven) * unit
        if frames * high * broad > Double(mostPixels) {
            let shrink = (frames * tall * wide / Double(mostPixels)).squareRoot()
            high = max(unit, (tall / shrink / unit).rounded(.down) * unit)
            broad = max(unit, (wide / shrink / unit).rounded(.down) * unit)
        } else if frames * high * broad < Double(leastPixels) {
            let grow = (Double(leastPixels) / (frames * tall * wide)).squareRoot()
            high = (tall * grow / unit).rounded(.up) * unit
            broad = (wide * grow / unit).rounded(.up) * unit
        }
        return (Int(high), Int(broad))
    }
}

extension ConfigurationFile {
    /// Three numbers, one a channel; one number stands for all.
    func channels(_ key: String, default standard: [Float]) throws(TensorFileError) -> [Float] {
        guard has(key), let value = values[key] else { return standard }
        if let number = value.numberValue { return [Float](repeating: Float(number.doubleValue), count: 3) }
        let numbers = value.arrayValue?.compactMap(\.numberValue) ?? []
        guard numbers.count == 3, value.arrayValue?.count == 3 else {
            throw error(key, "a number for each of 3 channels", value.summary)
        }
        return numbers.map { Float($0.doubleValue) }
    }
}
