import Encoders
import GatehouseNumerics
import Glibc
import Pictures

/// `vision-features MODEL IMAGE [--threads N] [--repeat N] [--out F] [--pixels F]`: writes what a model makes of a picture,
/// and of what pixels, as raw float32, and prints shapes and times. For the scripts beside the tests.
@main
struct Features {
    static func main() {
        do {
            try run(Array(CommandLine.arguments.dropFirst()))
        } catch {
            let line = Array("vision-features: \(error)\n".utf8)
            _ = Glibc.write(STDERR_FILENO, line, line.count)
            exit(1)
        }
    }

    private struct Usage: Error, CustomStringConvertible {
        let description =
            "usage: vision-features MODEL IMAGE [--threads N] [--repeat N] [--out F] [--pixels F]"
    }

    private static func run(_ words: [String]) throws {
        var places: [String] = []
        var options: [String: String] = [:]
        var rest = words[...]
        while let word = rest.popFirst() {
            if word.hasPrefix("--") {
                guard let value = rest.popFirst() else { throw Usage() }
                options[word] = value
            } else {
                places.append(word)
            }
        }
        guard places.count == 2, let threads = Int(options["--threads"] ?? "1"), threads > 0,
            let count = Int(options["--repeat"] ?? "1"), count > 0
        else { throw Usage() }
        let team = try ThreadTeam(threads: threads)
        let model = try VisionModel(path: places[0])
        let file = try MappedFile(path: places[1], kind: "image")
        let format = PictureFormat.allCases.first { places[1].hasSuffix(".\($0)") } ?? .png
        let image = try PixelImage(decoding: file.bytes, as: format)
        let resized = try model.resized(image, team)
        print("pixels \(resized.height) \(resized.width)")
        if let path = options["--pixels"] {
            let levels = model.levels
            let area = resized.height * resized.width
            try write(
                (0..<3).flatMap { channel in
                    (0..<area).map { levels[channel * 256 + Int(resized.samples[$0 * 3 + channel])] }
                }, to: path)
        }
        var processing: [Double] = []
        var encoding: [Double] = []
        for round in 0..<count {
            let start = now()
            let resized = try model.resized(image, team)
            let middle = now()
            let output = try model.encode(resized: resized, team)
            encoding.append(now() - middle)
            processing.append(middle - start)
            guard round == 0 else { continue }
            switch output {
            case .rows(let rows, let height, let width):
                print("rows \(rows.rows) \(rows.columns) \(height) \(width)")
                if let path = options["--out"] {
                    try write(rows.elements, to: path)
                }
            case .soft(let slots):
                for slot in slots { print(slot.map { "\($0.text):\($0.weight)" }.joined(separator: " ")) }
            }
        }
        // In microseconds.
        for (name, times) in [("processor", processing), ("encoder", encoding)] {
            print(name, times.map { String(Int($0 * 1e6)) }.joined(separator: " "))
        }
    }

    private static func write(_ floats: [Float], to path: String) throws {
        guard let file = fopen(path, "wb") else { throw Usage() }
        defer { fclose(file) }
        guard fwrite(floats, MemoryLayout<Float>.size, floats.count, file) == floats.count else {
            throw Usage()
        }
    }

    private static func now() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
    }
}
