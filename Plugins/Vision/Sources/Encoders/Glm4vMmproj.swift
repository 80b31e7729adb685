import GatehouseNumerics
import Pictures

extension Glm4vVisionTower.Configuration {
    /// Reads the metadata of an `mmproj` file in GGUF format.
    init(mmproj file: GGUFContents) throws(TensorFileError) {
        let metadata = file.metadata
        func failure(_ key: String, _ expected: String, _ found: String) -> TensorFileError {
            TensorFileError(path: file.path, field: key, expected: expected, found: found)
        }
        func extent(_ key: String) throws(TensorFileError) -> Int {
            let number = try metadata.require(key, metadata.integer)
            guard (1...1 << 24).contains(number) else {
                throw failure(key, "a whole number from 1 to \(1 << 24)", "\(number)")
            }
            return number
        }
        let projector = try metadata.string("clip.projector_type") ?? "nothing"
        guard projector == "glm4v" else {
            throw failure("clip.projector_type", "\"glm4v\"", "\"\(projector)\"")
        }
        width = try extent("clip.vision.embedding_length")
        heads = try extent("clip.vision.attention.head_count")
        blocks = try extent("clip.vision.block_count")
        patch = try extent("clip.vision.patch_size")
        image = try extent("clip.vision.image_size")
        output = try extent("clip.vision.projection_dim")
        context = try extent("clip.vision.feed_forward_length")
        let epsilonKey = "clip.vision.attention.layer_norm_epsilon"
        epsilon = Float(try metadata.require(epsilonKey, metadata.float))
        activation = try metadata.bool("clip.use_gelu") == true ? .gelu : .silu
        // The file does not say these: they are the same in every model of the family.
        frames = 2
        merge = try metadata.integer("clip.vision.spatial_merge_size") ?? 2
        theta = 10000
        guard width % (4 * heads) == 0 else {
            throw failure(
                "clip.vision.attention.head_count", "heads of a multiple of 4 in width \(width)", "\(heads)")
        }
        guard (1...16).contains(merge) else {
            throw failure("clip.vision.spatial_merge_size", "1 to 16", "\(merge)")
        }
    }
}

extension ImageProcessor {
    /// Means and deviations of an `mmproj` file; all else as in the published processor.
    init(mmproj file: GGUFContents, patch: Int, merge: Int) throws(TensorFileError) {
        func three(_ key: String) throws(TensorFileError) -> [Float] {
            let numbers = try file.metadata.require(key, file.metadata.floats)
            guard numbers.count == 3 else {
                throw TensorFileError(
                    path: file.path, field: key, expected: "a number for each of 3 channels",
                    found: "\(numbers.count)")
            }
            return numbers
        }
        try self.init(
            mean: three("clip.vision.image_mean"), deviation: three("clip.vision.image_std"),
            size: .smart(
                SmartResize(
                    frames: 2, factor: patch * merge, leastPixels: SmartResize.published.least,
                    mostPixels: SmartResize.published.most)), path: file.path)
    }
}
