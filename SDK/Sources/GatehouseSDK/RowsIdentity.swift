extension DecoderIdentity {
    /// Whose space rows of `width` are in: the decoder that the weights name; else the one at hand, where it is as wide, since
    /// weights that name none were configured for it; else one that is like no decoder, so that the host refuses the rows.
    ///
    /// - Parameter family: of the decoder that weights of this kind are for, where it is known.
    public init(
        ofRows width: Int, named: (family: String, fingerprint: [Float])?, family: String?,
        atHand: DecoderIdentity?
    ) {
        if let named {
            self.init(family: named.family, hidden: width, fingerprint: named.fingerprint)
        } else if let atHand, atHand.hidden == width {
            self = atHand
        } else {
            self.init(
                family: family ?? "unknown", hidden: width,
                fingerprint: [Float](repeating: 0, count: Self.fingerprintCount))
        }
    }
}
