import Encoders
import Features
import GatehouseNumerics
import Glibc
import Recognition
import Sounds

/// `speech-probe MODEL SAMPLES [--threads N] [--repeat N] [--features F] [--states F] [--scores F] [--live MS] [--list TYPE] [--transcribe TYPE
/// [--beam N]]`: SAMPLES are raw float32 at the model's rate; to be transcribed, a file of that media type. Writes what the model makes of them as raw float32 and prints shapes, words and times; with
/// `--live` it is fed so many milliseconds at once, and the states are those of live sound. With `--list TYPE` SAMPLES lists
/// files of that media type, one a line, and what is heard of each is printed as a line. For the scripts beside the tests.
@main
struct Probe {
    static func main() {
        do {
            try run(Array(CommandLine.arguments.dropFirst()))
        } catch {
            let line = Array("speech-probe: \(error)\n".utf8)
            _ = Glibc.write(STDERR_FILENO, line, line.count)
            exit(1)
        }
    }

    private struct Usage: Error, CustomStringConvertible {
        let description =
            "usage: speech-probe MODEL SAMPLES [--threads N] [--repeat N] [--features F] [--states F] [--scores F] [--live MS] [--list TYPE] [--transcribe TYPE] [--beam N]"
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
        let model = try SpeechModel(folder: places[0])
        let file = try MappedFile(path: places[1], kind: "file of samples")
        if let type = options["--list"] {
            guard let format = SoundFormat(rawValue: type), let milliseconds = Int(options["--live"] ?? "0")
            else { throw Usage() }
            let paths = String(decoding: file.bytes, as: UTF8.self).split(separator: "\n").map(String.init)
            for path in paths {
                let file = try MappedFile(path: path, kind: "sound")
                let reader = try SoundReader(decoding: file.bytes, as: format, rate: model.rate)
                print(
                    milliseconds > 0
                        ? try heardLive(model, reader, block: model.rate * milliseconds / 1000, team)
                        : try heard(model, reader, beam: options["--beam"].flatMap { Int($0) }, team))
            }
            return
        }
        if let type = options["--transcribe"] {
            guard let format = SoundFormat(rawValue: type) else { throw Usage() }
            try transcribe(model, file, format, beam: options["--beam"].flatMap { Int($0) }, team)
            return
        }
        let samples = file.bytes.bindMemory(to: Float.self)
        if let milliseconds = options["--live"] {
            guard let milliseconds = Int(milliseconds), milliseconds > 0 else { throw Usage() }
            try live(
                model, samples, block: model.rate * milliseconds / 1000, count, team, options["--states"])
            return
        }
        var times: [String: [Double]] = [:]
        for round in 0..<count {
            let start = now()
            let features = try model.extractor.features(samples, team)
            let middle = now()
            let states = try model.encoder.states(features, team)
            let scores = model.encoder.scores(states, team)
            let end = now()
            times["features", default: []].append(middle - start)
            times["encoder", default: []].append(end - middle)
            guard round == 0 else { continue }
            for (name, matrix) in [("features", features), ("states", states), ("scores", scores ?? states)] {
                print(name, matrix.rows, matrix.columns)
                if let path = options["--\(name)"] { try write(matrix.elements, to: path) }
            }
        }
        // In microseconds.
        for name in ["features", "encoder"] {
            print("times", name, (times[name] ?? []).map { String(Int($0 * 1e6)) }.joined(separator: " "))
        }
    }

    private static func heard(
        _ model: SpeechModel, _ reader: SoundReader, beam: Int?, _ team: ThreadTeam
    ) throws -> String {
        var options = Recognizer.Options()
        options.beam = beam
        guard case .text(let transcript) = try Recognizer(model, options).recognize(reader, team) else {
            throw Usage()
        }
        return transcript.text
    }

    /// The same as a stream hears it, in blocks of so many samples.
    private static func heardLive(
        _ model: SpeechModel, _ reader: SoundReader, block: Int, _ team: ThreadTeam
    ) throws -> String {
        let window = StreamingWindow(chunk: 3, left: 64, right: 2)
        guard let transcriber = StreamingTranscriber(model, window, team) else { throw Usage() }
        var text = ""
        func take(_ partials: [StreamingPartial]) {
            for partial in partials {
                text = String(decoding: Array(text.utf8.prefix(partial.offset)), as: UTF8.self) + partial.text
            }
        }
        var samples = [Float](repeating: 0, count: block)
        while true {
            let count = try samples.withUnsafeMutableBufferPointer { try reader.read(into: $0) }
            guard count > 0 else { break }
            take(
                samples.withUnsafeBufferPointer {
                    transcriber.push(UnsafeBufferPointer(rebasing: $0[..<count]))
                })
        }
        take(transcriber.finish())
        return text
    }

    /// Prints words, seconds of sound, seconds it took, and the most memory that the process ever had, in kB.
    private static func transcribe(
        _ model: SpeechModel, _ file: MappedFile, _ format: SoundFormat, beam: Int?, _ team: ThreadTeam
    ) throws {
        var options = Recognizer.Options()
        options.beam = beam.map { max(1, $0) }
        let start = now()
        let reader = try SoundReader(decoding: file.bytes, as: format, rate: model.rate)
        guard case .text(let transcript) = try Recognizer(model, options).recognize(reader, team) else {
            return
        }
        let seconds = now() - start
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        print(
            "transcribed", transcript.words.count, transcript.words.last?.seconds.upperBound ?? 0, seconds,
            usage.ru_maxrss)
    }

    private static func live(
        _ model: SpeechModel, _ samples: UnsafeBufferPointer<Float>, block: Int, _ count: Int,
        _ team: ThreadTeam, _ path: String?
    ) throws {
        let window = StreamingWindow(chunk: 3, left: 64, right: 2)
        let team = try ThreadTeam(threads: StreamingTranscriber.threads(model, of: team.threads))
        for _ in 0..<count {
            guard let transcriber = StreamingTranscriber(model, window, team) else { throw Usage() }
            let start = now()
            var longest = 0.0
            var text = ""
            func take(_ partials: [StreamingPartial]) {
                for partial in partials {
                    text =
                        String(decoding: Array(text.utf8.prefix(partial.offset)), as: UTF8.self)
                        + partial.text
                }
            }
            for first in stride(from: 0, to: samples.count, by: block) {
                let before = now()
                take(
                    transcriber.push(
                        UnsafeBufferPointer(rebasing: samples[first..<min(samples.count, first + block)])))
                longest = max(longest, now() - before)
            }
            take(transcriber.finish())
            print("live", Int((now() - start) * 1e6), Int(longest * 1e6), text.utf8.count)
        }
        print("delay", StreamingTranscriber.delay(model, window))
        guard let path else { return }
        let features = StreamingFeatures(
            model.extractor, block: model.encoder.configuration.factor, first: window.chunk + window.right)
        let encoder = StreamingEncoder(model.encoder, window, team)
        var states: [Float] = []
        func keep(_ step: StreamingEncoder.Step) { states += step.states.rows(0..<step.kept).elements }
        encoder.push(features.push(samples, team), team, keep)
        encoder.push(features.finish(team), team, keep)
        encoder.finish(team, keep)
        try write(states, to: path)
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
