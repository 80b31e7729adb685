import Decoder
import PluginHost

extension LanguageModel {
    /// Throws ``FusionError`` where an instance makes nothing but rows, and not for this decoder: then nothing that it
    /// could be asked for is of use.
    public func check(_ outputs: OutputFacts, of plugin: String) throws {
        guard outputs.makesRowsAlone else { return }
        try FusionError.check(
            rowsOf: plugin, width: Int(outputs.width), for: outputs.decoder, ours: try identity())
    }
}

extension FusionError {
    /// Throws where rows that a plugin makes are not in the space of the decoder `ours`.
    ///
    /// - Parameter decoder: The one that the plugin says they are for.
    static func check(
        rowsOf plugin: String, width: Int, for decoder: DecoderIdentityFacts?, ours: DecoderIdentity?
    ) throws(FusionError) {
        guard let decoder else { throw .rowsWithoutDecoder(plugin: plugin) }
        let theirs = DecoderIdentity(
            family: decoder.family, hidden: Int(decoder.hidden), fingerprint: decoder.fingerprint)
        guard let ours, ours.matches(theirs) else {
            throw .rowsForAnotherDecoder(
                plugin: plugin, theirs: theirs, ours: ours,
                cosine: ours.map { $0.hidden == theirs.hidden ? $0.cosine(with: theirs) : 0 } ?? 0)
        }
        guard width == ours.hidden else { throw .rowWidth(plugin: plugin, width: width, decoder: ours) }
    }
}
