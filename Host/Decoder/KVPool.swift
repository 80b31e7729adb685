import CKernels

/// Pages of keys and values on a model's device. Which page belongs to whom is its users' business.
public final class KVPool: @unchecked Sendable {  // `handle` is used only under the model's `turn`
    /// Tokens in one page.
    public static let pageTokens = Int(GH_PAGE_TOKENS)

    /// Pages that `tokens` tokens take.
    public static func pages(for tokens: Int) -> Int { (tokens + pageTokens - 1) / pageTokens }

    /// Number of pages; their ids count from 0.
    public let pageCount: Int
    /// Keeps the model alive, which the backend's pool belongs to.
    public let model: DecoderModel
    let handle: OpaquePointer

    public init(_ model: DecoderModel, pages: Int) throws(DecoderError) {
        guard pages > 0, let count = UInt32(exactly: pages) else { throw .pageCount(pages) }
        var handle: OpaquePointer?
        let status = model.turn.take {
            model.backend.pointee.pool_create(model.handle, count, &handle)
        }
        let what =
            "\(pages) pages of \(model.pageBytes) bytes for keys and values (a smaller context needs fewer)"
        try DecoderError.check(status, what)
        guard let handle else {
            throw .backend(what: what, status: status.rawValue)
        }
        self.model = model
        self.handle = handle
        pageCount = pages
    }

    deinit {
        model.turn.take { model.backend.pointee.pool_destroy(handle) }
    }
}
