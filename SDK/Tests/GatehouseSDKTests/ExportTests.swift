import CGatehouse
import GatehouseSDK
import Testing

/// Does what its input says.
final class Probe: ModalityPlugin {
    static let descriptor = PluginDescriptor(
        id: "probe", name: "Probe", vendor: "Tests", version: "1.2.3", license: "Apache-2.0",
        modality: "test",
        mediaTypes: ["a/b", "c/d"], outputKinds: [.text, .soft, .rows], configurationSchema: "{}",
        needsWeights: true, reentrant: true)

    nonisolated(unsafe) static var alive = 0  // Written by tests that run one at a time.
    private let context: CreateContext

    init(_ context: CreateContext) throws(PluginError) {
        if context.configuration != "{}" { throw .badConfiguration("size: expected a number") }
        self.context = context
        Self.alive += 1
    }

    deinit { Self.alive -= 1 }

    var outputs: PluginOutputs {
        PluginOutputs(
            kinds: .rows, width: 2, mostSlots: 9, decoder: context.decoder?.identity)
    }

    func encode(_ input: Input, into sink: Sink, job: Job) throws(PluginError) {
        try job.checkCancellation()
        job.progress(0.5)
        context.host.log(.warning, "job \(job.id)")
        switch String(decoding: input[0].bytes, as: UTF8.self) {
        case "text": try sink.text("é!", spans: [TextSpan(bytes: 0..<2, seconds: 0.5...1, confidence: 0.25)])
        case "empty": try sink.text("", part: 1)
        case "soft":
            try sink.soft([SoftSlot([("the", 0.75), (" a", 0.25)]), SoftSlot([]), SoftSlot([("x", 1)])])
        case "rows":
            let shape = RowShape(rows: 2, width: 2, grid: (1, 1, 2), positions: [0, 0, 0, 0, 0, 1])
            try sink.rows(shape) { values throws(PluginError) in
                for index in values.indices { values[index] = Float(index) + 0.5 }
            }
        case let other: throw .badInput("\(input[0].mediaType): \(other)")
        }
    }
}

/// The library of these tests; a process has one.
func testEntry() -> UnsafePointer<GatehouseEntry> {
    export(Probe.self, Batcher.self, Plain.self, Letters.self)
}

@Suite(.serialized) struct ExportTests {
    private let entry = testEntry()

    @Test func samePointerComesTwice() {
        #expect(export(Probe.self) == entry)
    }

    @Test func blockAndDescriptorsAreAsTheHeaderSays() throws {
        #expect(gatehouse_check_entry(entry) == GATEHOUSE_ENTRY_GOOD)
        #expect(String(cString: entry.pointee.toolchain).hasPrefix("swift 6"))
        #expect(entry.pointee.plugin_count(entry.pointee.ctx) == 4)
        #expect(entry.pointee.plugin(entry.pointee.ctx, 4) == nil)
        let descriptor = try #require(entry.pointee.plugin(entry.pointee.ctx, 0))
        #expect(gatehouse_check_descriptor(descriptor) != 0)
        #expect(String(cString: descriptor.pointee.id) == "probe")
        #expect(String(cString: descriptor.pointee.version) == "1.2.3")
        #expect(String(cString: descriptor.pointee.media_types) == "a/b c/d")
        #expect(descriptor.pointee.output_kinds == 7)
        #expect(descriptor.pointee.flags == UInt32(GATEHOUSE_REENTRANT | GATEHOUSE_NEEDS_WEIGHTS))
        #expect(String(cString: descriptor.pointee.configuration_schema) == "{}")
        #expect(descriptor.pointee.weights_manifest == nil)
    }

    @Test func unknownIDAndBadConfigurationFailWithAMessageAndNoInstance() {
        let host = CHost()
        let untouched = UnsafePointer<GatehouseInstance>(bitPattern: 8)
        var made = untouched
        #expect(host.create("prob", &made) == GatehouseStatus(GATEHOUSE_UNSUPPORTED))
        #expect(host.message == "no plugin \"prob\" in this library; it holds probe, batcher, plain, letters")
        #expect(
            host.create("probe", configuration: "{\"size\": []}", &made)
                == GatehouseStatus(GATEHOUSE_BAD_CONFIGURATION))
        #expect(host.message == "size: expected a number")
        #expect(made == untouched)
        #expect(Probe.alive == 0)
    }

    @Test func destroyEndsTheObject() throws {
        let host = CHost()
        try withInstance(host) { instance in
            #expect(Probe.alive == 1)
            #expect(gatehouse_check_instance(instance) != 0)
            #expect(instance.pointee.reset(instance.pointee.ctx) == GatehouseStatus(GATEHOUSE_OK))
        }
        #expect(Probe.alive == 0)
    }

    @Test func describeHandsOutWhatThePluginSays() throws {
        try withInstance(CHost()) { instance in
            for _ in 0..<2 {
                var outputs = GatehouseOutputs()
                #expect(
                    instance.pointee.describe(instance.pointee.ctx, &outputs) == GatehouseStatus(GATEHOUSE_OK)
                )
                #expect(outputs.struct_size == 32)
                #expect(outputs.kinds == 4)
                #expect(outputs.width == 2)
                #expect(outputs.most_slots == 9)
                let identity = try #require(outputs.decoder).pointee
                #expect(identity.struct_size == 24)
                #expect(identity.hidden == 2)
                #expect(String(cString: identity.family) == "llama")
                #expect((0..<512).allSatisfy { identity.fingerprint[$0] == Float($0) })
            }
        }
    }

    @Test(arguments: [
        ("text", ["begin part 0 kind 1 expected 3", "text 32 é! [0 2 0.5 1.0 0.25]", "end"]),
        ("empty", ["begin part 1 kind 1 expected 0", "text 32  ", "end"]),
        (
            "soft",
            [
                "begin part 0 kind 2 expected 3",
                "soft 40 [0, 2, 2, 3] [0, 3, 5, 6] [0.75, 0.25, 1.0] the ax", "end",
            ]
        ),
        (
            "rows",
            [
                "begin part 0 kind 4 expected 2",
                "acquire 56 type 0 2x2 stride 8 grid 1 1 2 positions [0, 0, 0, 0, 0, 1]", "commit 2", "end",
            ]
        ),
    ])
    func outputReachesTheSinkUnchanged(_ input: String, _ calls: [String]) throws {
        let host = CHost()
        #expect(try encode(host, input) == GatehouseStatus(GATEHOUSE_OK))
        #expect(host.calls == calls)
        #expect(host.message == nil)
        #expect(host.progress == [0.5])
        #expect(host.logged == ["2 job 42"])
        if input == "rows" { #expect(Array(host.values.prefix(5)) == [0.5, 1.5, 2.5, 3.5, 0]) }
    }

    @Test func thrownErrorBecomesStatusAndMessage() throws {
        let host = CHost()
        #expect(try encode(host, "noise") == GatehouseStatus(GATEHOUSE_BAD_INPUT))
        #expect(host.message == "a/b: noise")
    }

    @Test func cancelledJobReturnsCancelledWithoutAMessage() throws {
        let host = CHost()
        host.isCancelled = true
        #expect(try encode(host, "text") == GatehouseStatus(GATEHOUSE_CANCELLED))
        #expect(host.message == nil)
        #expect(host.calls.isEmpty)
    }

    @Test(arguments: [
        ("text", "begin"), ("text", "text"), ("rows", "acquire"), ("rows", "commit"), ("soft", "end"),
    ])
    func refusalOfTheSinkIsPassedOnWithoutAMessageOrAnotherCall(_ input: String, _ refused: String) throws {
        let host = CHost()
        host.refused = refused
        #expect(try encode(host, input) == GatehouseStatus(GATEHOUSE_FAILED))
        #expect(host.message == nil)
        #expect(host.calls.last?.hasPrefix(refused) == true)
    }

    /// Calls `body` with an instance, and ends it.
    private func withInstance<Result>(
        _ host: CHost, _ body: (UnsafePointer<GatehouseInstance>) throws -> Result
    ) throws -> Result {
        var made: UnsafePointer<GatehouseInstance>?
        try #require(host.create("probe", &made) == GatehouseStatus(GATEHOUSE_OK))
        let instance = try #require(made)
        defer { withExtendedLifetime(host) { instance.pointee.destroy(instance.pointee.ctx) } }
        return try body(instance)
    }

    /// Encodes one part of media type `a/b`.
    private func encode(_ host: CHost, _ text: String) throws -> GatehouseStatus {
        try withInstance(host) { instance in
            "a/b".withCString { type in
                Array(text.utf8).withUnsafeBufferPointer { bytes in
                    var part = GatehousePart(
                        kind: 0, reserved: 0, media_type: type, data: bytes.baseAddress,
                        size: UInt64(bytes.count),
                        sample_rate: 0, channels: 0, width: 0, height: 0, stride: 0)
                    return withUnsafePointer(to: &part) { part in
                        var input = GatehouseInput(struct_size: 16, part_count: 1, parts: part)
                        return host.withJob { job in
                            host.withSink { sink in
                                instance.pointee.encode(instance.pointee.ctx, job, &input, sink)
                            }
                        }
                    }
                }
            }
        }
    }
}
