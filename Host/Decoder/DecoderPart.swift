import CKernels

/// The backend's model of one shard, and what it borrows.
final class DecoderPart: @unchecked Sendable {  // the handle is used under the decoder's `turn`
    let handle: OpaquePointer
    private let backend: UnsafePointer<gh_backend>
    /// Owns the memory that the backend borrows.
    private let weights: WeightTable
    private let seat: Seat?

    /// What the backend hands back when this part has something to add up.
    private final class Seat {
        let reduction: ShardReduction
        let part: Int

        init(_ reduction: ShardReduction, part: Int) {
            self.reduction = reduction
            self.part = part
        }
    }

    /// - Parameters:
    ///   - shard: Which part `plan` describes.
    ///   - reduction: Where it meets the others; nil for a whole decoder.
    init(
        _ plan: DecoderPlan, shard: Shard, reduction: ShardReduction?, threads: Int,
        options: DecoderModel.Options, on backend: UnsafePointer<gh_backend>
    ) throws(DecoderError) {
        let seat = reduction.map { Seat($0, part: shard.index) }
        var settings = gh_options(
            threads: UInt32(threads), precise: options.precise ? 1 : 0,
            kv_type: options.resolvedKeyValueType.backendValue.rawValue, reserved: 0,
            reduction: gh_reduction(), release: gh_release())
        settings.release.context = Unmanaged.passUnretained(plan.weights).toOpaque()
        settings.release.released = { context, matrix in
            guard let context, let matrix else { return }
            Unmanaged<WeightTable>.fromOpaque(context).takeUnretainedValue().release(matrix.pointee)
        }
        if let seat {
            settings.reduction.context = Unmanaged.passUnretained(seat).toOpaque()
            settings.reduction.sum = { context, values, count in
                guard let context, let values else { return }
                let seat = Unmanaged<Seat>.fromOpaque(context).takeUnretainedValue()
                seat.reduction.sum(
                    part: seat.part, UnsafeMutableBufferPointer(start: values, count: Int(count)))
            }
        }
        var handle: OpaquePointer?
        let status = plan.layers.withUnsafeBufferPointer { layers in
            var description = plan.description
            description.layers = layers.baseAddress
            return backend.pointee.model_create(&description, &settings, &handle)
        }
        try DecoderError.check(status, "building the model of \(plan.weights.path)")
        guard let handle else {
            throw .backend(what: "building the model of \(plan.weights.path)", status: status.rawValue)
        }
        self.handle = handle
        self.backend = backend
        self.seat = seat
        weights = plan.weights
    }

    deinit {
        backend.pointee.model_destroy(handle)
    }
}
