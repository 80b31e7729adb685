// What messages between host and worker carry, as it is written and read; ``WireReader`` checks every length.

extension OpenRequest {
    func write(to writer: inout WireWriter) {
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

    init(from reader: inout WireReader) throws(PluginFailure) {
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
    func write(to writer: inout WireWriter) {
        writer.write(family)
        writer.write(hidden)
        writer.write(fingerprint) { $0.write($1) }
    }

    init(from reader: inout WireReader) throws(PluginFailure) {
        family = try reader.readString()
        hidden = try reader.read()
        fingerprint = try reader.readArray { reader throws(PluginFailure) in try reader.readFloat() }
        guard fingerprint.count == Self.fingerprintCount else {
            throw PluginFailure(.violation, "a decoder fingerprint has \(fingerprint.count) values")
        }
    }
}

extension PluginFacts {
    func write(to writer: inout WireWriter) {
        for text in [id, name, vendor, version, license, modality, toolchain] { writer.write(text) }
        writer.write(mediaTypes) { $0.write($1) }
        writer.write(outputKinds)
        writer.write(safeToClose)
        writer.write(needsWeights)
    }

    init(from reader: inout WireReader) throws(PluginFailure) {
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
    func write(to writer: inout WireWriter) {
        writer.write(kinds)
        writer.write(width)
        writer.write(UInt64(mostSlots))
        writer.write(UInt32(clamping: mostCalls))
        writer.write(testsItself)
        writer.write(UInt32(clamping: mostStreams))
        writer.write(decoder) { $1.write(to: &$0) }
    }

    init(from reader: inout WireReader) throws(PluginFailure) {
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
    func write(to writer: inout WireWriter) {
        writer.write(text)
        writer.write(spans) {
            $0.write(UInt64($1.begin))
            $0.write(UInt64($1.end))
            $0.write($1.startSeconds)
            $0.write($1.endSeconds)
            $0.write($1.confidence)
        }
    }

    init(from reader: inout WireReader) throws(PluginFailure) {
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
    func write(to writer: inout WireWriter) {
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

    init(from reader: inout WireReader) throws(PluginFailure) {
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
    func write(to writer: inout WireWriter) {
        writer.write(isFinal)
        for value in [revision, UInt64(offset), UInt64(stable)] { writer.write(value) }
        writer.write(startSeconds)
        writer.write(endSeconds)
        text.write(to: &writer)
    }

    init(from reader: inout WireReader) throws(PluginFailure) {
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
    func write(to writer: inout WireWriter) {
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

    init(from reader: inout WireReader, memory: SharedMemory?) throws(PluginFailure) {
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
    init(from reader: inout WireReader, memory: SharedMemory?) throws(PluginFailure) {
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
