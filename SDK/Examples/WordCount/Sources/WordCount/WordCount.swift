import GatehouseSDK

/// Tells how long a text is: the smallest plugin that does something.
final class WordCount: ModalityPlugin {
    static let descriptor = PluginDescriptor(
        id: "word-count", name: "Word count", vendor: "Example", version: "1.0.0", license: "Apache-2.0",
        modality: "text", mediaTypes: ["text/plain"], outputKinds: .text)

    init(_ context: CreateContext) throws(PluginError) {}

    func encode(_ input: Input, into sink: Sink, job: Job) throws(PluginError) {
        for (index, part) in input.enumerated() {
            try job.checkCancellation()
            let text = String(decoding: part.bytes, as: UTF8.self)
            let words = text.split(whereSeparator: \.isWhitespace).count
            try sink.text("\(words) words, \(text.count) characters", part: index)
        }
    }
}

@c @implementation
public func gatehouse_plugin_entry() -> UnsafePointer<GatehouseEntry> { export(WordCount.self) }
