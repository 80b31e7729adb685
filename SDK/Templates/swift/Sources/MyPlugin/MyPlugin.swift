import GatehouseSDK
import TextSummary

/// Says how many lines and words a text has.
final class MyPlugin: ModalityPlugin {
    static let descriptor = PluginDescriptor(
        id: "my-plugin", name: "My plugin", vendor: "", version: "0.1.0", license: "Apache-2.0",
        modality: "text", mediaTypes: ["text/plain"], outputKinds: .text)

    init(_ context: CreateContext) throws(PluginError) {}

    func encode(_ input: Input, into sink: Sink, job: Job) throws(PluginError) {
        for (index, part) in input.enumerated() {
            try job.checkCancellation()
            guard part.kind == .encoded else { throw .unsupported("only files are taken") }
            try sink.text(TextSummary(part.bytes).description, part: index)
        }
        job.progress(1)
    }
}

@c @implementation
public func gatehouse_plugin_entry() -> UnsafePointer<GatehouseEntry> { export(MyPlugin.self) }
