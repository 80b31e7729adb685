import GatehouseJSON

/// Fields that say something about a request and nothing about its answer: they are checked and go no further.
extension RequestField {
    /// `user` and what came after it: who asks, in the client's words.
    func checkUser() throws(HTTPError) {
        for name in ["user", "safety_identifier", "prompt_cache_key"] { _ = try self[name].string() }
    }

    /// Those of chat completions. Nothing is stored, there is one tier of service, and a predicted answer saves no time.
    func checkBystanders() throws(HTTPError) {
        try checkUser()
        try self["metadata"].checkMetadata()
        _ = try self["store"].bool()
        for name in ["service_tier", "verbosity"] { _ = try self[name].string() }
        _ = try self["prediction"].object()
    }

    /// As OpenAI has it: at most 16 pairs of strings, names to 64 characters and values to 512.
    private func checkMetadata() throws(HTTPError) {
        guard case .object(let members)? = try object().value else { return }
        guard members.count <= 16 else { throw expected("at most 16 pairs") }
        for name in members.keys.sorted() {
            guard name.unicodeScalars.count <= 64 else {
                throw expected("names of at most 64 characters, not one of \(name.unicodeScalars.count)")
            }
            guard let text = try self[name].string(), text.unicodeScalars.count <= 512 else {
                throw self[name].expected("a string of at most 512 characters")
            }
        }
    }
}
