import CSoundFiles

/// Media types that are decoded.
public enum SoundFormat: String, Sendable, CaseIterable {
    case wav = "audio/wav"
    case flac = "audio/flac"
    case ogg = "audio/ogg"
    case mpeg = "audio/mpeg"

    var name: String {
        switch self {
        case .wav: "WAV"
        case .flac: "FLAC"
        case .ogg: "Ogg"
        case .mpeg: "MPEG audio"
        }
    }

    var code: CSoundFiles.SoundFormat {
        switch self {
        case .wav: SOUND_WAV
        case .flac: SOUND_FLAC
        case .ogg: SOUND_OGG
        case .mpeg: SOUND_MPEG
        }
    }
}

/// How large a file and its sound may be.
public enum SoundLimits {
    public static let mostBytes = 2 << 30
    /// Samples a second, of files and of what they become.
    public static let rates = 1000...768_000
    public static let mostChannels = 32
    public static let mostSeconds = 12.0 * 3600

    static func check(rate: Int, channels: Int) throws(SoundError) {
        guard rates.contains(rate) else {
            throw .badInput(
                "the sound has \(rate) samples a second: \(rates.lowerBound) to \(rates.upperBound) are taken"
            )
        }
        guard (1...mostChannels).contains(channels) else {
            throw .badInput(
                "the sound has \(channels) channels: 1 to \(mostChannels) are taken")
        }
    }
}
