import GatehouseSDK

/// Makes nothing of each part.
final class EmptySwift: ModalityPlugin {
    static let descriptor = PluginDescriptor(
        id: "empty-swift", name: "Empty", vendor: "Gatehouse", version: "1.0.0", license: "Apache-2.0",
        modality: "probe", mediaTypes: ["text/plain"], outputKinds: .text)

    init(_ context: CreateContext) throws(PluginError) {}

    func encode(_ input: Input, into sink: Sink, job: Job) throws(PluginError) {
        for index in 0..<input.count { try sink.text("", part: index) }
    }
}

@c @implementation
public func gatehouse_plugin_entry() -> UnsafePointer<GatehouseEntry> { export(EmptySwift.self) }
