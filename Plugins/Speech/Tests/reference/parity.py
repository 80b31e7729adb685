"""Prints how near the plugin comes to transformers: features, states and scores, on random checkpoints of published widths; and
to the model of its streaming mode.

    pip install numpy torch transformers
    swift build -c release --package-path Plugins/Speech
    python3 Plugins/Speech/Tests/reference/parity.py
"""

import json
import pathlib
import subprocess
import tempfile

import numpy as np
import torch
from transformers import ParakeetCTCConfig, ParakeetEncoderConfig, ParakeetFeatureExtractor, ParakeetForCTC

import streaming_model

probe = pathlib.Path(__file__).parents[2] / ".build/release/speech-probe"
torch.manual_seed(0)
CHUNK, LEFT, RIGHT = 3, 64, 2


def randomised(model):
    """Weights of a size that keeps the signal through all blocks."""
    for name, parameter in model.named_parameters():
        scale = parameter[0].numel() ** -0.5 if parameter.dim() > 1 else 0.1
        offset = 1.0 if "norm" in name and name.endswith("weight") else 0.0
        parameter.data = torch.randn_like(parameter) * scale + offset
    for name, buffer in model.named_buffers():
        if name.endswith("running_mean"):
            buffer.copy_(torch.randn_like(buffer) * 0.1)
        if name.endswith("running_var"):
            buffer.copy_(torch.rand_like(buffer) + 0.5)
    return model.eval()


def sound(seconds):
    """Harmonics that glide, with pauses, and some noise."""
    time = np.arange(int(seconds * 16000)) / 16000
    pitch = 120 + 40 * np.sin(2 * np.pi * 0.7 * time)
    phase = 2 * np.pi * np.cumsum(pitch) / 16000
    formant = 900 + 600 * np.sin(2 * np.pi * 1.9 * time)
    voice = sum(np.exp(-(((k * pitch - formant) / 500) ** 2)) * np.sin(k * phase) for k in range(1, 30))
    loudness = np.clip(np.sin(2 * np.pi * 1.3 * time) + 0.4, 0, 1) ** 2
    noise = np.random.default_rng(len(time)).normal(0, 0.003, len(time))
    return (0.3 * voice * loudness + noise).astype(np.float32)


def relative(found, reference):
    reference = reference.numpy()
    return np.abs(found.reshape(reference.shape) - reference).max() / np.sqrt((reference**2).mean())


def exact(extractor, samples):
    """The reference's features in float64 after its window and pre-emphasis, which it makes in float32."""
    x = torch.from_numpy(samples)
    x = torch.cat([x[:1], x[1:] - extractor.preemphasis * x[:-1]]).double()
    window = torch.hann_window(extractor.win_length, periodic=False).double()
    spectrum = torch.stft(x, extractor.n_fft, hop_length=extractor.hop_length, win_length=extractor.win_length,
                          window=window, return_complex=True, pad_mode="constant").abs() ** 2
    rows = torch.log(extractor.mel_filters.double() @ spectrum + 2**-24).T[: len(samples) // extractor.hop_length]
    return ((rows - rows.mean(0)) / (rows.std(0) + 1e-5)).numpy()


print("| encoder | sound | features: greatest error | the reference's own, to float64 | states: greatest error, of their root mean square | scores: likewise "
      "| live, states: likewise |\n|---|---|---|---|---|---|---|")
for name, width, blocks, heads in (("Conformer-Small", 176, 16, 4), ("Conformer-Large", 512, 17, 8), ("Parakeet 1.1B, 4 blocks", 1024, 4, 8)):
    with tempfile.TemporaryDirectory() as folder, torch.inference_mode():
        encoder = ParakeetEncoderConfig(hidden_size=width, num_hidden_layers=blocks, num_attention_heads=heads,
                                        intermediate_size=4 * width)
        model = randomised(ParakeetForCTC(ParakeetCTCConfig(vocab_size=1025, pad_token_id=1024, encoder_config=encoder)))
        extractor = ParakeetFeatureExtractor()
        model.save_pretrained(folder)
        extractor.save_pretrained(folder)
        pathlib.Path(folder, "tokenizer.json").write_text(json.dumps({"model": {"vocab": {f"▁p{i}": i for i in range(1024)}}}))
        for seconds in (0.3, 2.5, 10, 28.3):
            samples = sound(seconds)
            samples.tofile(f"{folder}/samples")
            files = {part: f"{folder}/{part}" for part in ("features", "states", "scores")}
            subprocess.run([probe, folder, f"{folder}/samples", "--threads", "2",
                            *(word for part, path in files.items() for word in (f"--{part}", path))],
                           check=True, capture_output=True)
            subprocess.run([probe, folder, f"{folder}/samples", "--threads", "2", "--live", "100", "--states", f"{folder}/live"],
                           check=True, capture_output=True)
            found = {part: np.fromfile(f"{folder}/{part}", np.float32) for part in (*files, "live")}
            made = extractor(samples, sampling_rate=16000, return_tensors="pt")
            output = model.encoder(**made)
            rows = int(output.attention_mask.sum())
            features = made["input_features"][0, : int(made["attention_mask"].sum())].numpy()
            live, layout = streaming_model.states(
                model.encoder, streaming_model.features(extractor, samples, 8, CHUNK + RIGHT), CHUNK, LEFT, RIGHT)
            print(f"| {name} | {seconds} s | {np.abs(found['features'].reshape(features.shape) - features).max():.1e} "
                  f"| {np.abs(exact(extractor, samples) - features).max():.1e} "
                  f"| {relative(found['states'], output.last_hidden_state[0, :rows]):.1e} "
                  f"| {relative(found['scores'], model(**made).logits[0, :rows]):.1e} "
                  f"| {relative(found['live'], live[layout.own]):.1e} |", flush=True)
