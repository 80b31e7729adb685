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
