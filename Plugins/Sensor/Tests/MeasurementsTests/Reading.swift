import Foundation
import Measurements
import Testing

/// Reads CSV text as the plugin does.
func measure(
    _ csv: [UInt8], mostChannels: Int = 8, mostPeaks: Int = 3, stretchRows: Int = Measurements.stretchRows,
    isCancelled: @escaping () -> Bool = { false }
) throws -> Measurements {
    try csv.withUnsafeBytes {
        try Measurements(
            csv: $0, mostChannels: mostChannels, mostPeaks: mostPeaks, stretchRows: stretchRows,
            cancellation: Cancellation(isCancelled))
    }
}

func measure(_ csv: String) throws -> Measurements { try measure(Array(csv.utf8)) }

/// A file of `Tests/reference`.
func reference(_ name: String) throws -> [UInt8] {
    let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    return Array(try Data(contentsOf: folder.appendingPathComponent("reference/\(name)")))
}

/// What refusing `csv` says; nil where it is read.
func refusal(_ csv: [UInt8]) -> String? {
    do {
        _ = try measure(csv)
        return nil
    } catch MeasurementError.malformed(let message) {
        return message
    } catch {
        return "\(error)"
    }
}

func refusal(_ csv: String) -> String? { refusal(Array(csv.utf8)) }
