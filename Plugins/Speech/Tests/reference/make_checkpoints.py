"""Makes RecognitionTests/checkpoints/: small random checkpoints, a sound, and what transformers makes of it with them.

    pip install numpy soundfile torch transformers safetensors tokenizers
    python3 Plugins/Speech/Tests/reference/make_checkpoints.py
"""

import json
import pathlib
import shutil

import numpy as np
import soundfile
import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from transformers import ParakeetCTCConfig, ParakeetEncoder, ParakeetEncoderConfig, ParakeetFeatureExtractor, ParakeetForCTC

import streaming_model

torch.manual_seed(7)
folder = pathlib.Path(__file__).parents[1] / "RecognitionTests" / "checkpoints"
shutil.rmtree(folder, ignore_errors=True)
folder.mkdir()
references = {}
expected = {}


def randomised(model):
    """Weights of a size that keeps the signal through all blocks; norms, biases and running moments included."""
    for name, parameter in model.named_parameters():
        scale = parameter[0].numel() ** -0.5 if parameter.dim() > 1 else 0.2
        offset = 1.0 if "norm" in name and name.endswith("weight") else 0.0
        parameter.data = torch.randn_like(parameter) * scale + offset
    for name, buffer in model.named_buffers():
        if name.endswith("running_mean"):
            buffer.copy_(torch.randn_like(buffer) * 0.2)
        if name.endswith("running_var"):
            buffer.copy_(torch.rand_like(buffer) + 0.5)
    return model.eval()


def sound(seconds, seed):
    """Harmonics that glide, with pauses, and some noise: 16 bits at 16 kHz."""
    generator = np.random.default_rng(seed)
    time = np.arange(int(seconds * 16000)) / 16000
    pitch = 120 + 40 * np.sin(2 * np.pi * 0.7 * time)
    phase = 2 * np.pi * np.cumsum(pitch) / 16000
    formant = 900 + 600 * np.sin(2 * np.pi * 1.9 * time + seed)
    voice = sum(np.exp(-(((k * pitch - formant) / 500) ** 2)) * np.sin(k * phase) for k in range(1, 30))
    loudness = np.clip(np.sin(2 * np.pi * 1.3 * time) + 0.4, 0, 1) ** 2
    samples = 0.3 * voice * loudness + generator.normal(0, 0.003, len(time))
    return np.round(np.clip(samples, -1, 1) * 32767).astype(np.int16)


pieces = ["<unk>", "▁the", "▁a", "s", "ing", "▁to", "▁of", "e", "▁", "n", "▁in", "é", "猫", "'", "<0xC3>", "<0xA9>"]
tokenizer = {
    "version": "1.0",
    "added_tokens": [{"id": i, "content": c, "special": True, "single_word": False, "lstrip": False, "rstrip": False,
                      "normalized": False} for i, c in ((0, "<unk>"), (16, "<pad>"))],
    "decoder": {"type": "Sequence", "decoders": [
        {"type": "Replace", "pattern": {"String": "▁"}, "content": " "}, {"type": "ByteFallback"}, {"type": "Fuse"},
        {"type": "Strip", "content": " ", "start": 1, "stop": 0}]},
    "model": {"type": "Unigram", "unk_id": 0, "byte_fallback": True, "vocab": [[piece, -1.0] for piece in pieces]},
}
oracle = Tokenizer.from_str(json.dumps(tokenizer))
extractor = ParakeetFeatureExtractor(feature_size=16)
samples = sound(4.093, 1)
soundfile.write(folder / "sound.flac", samples, 16000, subtype="PCM_16")
samples = samples.astype(np.float32) / 32768


def text(ids, blank):
    """As the reference's tokenizer: runs are one, blanks nothing. Spaces that follow each other are one here."""
    kept = [int(i) for n, i in enumerate(ids) if (n == 0 or i != ids[n - 1]) and int(i) != blank]
    return " ".join(oracle.decode(kept, skip_special_tokens=True).split())


def keep(name, model):
    made = extractor(samples, sampling_rate=16000, return_tensors="pt")
    encoder = getattr(model, "encoder", model)
    with torch.inference_mode():
        output = encoder(**made)
        rows = int(output.attention_mask.sum())
        references[f"{name}.states"] = output.last_hidden_state[0, :rows]
        if encoder is not model:
            scores = model(**made).logits[0, :rows]
            references[f"{name}.scores"] = scores
            expected[f"{name}.text"] = text(scores.argmax(-1).tolist(), model.config.pad_token_id)
    return made


# Everything with biases, as published.
small = dict(hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=56, conv_kernel_size=5,
             num_mel_bins=16, subsampling_conv_channels=12)
config = ParakeetCTCConfig(vocab_size=17, pad_token_id=16, encoder_config=ParakeetEncoderConfig(**small))
ctc = randomised(ParakeetForCTC(config))
# Every piece as likely as the others over the sound, and the blank likelier, as trained models have it.
with torch.inference_mode():
    scores = ctc(**extractor(samples, sampling_rate=16000, return_tensors="pt")).logits[0]
ctc.ctc_head.bias.data -= scores.mean(0)
ctc.ctc_head.weight.data /= scores.std(0)[:, None, None]
ctc.ctc_head.bias.data /= scores.std(0)
ctc.ctc_head.bias.data[16] += 1.2
ctc.save_pretrained(folder / "ctc")
extractor.save_pretrained(folder / "ctc")
(folder / "ctc" / "tokenizer.json").write_text(json.dumps(tokenizer, ensure_ascii=False, indent=1))
made = keep("ctc", ctc)
references["features"] = made["input_features"][0][: int(made["attention_mask"].sum())]

# The same weights as int8 with a scale for each output, where they are matrices.
state = load_file(folder / "ctc" / "model.safetensors")
stored = {}
for name, value in state.items():
    if value.dim() > 1 and "bias" not in name:
        scale = (value.flatten(1).abs().amax(1) / 127).clamp(min=1e-8)
        rounded = torch.round(value / scale.reshape(-1, *[1] * (value.dim() - 1)))
        stored[name], stored[f"{name}_scale"] = rounded.to(torch.int8), scale
        state[name] = rounded * scale.reshape(-1, *[1] * (value.dim() - 1))
    else:
        stored[name] = value
(folder / "int8").mkdir()
for name in ("config.json", "preprocessor_config.json", "tokenizer.json"):
    shutil.copy(folder / "ctc" / name, folder / "int8")
save_file(stored, folder / "int8" / "model.safetensors")
quantised = ParakeetForCTC(config).eval()
quantised.load_state_dict(state, strict=False)
keep("int8", quantised)

# An encoder alone, without biases and scale, of another factor, in half the bits, with heads for rows and for soft tokens.
bare = ParakeetEncoderConfig(**small | dict(subsampling_factor=4, hidden_size=24, num_attention_heads=2), attention_bias=False,
                             convolution_bias=False, scale_input=False, hidden_act="gelu")
encoder = randomised(ParakeetEncoder(bare))
for parameter in encoder.parameters():
    parameter.data = parameter.data.to(torch.bfloat16).float()
encoder.save_pretrained(folder / "encoder")
extractor.save_pretrained(folder / "encoder")
weights = load_file(folder / "encoder" / "model.safetensors")
save_file({n: v.to(torch.bfloat16) if v.dim() and v.is_floating_point() and "running" not in n else v
           for n, v in weights.items()}, folder / "encoder" / "model.safetensors")
keep("encoder", encoder)
layers = {"linear_1.weight": torch.randn(40, 24) * 0.2, "linear_1.bias": torch.randn(40), "linear_2.weight": torch.randn(20, 40)}
save_file(layers | {"decoder.fingerprint": torch.randn(64, 8)}, folder / "encoder" / "projector.safetensors",
          {"decoder.family": "llama", "activation": "relu"})
hidden = torch.relu(references["encoder.states"] @ layers["linear_1.weight"].T + layers["linear_1.bias"])
references["encoder.rows"] = hidden @ layers["linear_2.weight"].T
head = {"queries": torch.randn(3, 24), "classifier.weight": torch.randn(6, 24)}
save_file(head, folder / "encoder" / "soft_head.safetensors", {"pieces": json.dumps([" yes", " no", " maybe", ".", "é", " 猫"])})
seen = torch.softmax(head["queries"] @ references["encoder.states"].T / 24**0.5, -1) @ references["encoder.states"]
references["encoder.soft"] = torch.softmax(seen @ head["classifier.weight"].T, -1)

# Live: chunks of several widths.
with torch.inference_mode():
    for chunk, left, right in ((4, 8, 2), (1, 3, 0), (3, 64, 5)):
        name = f"live.{chunk}.{left}.{right}"
        rows = streaming_model.features(extractor, samples, 8, chunk + right)
        state, layout = streaming_model.states(ctc.encoder, rows, chunk, left, right)
        references[f"{name}.features"], references[f"{name}.states"] = rows, state
        ids = ctc.ctc_head(state[layout.own][None])[0].argmax(-1).tolist()
        expected[f"{name}.text"] = text(ids, 16)

save_file({name: value.float().contiguous() for name, value in references.items()}, folder / "references.safetensors")
(folder / "expected.json").write_text(json.dumps(expected, ensure_ascii=False, indent=1) + "\n")
