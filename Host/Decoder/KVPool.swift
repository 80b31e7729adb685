import CKernels

/// Pages of keys and values on a model's device. Which page belongs to whom is its users' business.
public final class KVPool: @unchecked Sendable {  // `handles` are used only under the model's `turn`
    /// Tokens in one page.
    public static let pageTokens = Int(GH_PAGE_TOKENS)

    /// Pages that `tokens` tokens take.
    public static func pages(for tokens: Int) -> Int { (tokens + pageTokens - 1) / pageTokens }

    /// Number of pages; their ids count from 0.
    public let pageCount: Int
    /// Keeps the model alive, which the backend's pool belongs to.
    public let model: DecoderModel
    /// One for each part of the model.
    let handles: [OpaquePointer]

    public init(_ model: DecoderModel, pages: Int) throws(DecoderError) {
        guard pages > 0, let count = UInt32(exactly: pages) else { throw .pageCount(pages) }
        self.model = model
        pageCount = pages
        var handles: [OpaquePointer] = []
        let status = model.turn.take {
            for part in model.parts {
                var handle: OpaquePointer?
                let status = model.backend.pointee.pool_create(part.handle, count, &handle)
                guard status == GH_OK, let handle else { return status }
                handles.append(handle)
            }
            return GH_OK
        }
        self.handles = handles
        try DecoderError.check(
            status,
            "\(pages) pages of \(model.pageBytes) bytes for keys and values (a smaller context needs fewer)")
    }

    deinit {
        model.turn.take {
            for handle in handles { model.backend.pointee.pool_destroy(handle) }
        }
    }
}
