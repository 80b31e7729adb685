/// What the host tells a worker.
public enum HostMessage: Sendable {
    /// Open a library and make an instance; answered by `opened` or `failed` with job 0. The first message.
    case open(OpenRequest)
    /// Encode parts, whose bytes lie one after the other in the shared memory that comes along. `tellsText` asks for
    /// segments of text as they end.
    case encode(job: UInt64, deadline: UInt64, parts: [PartRange], tellsText: Bool)
    /// The result of a job is no longer wanted.
    case cancel(job: UInt64)
    /// Have the instance judge itself; answered by `passed` or `failed`.
    case selfTest(job: UInt64, deadline: UInt64)
    /// Open a live stream under a number of the host's choice, feed it, or have it finish; each is answered by `streamed`
    /// or `failed`.
    case stream(job: UInt64, deadline: UInt64, number: UInt64, StreamCall)
    /// Free a stream; not answered.
    case closeStream(number: UInt64)
}

/// What a worker may be asked to do with a live stream.
public enum StreamCall: Sendable, Equatable {
    case open(StreamRequest)
    /// Samples, channels interleaved.
    case push([Float])
    case finish
}

/// What a worker tells the host.
public enum WorkerReply: Sendable {
    /// The worker is in its sandbox; comes before the library is opened. The calls that will be refused come along,
    /// nil where the kernel does not tell of them. `lacks` says what the sandbox is without, a sentence each.
    case confined(RefusedCalls?, lacks: [String])
    case opened(PluginFacts, OutputFacts)
    /// A job's output; rows lie in the shared memory that comes along. `nanoseconds` is the time inside the plugin.
    case encoded(job: UInt64, nanoseconds: UInt64, [EncodedSegment])
    case failed(job: UInt64, PluginFailure)
    /// The instance passed its self-test.
    case passed(job: UInt64)
    case progress(job: UInt64, Double)
    /// A segment of text that has ended, for those who read along.
    case wrote(job: UInt64, String)
    /// What a call to a live stream made it say.
    case streamed(job: UInt64, [StreamPartial])
    case log(PluginLogLevel, String)
}

extension HostMessage {
    func write(to writer: inout WireWriter) {
        switch self {
        case .open(let request):
            writer.write(0 as UInt8)
            request.write(to: &writer)
        case .encode(let job, let deadline, let parts, let tellsText):
            writer.write(1 as UInt8)
            writer.write(job)
            writer.write(deadline)
            writer.write(parts) {
                $0.write($1.mediaType)
                $0.write(UInt64($1.offset))
                $0.write(UInt64($1.size))
            }
            writer.write(tellsText)
        case .cancel(let job):
            writer.write(2 as UInt8)
            writer.write(job)
        case .selfTest(let job, let deadline):
            writer.write(3 as UInt8)
            writer.write(job)
            writer.write(deadline)
        case .stream(let job, let deadline, let number, let call):
            writer.write(4 as UInt8)
            for value in [job, deadline, number] { writer.write(value) }
            call.write(to: &writer)
        case .closeStream(let number):
            writer.write(5 as UInt8)
            writer.write(number)
        }
    }

    init(from reader: inout WireReader) throws(PluginFailure) {
        switch try reader.read(UInt8.self) {
        case 0:
            self = .open(try OpenRequest(from: &reader))
        case 1:
            self = .encode(
                job: try reader.read(), deadline: try reader.read(),
                parts: try reader.readArray { reader throws(PluginFailure) in
                    PartRange(
                        mediaType: try reader.readString(),
                        offset: Int(clamping: try reader.read(UInt64.self)),
                        size: Int(clamping: try reader.read(UInt64.self)))
                }, tellsText: try reader.readBool())
        case 2:
            self = .cancel(job: try reader.read())
        case 3:
            self = .selfTest(job: try reader.read(), deadline: try reader.read())
        case 4:
            self = .stream(
                job: try reader.read(), deadline: try reader.read(), number: try reader.read(),
                try StreamCall(from: &reader))
        case 5:
            self = .closeStream(number: try reader.read())
        case let kind:
            throw PluginFailure(.violation, "unknown message \(kind) from the host")
        }
    }
}

extension WorkerReply {
    func write(to writer: inout WireWriter) {
        switch self {
        case .opened(let plugin, let outputs):
            writer.write(0 as UInt8)
            plugin.write(to: &writer)
            outputs.write(to: &writer)
        case .encoded(let job, let nanoseconds, let segments):
            writer.write(1 as UInt8)
            writer.write(job)
            writer.write(nanoseconds)
            writer.write(segments) { $1.write(to: &$0) }
        case .failed(let job, let failure):
            writer.write(2 as UInt8)
            writer.write(job)
            writer.write(failure.reason.rawValue)
            writer.write(failure.message)
        case .progress(let job, let fraction):
            writer.write(3 as UInt8)
            writer.write(job)
            writer.write(fraction)
        case .log(let level, let line):
            writer.write(4 as UInt8)
            writer.write(level.rawValue)
            writer.write(line)
        case .confined(_, let lacks):
            writer.write(5 as UInt8)
            writer.write(lacks) { $0.write($1) }
        case .passed(let job):
            writer.write(6 as UInt8)
            writer.write(job)
        case .wrote(let job, let text):
            writer.write(7 as UInt8)
            writer.write(job)
            writer.write(text)
        case .streamed(let job, let partials):
            writer.write(8 as UInt8)
            writer.write(job)
            writer.write(partials) { $1.write(to: &$0) }
        }
    }

    /// `descriptor` is what came along.
    init(from reader: inout WireReader, descriptor: ReceivedDescriptor?) throws(PluginFailure) {
        let kind = try reader.read(UInt8.self)
        if kind == 5 {
            let calls = (descriptor?.take()).map { RefusedCalls(descriptor: $0) }
            self = .confined(
                calls, lacks: try reader.readArray { reader throws(PluginFailure) in try reader.readString() }
            )
            return
        }
        let memory = try descriptor?.adopt()
        switch kind {
        case 0:
            self = .opened(try PluginFacts(from: &reader), try OutputFacts(from: &reader))
        case 1:
            self = .encoded(
                job: try reader.read(), nanoseconds: try reader.read(),
                try reader.readArray { reader throws(PluginFailure) in
                    try EncodedSegment(from: &reader, memory: memory)
                })
        case 2:
            let job: UInt64 = try reader.read()
            let reason = PluginFailure.Reason(rawValue: try reader.read()) ?? .failed
            self = .failed(job: job, PluginFailure(reason, try reader.readString()))
        case 3:
            self = .progress(job: try reader.read(), try reader.readDouble())
        case 4:
            self = .log(PluginLogLevel(rawValue: try reader.read()) ?? .info, try reader.readString())
        case 6:
            self = .passed(job: try reader.read())
        case 7:
            self = .wrote(job: try reader.read(), try reader.readString())
        case 8:
            self = .streamed(
                job: try reader.read(),
                try reader.readArray { reader throws(PluginFailure) in try StreamPartial(from: &reader) })
        case let kind:
            throw PluginFailure(.violation, "unknown message \(kind) from the worker")
        }
    }
}

extension OpenRequest {
    fileprivate func write(to writer: inout WireWriter) {
        writer.write(library)
        writer.write(plugin)
        writer.write(configuration)
        writer.write(weights) { $0.write($1) }
        writer.write(cache) { $0.write($1) }
        writer.write(reads) { $0.write($1) }
        writer.write(memoryBytes)
        writer.write(threads)
        writer.write(decoder) {
            $1.identity.write(to: &$0)
            $0.write($1.vocabulary)
            $0.write($1.context)
        }
    }

    fileprivate init(from reader: inout WireReader) throws(PluginFailure) {
        library = try reader.readString()
        plugin = try reader.readString()
        configuration = try reader.readString()
        weights = try reader.readOptional { reader throws(PluginFailure) in try reader.readString() }
        cache = try reader.readOptional { reader throws(PluginFailure) in try reader.readString() }
        reads = try reader.readArray { reader throws(PluginFailure) in try reader.readString() }
        memoryBytes = try reader.read()
        threads = try reader.read()
        decoder = try reader.readOptional { reader throws(PluginFailure) in
            DecoderFacts(
                identity: try DecoderIdentityFacts(from: &reader), vocabulary: try reader.read(),
                context: try reader.read())
        }
    }
}

extension DecoderIdentityFacts {
    fileprivate func write(to writer: inout WireWriter) {
        writer.write(family)
        writer.write(hidden)
        writer.write(fingerprint) { $0.write($1) }
    }

    fileprivate init(from reader: inout WireReader) throws(PluginFailure) {
        family = try reader.readString()
        hidden = try reader.read()
        fingerprint = try reader.readArray { reader throws(PluginFailure) in try reader.readFloat() }
        guard fingerprint.count == Self.fingerprintCount else {
            throw PluginFailure(.violation, "a decoder fingerprint has \(fingerprint.count) values")
        }
    }
}

extension PluginFacts {
    fileprivate func write(to writer: inout WireWriter) {
        for text in [id, name, vendor, version, license, modality, toolchain] { writer.write(text) }
        writer.write(mediaTypes) { $0.write($1) }
        writer.write(outputKinds)
        writer.write(safeToClose)
        writer.write(needsWeights)
    }

    fileprivate init(from reader: inout WireReader) throws(PluginFailure) {
        id = try reader.readString()
        name = try reader.readString()
        vendor = try reader.readString()
        version = try reader.readString()
        license = try reader.readString()
        modality = try reader.readString()
        toolchain = try reader.readString()
        mediaTypes = try reader.readArray { reader throws(PluginFailure) in try reader.readString() }
        outputKinds = try reader.read()
        safeToClose = try reader.readBool()
        needsWeights = try reader.readBool()
    }
}

extension OutputFacts {
    fileprivate func write(to writer: inout WireWriter) {
        writer.write(kinds)
        writer.write(width)
        writer.write(UInt64(mostSlots))
        writer.write(UInt32(clamping: mostCalls))
        writer.write(testsItself)
        writer.write(UInt32(clamping: mostStreams))
        writer.write(decoder) { $1.write(to: &$0) }
    }

    fileprivate init(from reader: inout WireReader) throws(PluginFailure) {
        kinds = try reader.read()
        width = try reader.read()
        mostSlots = Int(clamping: try reader.read(UInt64.self))
        mostCalls = max(1, Int(try reader.read(UInt32.self)))
        testsItself = try reader.readBool()
        mostStreams = Int(try reader.read(UInt32.self))
        decoder = try reader.readOptional { reader throws(PluginFailure) in
            try DecoderIdentityFacts(from: &reader)
        }
    }
}

extension EncodedText {
    fileprivate func write(to writer: inout WireWriter) {
        writer.write(text)
        writer.write(spans) {
            $0.write(UInt64($1.begin))
            $0.write(UInt64($1.end))
            $0.write($1.startSeconds)
            $0.write($1.endSeconds)
            $0.write($1.confidence)
        }
    }

    fileprivate init(from reader: inout WireReader) throws(PluginFailure) {
        text = try reader.readString()
        spans = try reader.readArray { reader throws(PluginFailure) in
            EncodedText.Span(
                begin: Int(clamping: try reader.read(UInt64.self)),
                end: Int(clamping: try reader.read(UInt64.self)),
                startSeconds: try reader.readDouble(), endSeconds: try reader.readDouble(),
                confidence: try reader.readFloat())
        }
    }
}

extension StreamCall {
    fileprivate func write(to writer: inout WireWriter) {
        switch self {
        case .open(let request):
            writer.write(0 as UInt8)
            writer.write(request.sampleRate)
            writer.write(request.channels)
            writer.write(request.configuration)
        case .push(let samples):
            writer.write(1 as UInt8)
            writer.write(samples: samples)
        case .finish:
            writer.write(2 as UInt8)
        }
    }

    fileprivate init(from reader: inout WireReader) throws(PluginFailure) {
        switch try reader.read(UInt8.self) {
        case 0:
            self = .open(
                StreamRequest(
                    sampleRate: try reader.read(), channels: try reader.read(),
                    configuration: try reader.readString()))
        case 1: self = .push(try reader.readSamples())
        default: self = .finish
        }
    }
}

extension StreamPartial {
    fileprivate func write(to writer: inout WireWriter) {
        writer.write(isFinal)
        for value in [revision, UInt64(offset), UInt64(stable)] { writer.write(value) }
        writer.write(startSeconds)
        writer.write(endSeconds)
        text.write(to: &writer)
    }

    fileprivate init(from reader: inout WireReader) throws(PluginFailure) {
        isFinal = try reader.readBool()
        revision = try reader.read()
        offset = Int(clamping: try reader.read(UInt64.self))
        stable = Int(clamping: try reader.read(UInt64.self))
        startSeconds = try reader.readDouble()
        endSeconds = try reader.readDouble()
        text = try EncodedText(from: &reader)
    }
}

extension EncodedSegment {
    fileprivate func write(to writer: inout WireWriter) {
        writer.write(UInt32(part))
        switch content {
        case .text(let text):
            writer.write(0 as UInt8)
            text.write(to: &writer)
        case .soft(let soft):
            writer.write(1 as UInt8)
            writer.write(soft.slots) {
                $0.write($1) {
                    $0.write($1.text)
                    $0.write($1.weight)
                }
            }
        case .rows(let rows):
            writer.write(2 as UInt8)
            writer.write(UInt64(rows.offset))
            for value in [UInt32(rows.count), UInt32(rows.width)] { writer.write(value) }
            for value in [rows.grid.t, rows.grid.h, rows.grid.w] { writer.write(value) }
            writer.write(rows.positions) { $0.write($1) }
        }
    }

    fileprivate init(from reader: inout WireReader, memory: SharedMemory?) throws(PluginFailure) {
        part = Int(try reader.read(UInt32.self))
        switch try reader.read(UInt8.self) {
        case 0:
            content = .text(try EncodedText(from: &reader))
        case 1:
            content = .soft(
                SoftTokens(
                    slots: try reader.readArray { reader throws(PluginFailure) in
                        try reader.readArray { reader throws(PluginFailure) in
                            SoftTokens.Piece(text: try reader.readString(), weight: try reader.readFloat())
                        }
                    }))
        default:
            content = .rows(try EncodedRows(from: &reader, memory: memory))
        }
    }
}

extension EncodedRows {
    fileprivate init(from reader: inout WireReader, memory: SharedMemory?) throws(PluginFailure) {
        offset = Int(clamping: try reader.read(UInt64.self))
        count = Int(try reader.read(UInt32.self))
        width = Int(try reader.read(UInt32.self))
        grid = (try reader.read(), try reader.read(), try reader.read())
        positions = try reader.readArray { reader throws(PluginFailure) in try reader.read() }
        let (values, overflow) = count.multipliedReportingOverflow(by: width)
        guard let memory, !overflow, offset.isMultiple(of: MemoryLayout<Float>.alignment),
            offset <= memory.size,
            values <= (memory.size - offset) / MemoryLayout<Float>.size,
            positions.isEmpty || positions.count == count * 3
        else { throw PluginFailure(.violation, "the worker handed over rows outside its shared memory") }
        self.memory = memory
    }
}
