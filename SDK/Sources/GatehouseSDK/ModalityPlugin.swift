@_exported import CGatehouse

/// An encoder for one kind of input: conform to it, and export the type in one line.
///
/// ```swift
/// @c @implementation
/// public func gatehouse_plugin_entry() -> UnsafePointer<GatehouseEntry> { export(WordCount.self) }
/// ```
///
/// The host makes an instance with ``init(_:)`` and calls it until it lets it go. Calls on one instance never
/// overlap, unless the descriptor says that it is reentrant, but they may come from different threads.
///
/// Import nothing but this module and C libraries: Foundation costs a plugin megabytes and milliseconds.
public protocol ModalityPlugin: AnyObject, SendableMetatype {
    /// What the plugin is. Constant, and known without weights.
    static var descriptor: PluginDescriptor { get }

    /// Loads weights and checks the configuration.
    init(_ context: CreateContext) throws(PluginError)

    /// What this instance hands out, now that configuration and weights are known.
    var outputs: PluginOutputs { get }

    /// Forgets whatever earlier calls left behind, so that the next call is as the first.
    func reset() throws(PluginError)

    /// Encodes every part of `input`, in order, into `sink`. The same input gives the same bits.
    ///
    /// `input`, `sink` and `job` are valid during the call only. Encoded parts are of the descriptor's media types: others
    /// were refused before. Refuse decoded parts by ``PluginError/unsupported(_:)`` if they are not taken.
    func encode(_ input: Input, into sink: Sink, job: Job) throws(PluginError)
}

extension ModalityPlugin {
    /// Kinds as the descriptor declares them, without a bound on their number.
    public var outputs: PluginOutputs { PluginOutputs(kinds: Self.descriptor.outputKinds) }

    /// Nothing to forget.
    public func reset() throws(PluginError) {}
}

/// The kinds of output a plugin may make.
public struct OutputKinds: OptionSet, Sendable {
    public let rawValue: UInt32

    public init(rawValue: UInt32) { self.rawValue = rawValue }

    /// UTF-8 text; works with any decoder.
    public static let text = OutputKinds(rawValue: UInt32(GATEHOUSE_OUTPUT_TEXT))
    /// Distributions over text pieces; work with any decoder.
    public static let soft = OutputKinds(rawValue: UInt32(GATEHOUSE_OUTPUT_SOFT))
    /// Embeddings in one decoder's space.
    public static let rows = OutputKinds(rawValue: UInt32(GATEHOUSE_OUTPUT_ROWS))
}

/// What a plugin is: the Swift face of `GatehouseDescriptor`.
public struct PluginDescriptor: Sendable {
    /// Unique in the library; lower case letters, digits and `-`.
    public var id: String
    /// For people.
    public var name: String
    public var vendor: String
    /// Semantic version.
    public var version: String
    /// SPDX expression.
    public var license: String
    /// `image`, `audio`, or the author's own word.
    public var modality: String
    /// Accepted media types, lower case, without parameters.
    public var mediaTypes: [String]
    public var outputKinds: OutputKinds
    /// JSON Schema of the configuration.
    public var configurationSchema: String?
    /// JSON that names the files expected in the weights folder.
    public var weightsManifest: String?
    /// Whether creating an instance fails without a weights folder.
    public var needsWeights: Bool
    /// Whether `encode` may be called again on an instance while it runs.
    public var reentrant: Bool

    public init(
        id: String, name: String, vendor: String, version: String, license: String, modality: String,
        mediaTypes: [String], outputKinds: OutputKinds, configurationSchema: String? = nil,
        weightsManifest: String? = nil, needsWeights: Bool = false, reentrant: Bool = false
    ) {
        self.id = id
        self.name = name
        self.vendor = vendor
        self.version = version
        self.license = license
        self.modality = modality
        self.mediaTypes = mediaTypes
        self.outputKinds = outputKinds
        self.configurationSchema = configurationSchema
        self.weightsManifest = weightsManifest
        self.needsWeights = needsWeights
        self.reentrant = reentrant
    }
}

/// What an instance hands out: the Swift face of `GatehouseOutputs`.
public struct PluginOutputs: Sendable {
    public var kinds: OutputKinds
    /// Elements in a row; 0 where the instance makes none.
    public var width: Int
    /// Most bytes, slots or rows for one part; 0 for no bound.
    public var mostSlots: Int
    /// The decoder whose space rows are in; nil where the instance makes none.
    public var decoder: DecoderIdentity?

    public init(
        kinds: OutputKinds, width: Int = 0, mostSlots: Int = 0,
        decoder: DecoderIdentity? = nil
    ) {
        self.kinds = kinds
        self.width = width
        self.mostSlots = mostSlots
        self.decoder = decoder
    }
}
