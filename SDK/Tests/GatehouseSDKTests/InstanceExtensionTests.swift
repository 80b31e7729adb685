import CGatehouse
import GatehouseSDK
import Testing

/// Says its input's bytes back, and doubts itself where its configuration says so.
final class Batcher: SelfTestingPlugin, BatchingPlugin {
    static let descriptor = PluginDescriptor(
        id: "batcher", name: "Batcher", vendor: "Tests", version: "1.0.0", license: "Apache-2.0",
        modality: "test", mediaTypes: ["a/b"], outputKinds: .text)
    static let mostCalls = 3
    private let isSound: Bool

    init(_ context: CreateContext) throws(PluginError) { isSound = context.configuration == "{}" }

    func encode(_ input: Input, into sink: Sink, job: Job) throws(PluginError) {
        let text = String(decoding: input[0].bytes, as: UTF8.self)
        if text == "bad" { throw .badInput("bad is bad") }
        try sink.text(text)
    }

    func encode(_ calls: [BatchCall]) -> [PluginError?] {
        calls.map { call in
            do throws(PluginError) {
                try encode(call.input, into: call.sink, job: call.job)
                return nil
            } catch {
                return error
            }
        }
    }

    func selfTest(_ job: Job) throws(PluginError) {
        if !isSound { throw .failed("1 + 1 came out as 3") }
    }
}

@Suite struct InstanceExtensionTests {
    /// Calls `body` with an instance and the host that it was lent, and ends it.
    private func withInstance(
        _ id: String, configuration: String = "{}",
        _ body: (UnsafePointer<GatehouseInstance>, CHost) throws -> Void
    ) throws {
        let host = CHost()
        var made: UnsafePointer<GatehouseInstance>?
        try #require(host.create(id, configuration: configuration, &made) == GatehouseStatus(GATEHOUSE_OK))
        let instance = try #require(made)
        defer { withExtendedLifetime(host) { instance.pointee.destroy(instance.pointee.ctx) } }
        try body(instance, host)
    }

    @Test func aPluginWithoutThemHasNone() throws {
        try withInstance("plain") { instance, _ in
            let find = try #require(instance.pointee.extension)
            for id in [GATEHOUSE_BATCH, GATEHOUSE_SELF_TEST, "gatehouse.batch/2"] {
                #expect(find(instance.pointee.ctx, id) == nil)
            }
        }
    }

    @Test func selfTestTellsWhatItFound() throws {
        for (configuration, expected) in [("{}", GATEHOUSE_OK), ("[]", GATEHOUSE_FAILED)] {
            try withInstance("batcher", configuration: configuration) { instance, host in
                let found = try #require(
                    instance.pointee.extension(instance.pointee.ctx, GATEHOUSE_SELF_TEST))
                let test = found.assumingMemoryBound(to: GatehouseSelfTest.self)
                #expect(gatehouse_check_self_test(test) != 0)
                let status = host.withJob { test.pointee.run(test.pointee.ctx, $0) }
                #expect(status == GatehouseStatus(expected))
                #expect(host.message == (expected == GATEHOUSE_OK ? nil : "1 + 1 came out as 3"))
            }
        }
    }

    @Test func eachCallOfABatchHasItsOwnEndAndItsOwnWords() throws {
        try withInstance("batcher") { instance, own in
            let found = try #require(instance.pointee.extension(instance.pointee.ctx, GATEHOUSE_BATCH))
            let batch = found.assumingMemoryBound(to: GatehouseBatch.self)
            #expect(gatehouse_check_batch(batch) != 0)
            #expect(batch.pointee.most_calls == 3)
            let hosts = [CHost(), CHost(), CHost()]
            let statuses = run(batch, hosts, [("a/b", "one"), ("a/b", "bad"), ("c/d", "two")])
            #expect(
                statuses
                    == [GATEHOUSE_OK, GATEHOUSE_BAD_INPUT, GATEHOUSE_UNSUPPORTED].map(GatehouseStatus.init))
            #expect(hosts[0].calls.contains { $0.hasSuffix("one ") })
            #expect(hosts[0].message == nil)
            #expect(hosts[1].message == "bad is bad")
            #expect(hosts[2].message == "c/d is not taken; expected a/b")
            #expect(own.message == nil)
        }
    }

    /// Runs one batch of parts of (media type, text).
    private func run(
        _ batch: UnsafePointer<GatehouseBatch>, _ hosts: [CHost], _ parts: [(type: String, text: String)]
    ) -> [GatehouseStatus] {
        var statuses = [GatehouseStatus](repeating: .min, count: parts.count)
        func make(_ made: [GatehouseBatchCall]) {
            guard made.count < parts.count else {
                made.withUnsafeBufferPointer {
                    batch.pointee.encode(
                        batch.pointee.ctx, UInt32($0.count), $0.baseAddress, &statuses)
                }
                return
            }
            let (host, part) = (hosts[made.count], parts[made.count])
            let bytes = Array(part.text.utf8)
            part.type.withCString { type in
                bytes.withUnsafeBufferPointer { bytes in
                    var layout = GatehousePart()
                    layout.media_type = type
                    layout.data = bytes.baseAddress
                    layout.size = UInt64(bytes.count)
                    withUnsafePointer(to: layout) { layout in
                        let input = GatehouseInput(
                            struct_size: UInt32(MemoryLayout<GatehouseInput>.size), part_count: 1,
                            parts: layout)
                        withUnsafePointer(to: input) { input in
                            host.withJob { job in
                                host.withSink { sink in
                                    make(
                                        made + [
                                            GatehouseBatchCall(
                                                job: job, input: input, sink: sink, host: host.pointer)
                                        ])
                                }
                            }
                        }
                    }
                }
            }
        }
        make([])
        return statuses
    }
}

/// Neither tests itself nor takes batches.
final class Plain: ModalityPlugin {
    static let descriptor = PluginDescriptor(
        id: "plain", name: "Plain", vendor: "Tests", version: "1.0.0", license: "Apache-2.0",
        modality: "test", mediaTypes: ["a/b"], outputKinds: .text)

    init(_ context: CreateContext) throws(PluginError) {}
    func encode(_ input: Input, into sink: Sink, job: Job) throws(PluginError) {}
}
