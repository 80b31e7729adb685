"""Makes EncodersTests/checkpoints/: small random checkpoints, and what transformers makes of pictures with them.

    pip install numpy pillow torch torchvision transformers safetensors
    python3 Plugins/Vision/Tests/reference/make_checkpoints.py LLAMA_CPP

LLAMA_CPP is a checkout of llama.cpp, whose converter makes the mmproj file.
"""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

import numpy as np
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from transformers import Glm4vVisionConfig, ViTConfig, ViTModel
from transformers.models.glm4v.image_processing_glm4v import Glm4vImageProcessor
from transformers.models.glm4v.modeling_glm4v import Glm4vVisionModel
from transformers.models.vit.image_processing_vit import ViTImageProcessor

torch.manual_seed(5)
folder = pathlib.Path(__file__).parents[1] / "EncodersTests" / "checkpoints"
shutil.rmtree(folder, ignore_errors=True)
folder.mkdir()
references = {}


def randomised(model):
    """Weights as large as those of trained models, norms and biases included."""
    for parameter in model.parameters():
        parameter.data = torch.randn_like(parameter) * 0.15 + (1.0 if parameter.dim() == 1 else 0.0)
    return model.eval()


def rounded(model):
    """Parameters of 16 bits, buffers as they are."""
    for parameter in model.parameters():
        parameter.data = parameter.data.to(torch.bfloat16).float()
    return model


def picture(height, width, seed):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def keep(name, array):
    Image.fromarray(array).save(folder / name)
    return array


# Vision Transformer: pictures of the size it was made for and of another.
vit = randomised(ViTModel(
    ViTConfig(hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=72, image_size=32, patch_size=8),
    add_pooling_layer=False))
vit.save_pretrained(folder / "vit")
processor = ViTImageProcessor(do_resize=False, image_mean=[0.4, 0.5, 0.6], image_std=[0.2, 0.3, 0.4])
processor.save_pretrained(folder / "vit")
layers = {"linear_1.weight": torch.randn(40, 32), "linear_1.bias": torch.randn(40), "linear_2.weight": torch.randn(24, 40)}
identity = {"decoder.fingerprint": torch.randn(64, 8)}
save_file(layers | identity, folder / "vit" / "projector.safetensors", {"decoder.family": "llama", "activation": "relu"})
with torch.inference_mode():
    for name, height, width in (("square", 32, 32), ("wide", 24, 52)):
        pixels = processor(Image.fromarray(keep(f"vit-{name}.png", picture(height, width, 1))), return_tensors="pt")
        state = vit(**pixels, interpolate_pos_encoding=True).last_hidden_state[0]
        references[f"vit.{name}"] = state
        hidden = torch.relu(torch.nn.functional.linear(state[1:], layers["linear_1.weight"], layers["linear_1.bias"]))
        references[f"vit.{name}.rows"] = torch.nn.functional.linear(hidden, layers["linear_2.weight"])
    pieces = [" a", " cat", " on", " the", " mat", ".", "é", " 猫", " x", " y"]
    head = {"queries": torch.randn(3, 32), "classifier.weight": torch.randn(len(pieces), 32)}
    patches = references["vit.square"][1:]
    seen = torch.softmax(head["queries"] @ patches.T / 32**0.5, -1) @ patches
    references["vit.square.soft"] = torch.softmax(seen @ head["classifier.weight"].T, -1)

# The same weights under the names that newer versions of the library have inside, in half the bits, with the soft head.
(folder / "vit-renamed").mkdir()
for name in ("config.json", "preprocessor_config.json"):
    shutil.copy(folder / "vit" / name, folder / "vit-renamed")
save_file({name: value.to(torch.bfloat16) for name, value in rounded(vit).state_dict().items()},
          folder / "vit-renamed" / "model.safetensors")
save_file(head, folder / "vit-renamed" / "soft_head.safetensors", {"pieces": json.dumps(pieces)})
with torch.inference_mode():
    pixels = processor(Image.open(folder / "vit-square.png"), return_tensors="pt")
    references["vit.bf16"] = vit(**pixels).last_hidden_state[0]

# The tower of GLM-4.1V in the layout of its checkpoints, and as llama.cpp's converter writes it.
converter = pathlib.Path(sys.argv[1])


def save_tower(tower, folder):
    config = tower.config
    text = {"model_type": "glm4v_text", "hidden_size": config.out_hidden_size, "num_hidden_layers": 1, "rms_norm_eps": 1e-5}
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(
        {"architectures": ["Glm4vForConditionalGeneration"], "model_type": "glm4v", "text_config": text,
         "vision_config": config.to_dict()}, indent=1))
    processor = Glm4vImageProcessor(patch_size=4, size={"shortest_edge": 64, "longest_edge": 100_000})
    processor.save_pretrained(folder)
    state = {f"model.visual.{name}": value.to(torch.bfloat16) for name, value in tower.state_dict().items()}
    names = sorted(state)
    parts = {"model-00001-of-00002.safetensors": names[::2], "model-00002-of-00002.safetensors": names[1::2]}
    for part, members in parts.items():
        save_file({name: state[name] for name in members}, folder / part)
    (folder / "model.safetensors.index.json").write_text(json.dumps(
        {"metadata": {}, "weight_map": {name: part for part, members in parts.items() for name in members}}))
    return processor


def convert(checkpoint, kind, file):
    subprocess.run(
        [sys.executable, converter / "convert_hf_to_gguf.py", "--mmproj", "--outtype", kind, "--outfile", file, checkpoint],
        check=True, env=os.environ | {"PYTHONPATH": str(converter / "gguf-py")})


config = Glm4vVisionConfig(
    depth=2, hidden_size=48, num_heads=3, patch_size=4, image_size=24, out_hidden_size=40, intermediate_size=56)
tower = rounded(randomised(Glm4vVisionModel(config)))
processor = save_tower(tower, folder / "glm4v")
convert(folder / "glm4v", "f16", folder / "glm4v-mmproj.gguf")
with torch.inference_mode():
    for name, height, width in (("square", 24, 24), ("tall", 88, 32)):
        made = processor(Image.fromarray(keep(f"glm4v-{name}.png", picture(height, width, 2))), return_tensors="pt")
        references[f"glm4v.{name}"] = tower(made["pixel_values"], made["image_grid_thw"]).pooler_output

# One of widths that blocks of 32 divide, in Q8_0; what transformers makes of the picture with the weights that the file has,
# and with those that it was made from.
sys.path.insert(0, str(converter / "gguf-py"))
from gguf import GGMLQuantizationType, GGUFReader, dequantize

config = Glm4vVisionConfig(
    depth=1, hidden_size=64, num_heads=2, patch_size=4, image_size=24, out_hidden_size=64, intermediate_size=96)
tower = rounded(randomised(Glm4vVisionModel(config)))
with tempfile.TemporaryDirectory() as temporary:
    processor = save_tower(tower, pathlib.Path(temporary) / "glm4v")
    convert(pathlib.Path(temporary) / "glm4v", "q8_0", folder / "glm4v-q8_0-mmproj.gguf")
with torch.inference_mode():
    made = processor(Image.open(folder / "glm4v-square.png"), return_tensors="pt")
    references["glm4v-q8_0.square.float"] = tower(made["pixel_values"], made["image_grid_thw"]).pooler_output
    quantised = [tensor for tensor in GGUFReader(folder / "glm4v-q8_0-mmproj.gguf").tensors
                 if tensor.tensor_type == GGMLQuantizationType.Q8_0]
    assert len(quantised) == 9, [tensor.name for tensor in quantised]
    for tensor in quantised:
        values = torch.from_numpy(dequantize(tensor.data, tensor.tensor_type))
        # The parameter that it was made from is the one near it.
        parameter, = (parameter for parameter in tower.parameters()
                      if parameter.shape == values.shape and (parameter - values).abs().max() < 0.02)
        parameter.data = values
    references["glm4v-q8_0.square"] = tower(made["pixel_values"], made["image_grid_thw"]).pooler_output

# A transformer on a small ResNet, as the training has it.
sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "training"))
from export import encoder_tensors
from model import Encoder

hybrid = randomised(Encoder(32, width=32, depth=1, heads=2))
for name, moments in hybrid.named_buffers():
    if "running" in name:
        moments.uniform_(0.5, 1.5)
(folder / "vit-resnet").mkdir()
with torch.inference_mode():
    save_file({name: value.contiguous() for name, value in encoder_tensors(hybrid).items()},
              folder / "vit-resnet" / "model.safetensors")
    references["vit-resnet.square"] = hybrid(torch.from_numpy(np.array(Image.open(folder / "vit-square.png")))[None])[0]
(folder / "vit-resnet" / "config.json").write_text(json.dumps({
    "model_type": "vit", "hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 128,
    "image_size": 32, "patch_size": 16, "patch_embedding": "resnet"}, indent=2) + "\n")
ViTImageProcessor(do_resize=False).save_pretrained(folder / "vit-resnet")

save_file({name: value.float().contiguous() for name, value in references.items()}, folder / "references.safetensors")
