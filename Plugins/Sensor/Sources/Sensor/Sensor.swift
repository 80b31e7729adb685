import GatehouseSDK
import Measurements

/// Tells what a file of measurements holds, as text.
final class Sensor: ModalityPlugin {
    static let descriptor = PluginDescriptor(
        id: "sensor", name: "Sensor", vendor: "Gatehouse", version: "0.1.0", license: "Apache-2.0",
        modality: "measurements", mediaTypes: ["text/csv"], outputKinds: .text,
        configurationSchema: Configuration.schema, reentrant: true)

    private let configuration: Configuration

    init(_ context: CreateContext) throws(PluginError) {
        configuration = try Configuration(json: context.configuration)
    }

    func encode(_ input: Input, into sink: Sink, job: Job) throws(PluginError) {
        for (index, part) in input.enumerated() {
            guard part.kind == .encoded || part.kind == .text else {
                throw .unsupported("part \(index + 1): expected a text/csv file, found \(part.kind)")
            }
            let report: Report
            do throws(MeasurementError) {
                report = Report(
                    try Measurements(
                        csv: part.bytes, mostChannels: configuration.mostChannels,
                        mostPeaks: configuration.mostPeaks,
                        cancellation: Cancellation { job.isCancelled },
                        progress: { job.progress((Double(index) + $0) / Double(input.count)) }))
            } catch {
                switch error {
                case .cancelled: throw .cancelled
                case .malformed(let message): throw .badInput(message)
                }
            }
            let spans = report.references.map { TextSpan(bytes: $0.bytes, seconds: $0.seconds) }
            try sink.text(report.text, spans: spans, part: index)
        }
    }
}

@c @implementation
public func gatehouse_plugin_entry() -> UnsafePointer<GatehouseEntry> { export(Sensor.self) }
