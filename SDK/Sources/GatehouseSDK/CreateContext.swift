/// What an instance is made from. Everything in it may be kept.
public struct CreateContext: Sendable {
    /// Services of the host, for the life of the instance.
    public let host: Host
    /// A JSON object; `{}` where the operator gave none.
    public let configuration: String
    /// Absolute path of a file or folder.
    public let weights: String?
    /// Absolute path of a writable folder that may be emptied at any time.
    public let cacheFolder: String?
    /// Running threads that one call may use, at least 1.
    public let threads: Int
    /// The decoder that will read the output; nil when the plugin is run alone.
    public let decoder: Decoder?

    /// Copies what it needs, so it outlives the call that `arguments` belongs to.
    init(_ arguments: UnsafePointer<GatehouseCreateArguments>) {
        host = Host(pointer: arguments.pointee.host)
        configuration = String(
            bytes: arguments.pointee.configuration, count: Int(arguments.pointee.configuration_size))
        weights = arguments.pointee.weights.map { String(cString: $0) }
        cacheFolder = arguments.pointee.cache_folder.map { String(cString: $0) }
        threads = Int(arguments.pointee.threads)
        decoder = arguments.pointee.decoder.flatMap { Decoder($0) }
    }
}

/// Services of the host. Any thread, while the instance lives.
public struct Host: Sendable {
    /// How much a log line matters.
    public enum LogLevel: Int32, Sendable {
        case debug = 0
        case info = 1
        case warning = 2
        case error = 3
    }

    // Safe to share: the struct behind it is constant, and the ABI lets any thread call its functions.
    nonisolated(unsafe) private let pointer: UnsafePointer<GatehouseHost>

    init(pointer: UnsafePointer<GatehouseHost>) {
        self.pointer = pointer
    }

    /// One line for the operator's log.
    public func log(_ level: LogLevel, _ text: String) {
        text.withBytes { pointer.pointee.log(pointer.pointee.ctx, level.rawValue, $0, $1) }
    }

    /// A further service by id, or nil where this host has none.
    public func `extension`(_ id: String) -> UnsafeRawPointer? {
        id.withCString { pointer.pointee.extension(pointer.pointee.ctx, $0) }
    }

    func setError(_ message: String) {
        message.withBytes { pointer.pointee.set_error(pointer.pointee.ctx, $0, $1) }
    }
}

/// The decoder that reads what a plugin makes.
public struct Decoder: Sendable {
    public let identity: DecoderIdentity
    /// Tokens in the vocabulary.
    public let vocabulary: Int
    /// Tokens in the context.
    public let context: Int

    init?(_ decoder: UnsafePointer<GatehouseDecoder>) {
        guard let identity = decoder.pointee.identity else { return nil }
        self.identity = DecoderIdentity(identity)
        vocabulary = Int(decoder.pointee.vocabulary)
        context = Int(decoder.pointee.context)
    }
}

/// Which decoder rows are meant for. `gatehouse.h` says how the fingerprint is made and compared.
public struct DecoderIdentity: Sendable {
    /// Values in a fingerprint: 64 tokens by 8 projections.
    public static let fingerprintCount = 64 * 8

    public let family: String
    /// Width of an embedding row.
    public let hidden: Int
    /// `[64, 8]`, row-major.
    public let fingerprint: [Float]

    /// - Precondition: `fingerprint` has ``fingerprintCount`` values.
    public init(family: String, hidden: Int, fingerprint: [Float]) {
        precondition(fingerprint.count == Self.fingerprintCount, "a fingerprint is [64, 8]")
        self.family = family
        self.hidden = hidden
        self.fingerprint = fingerprint
    }

    init(_ identity: UnsafePointer<GatehouseDecoderIdentity>) {
        family = String(cString: identity.pointee.family)
        hidden = Int(identity.pointee.hidden)
        fingerprint = Array(
            UnsafeBufferPointer(start: identity.pointee.fingerprint, count: Self.fingerprintCount))
    }
}

extension String {
    /// Invalid UTF-8 becomes U+FFFD.
    init(bytes: UnsafePointer<CChar>?, count: Int) {
        self =
            bytes.map { String(decoding: UnsafeRawBufferPointer(start: $0, count: count), as: UTF8.self) }
            ?? ""
    }

    /// Calls `body` with the UTF-8 bytes and their number.
    func withBytes<Result>(_ body: (UnsafePointer<CChar>?, UInt64) -> Result) -> Result {
        var copy = self
        return copy.withUTF8 { utf8 in
            utf8.withMemoryRebound(to: CChar.self) { body($0.baseAddress, UInt64($0.count)) }
        }
    }
}
