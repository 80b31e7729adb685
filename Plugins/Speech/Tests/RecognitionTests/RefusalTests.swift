import Encoders
import Features
import Foundation
import GatehouseJSON
import GatehouseNumerics
import Recognition
import Testing

/// Checkpoints that do not fit are refused with file, field, what was expected and what was found.
@Suite struct RefusalTests {
    private func expect(
        _ message: String, sourceLocation: SourceLocation = #_sourceLocation, _ make: () throws -> Void
    ) {
        #expect(sourceLocation: sourceLocation) {
            try make()
        } throws: {
            "\($0)" == message
        }
    }

    private func file(_ json: String) throws -> ConfigurationFile {
        ConfigurationFile(path: "config.json", values: try JSONValue(parsing: json.utf8))
    }

    @Test(
        arguments: zip(
            [
                #""num_attention_heads": 7"#, #""conv_kernel_size": 8"#, #""subsampling_factor": 6"#,
                #""subsampling_conv_stride": 4"#, #""num_mel_bins": 20"#, #""hidden_act": "relu6""#,
                #""num_key_value_heads": 2"#, #""hidden_size": 1e9"#,
            ],
            [
                "num_attention_heads: expected a divisor of hidden_size 1024, which is even, found 7",
                "conv_kernel_size: expected an odd number below 1024, found 8",
                "subsampling_factor: expected a power of two from 2 to 64, found 6",
                "subsampling_conv_stride: expected 2, found the number 4",
                "num_mel_bins: expected a multiple of subsampling_factor 8, found 20",
                "hidden_act: expected one of \(Activation.allCases.map(\.rawValue).joined(separator: ", ")), found \"relu6\"",
                "num_key_value_heads: expected num_attention_heads 8, found the number 2",
                "hidden_size: expected a whole number from 1 to 16777216, found the number 1000000000",
            ]))
    func sizesThatMakeNoEncoder(_ json: String, _ message: String) throws {
        let file = try file(#"{"model_type": "parakeet_ctc", "encoder_config": {\#(json)}}"#)
        expect("config.json: encoder_config.\(message)") { _ = try ConformerConfiguration(file) }
    }

    @Test(
        arguments: zip(
            [
                #"{}"#, #"{"model_type": "parakeet_tdt"}"#, #"{"model_type": "parakeet_ctc"}"#,
                #"{"model_type": "parakeet_ctc", "encoder_config": {}, "pad_token_id": 1025}"#,
            ],
            [
                "model_type: expected \"parakeet_ctc\" or \"parakeet_encoder\", found nothing",
                "model_type: expected \"parakeet_ctc\" or \"parakeet_encoder\", found \"parakeet_tdt\"",
                "encoder_config: expected an object, found nothing",
                "pad_token_id: expected a piece below vocab_size 1025, found the number 1025",
            ]))
    func configurationsOfOtherModels(_ json: String, _ message: String) throws {
        let file = try file(json)
        expect("config.json: \(message)") { _ = try ConformerConfiguration(file) }
    }

    @Test(
        arguments: zip(
            [
                #"{"n_fft": 500}"#, #"{"win_length": 600}"#, #"{"sampling_rate": 100}"#,
                #"{"hop_length": 500}"#,
            ],
            [
                "n_fft: expected a power of two from 2 to 65536, found 500",
                "win_length: expected 2 to n_fft 512, found 600",
                "sampling_rate: expected 1000 to 768000, found 100",
                "hop_length: expected 1 to win_length 400, found 500",
            ]))
    func featuresThatNobodyMakes(_ json: String, _ message: String) throws {
        let file = try file(json)
        expect("config.json: \(message)") { _ = try FeatureExtractor(file) }
    }

    @Test func weightsThatAreMissingAreNamed() throws {
        let file = try ConfigurationFile(path: Checkpoints.path("ctc/config.json"))
        let weights = WeightReader(try SafetensorsCheckpoint(path: Checkpoints.path("encoder")))
        expect(
            "\(Checkpoints.path("encoder")): tensor encoder.subsampling.layers.0.weight: expected [12, 1, 3, 3], found no such tensor"
        ) { _ = try ConformerEncoder(ConformerConfiguration(file), weights) }
        let other = try ConfigurationFile(path: Checkpoints.path("encoder/config.json"))
        expect(
            "\(Checkpoints.path("ctc")): tensor subsampling.layers.0.weight: expected [12, 1, 3, 3], found no such tensor"
        ) {
            _ = try ConformerEncoder(
                ConformerConfiguration(other),
                WeightReader(SafetensorsCheckpoint(path: Checkpoints.path("ctc"))))
        }
    }

    /// Calls `body` with an empty folder.
    private func withFolder(_ body: (URL) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("speech-\(UUID())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try body(folder)
    }

    @Test func oneFileOfTheWholeProcessorWillDo() throws {
        try withFolder { folder in
            for name in ["config.json", "tokenizer.json", "model.safetensors"] {
                try FileManager.default.copyItem(
                    atPath: Checkpoints.path("ctc/\(name)"), toPath: folder.appendingPathComponent(name).path)
            }
            let own = try String(
                contentsOfFile: Checkpoints.path("ctc/preprocessor_config.json"), encoding: .utf8)
            try Data("{\"feature_extractor\": \(own)}".utf8)
                .write(to: folder.appendingPathComponent("processor_config.json"))
            #expect(try SpeechModel(folder: folder.path).extractor.bands == 16)
        }
    }

    @Test func aBandForEachOfTheExtractorsIsNeeded() throws {
        try withFolder { folder in
            try FileManager.default.copyItem(
                atPath: Checkpoints.path("ctc/config.json"),
                toPath: folder.appendingPathComponent("config.json").path)
            try Data("{}".utf8).write(to: folder.appendingPathComponent("preprocessor_config.json"))
            expect(
                "\(folder.path)/config.json: num_mel_bins: expected feature_size 80, found 16"
            ) { _ = try SpeechModel(folder: folder.path) }
        }
    }
}
