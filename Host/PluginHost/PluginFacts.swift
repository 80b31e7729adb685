import CGatehouse

/// What a library says of one of its plugins, copied out of `GatehouseDescriptor`.
public struct PluginFacts: Sendable, Equatable {
    public var id: String
    public var name: String
    public var vendor: String
    public var version: String
    public var license: String
    public var modality: String
    /// Lower case, without parameters.
    public var mediaTypes: [String]
    /// `GATEHOUSE_OUTPUT_` bits.
    public var outputKinds: UInt32
    /// Whether dlclose leaves nothing behind.
    public var safeToClose: Bool
    public var needsWeights: Bool
    /// What built the library.
    public var toolchain: String

    /// - Precondition: `gatehouse_check_descriptor` holds.
    init(_ descriptor: UnsafePointer<GatehouseDescriptor>, toolchain: String) {
        id = String(cString: descriptor.pointee.id)
        name = String(cString: descriptor.pointee.name)
        vendor = String(cString: descriptor.pointee.vendor)
        version = String(cString: descriptor.pointee.version)
        license = String(cString: descriptor.pointee.license)
        modality = String(cString: descriptor.pointee.modality)
        mediaTypes = String(cString: descriptor.pointee.media_types).split(separator: " ").map(String.init)
        outputKinds = descriptor.pointee.output_kinds
        safeToClose = descriptor.pointee.flags & UInt32(GATEHOUSE_SAFE_TO_CLOSE) != 0
        needsWeights = descriptor.pointee.flags & UInt32(GATEHOUSE_NEEDS_WEIGHTS) != 0
        self.toolchain = toolchain
    }

    init(
        id: String, name: String, vendor: String, version: String, license: String, modality: String,
        mediaTypes: [String], outputKinds: UInt32, safeToClose: Bool, needsWeights: Bool, toolchain: String
    ) {
        self.id = id
        self.name = name
        self.vendor = vendor
        self.version = version
        self.license = license
        self.modality = modality
        self.mediaTypes = mediaTypes
        self.outputKinds = outputKinds
        self.safeToClose = safeToClose
        self.needsWeights = needsWeights
        self.toolchain = toolchain
    }
}

/// What one instance hands out, copied out of `GatehouseOutputs`.
public struct OutputFacts: Sendable, Equatable {
    /// `GATEHOUSE_OUTPUT_` bits.
    public var kinds: UInt32
    /// Elements in a row; 0 where it makes none.
    public var width: UInt32
    /// Most bytes, slots or rows for one part; 0 for no bound.
    public var mostSlots: Int
    /// The decoder whose space rows are in.
    public var decoder: DecoderIdentityFacts?
    /// Calls that it takes in one batch; 1 where it takes them one by one.
    public var mostCalls: Int
    /// Whether it has a self-test.
    public var testsItself: Bool
    /// Live streams that it holds open at once; 0 where it takes none.
    public var mostStreams: Int

    /// Whether rows are all that it makes.
    public var makesRowsAlone: Bool { kinds == UInt32(GATEHOUSE_OUTPUT_ROWS) }

    init(
        kinds: UInt32, width: UInt32, mostSlots: Int, decoder: DecoderIdentityFacts?, mostCalls: Int = 1,
        testsItself: Bool = false, mostStreams: Int = 0
    ) {
        self.kinds = kinds
        self.width = width
        self.mostSlots = mostSlots
        self.decoder = decoder
        self.mostCalls = mostCalls
        self.testsItself = testsItself
        self.mostStreams = mostStreams
    }
}

/// A decoder's identity as it crosses the ABI; `gatehouse.h` says what it means and how it is compared.
public struct DecoderIdentityFacts: Sendable, Equatable {
    /// Values in a fingerprint: 64 tokens by 8 projections.
    public static let fingerprintCount = 64 * 8

    public var family: String
    /// Width of an embedding row.
    public var hidden: UInt32
    /// `[64, 8]`, row-major.
    public var fingerprint: [Float]

    /// - Precondition: `fingerprint` has ``fingerprintCount`` values.
    public init(family: String, hidden: UInt32, fingerprint: [Float]) {
        precondition(fingerprint.count == Self.fingerprintCount, "a fingerprint is [64, 8]")
        self.family = family
        self.hidden = hidden
        self.fingerprint = fingerprint
    }
}

/// The decoder that a plugin is told of.
public struct DecoderFacts: Sendable, Equatable {
    public var identity: DecoderIdentityFacts
    /// Tokens in the vocabulary.
    public var vocabulary: UInt32
    /// Tokens in the context.
    public var context: UInt32

    public init(identity: DecoderIdentityFacts, vocabulary: UInt32, context: UInt32) {
        self.identity = identity
        self.vocabulary = vocabulary
        self.context = context
    }
}

/// What it takes to open a library and make an instance of one of its plugins.
public struct OpenRequest: Sendable, Equatable {
    /// Absolute path of the shared library.
    public var library: String
    /// Which plugin of the library.
    public var plugin: String
    /// A JSON object.
    public var configuration: String
    /// Absolute path of a file or folder.
    public var weights: String?
    /// Absolute path of a writable folder.
    public var cache: String?
    /// Absolute paths of further files and folders that it may read in its sandbox.
    public var reads: [String]
    /// Memory that it may take, in bytes; 0 for no limit.
    public var memoryBytes: UInt64
    /// Running threads that one call may use, at least 1.
    public var threads: UInt32
    public var decoder: DecoderFacts?

    public init(
        library: String, plugin: String, configuration: String = "{}", weights: String? = nil,
        cache: String? = nil, reads: [String] = [], memoryBytes: UInt64 = 0, threads: UInt32 = 1,
        decoder: DecoderFacts? = nil
    ) {
        self.library = library
        self.plugin = plugin
        self.configuration = configuration
        self.weights = weights
        self.cache = cache
        self.reads = reads
        self.memoryBytes = memoryBytes
        self.threads = threads
        self.decoder = decoder
    }
}
