#!/usr/bin/env python3
"""Writes glm4v-9b-layout.json: names and shapes of GLM-4.1V-9B and AutoGLM-Phone-9B, as transformers lays them out.

    pip install torch==2.15.0 transformers==5.24.0
    python3 make_layout.py

The model is built on the meta device, without weights. {"config": config.json, "names": {"model.language_model": …,
"model": …}}: for each name scheme, patterns with the range of numbers that * takes (0: the pattern is the name) and the
shape: {"model.language_model.layers.*.self_attn.q_proj.weight": [40, [4096, 4096]]}.
"""

import copy
import json
import pathlib
import re

import torch
import transformers

CONFIG = {
    "architectures": ["Glm4vForConditionalGeneration"], "model_type": "glm4v", "tie_word_embeddings": False,
    "image_start_token_id": 151339, "image_end_token_id": 151340, "video_start_token_id": 151341,
    "video_end_token_id": 151342, "image_token_id": 151343, "video_token_id": 151344, "torch_dtype": "bfloat16",
    "text_config": {
        "model_type": "glm4v_text", "vocab_size": 151552, "hidden_size": 4096, "intermediate_size": 13696,
        "num_hidden_layers": 40, "num_attention_heads": 32, "num_key_value_heads": 2, "hidden_act": "silu",
        "max_position_embeddings": 65536, "rms_norm_eps": 1e-5, "attention_bias": True, "rope_theta": 10000.0,
        "rope_scaling": {"rope_type": "default", "mrope_section": [8, 12, 12]}, "partial_rotary_factor": 0.5,
        "pad_token_id": 151329, "eos_token_id": [151329, 151336, 151338, 151348]},
    "vision_config": {
        "model_type": "glm4v", "depth": 24, "hidden_size": 1536, "num_heads": 12, "intermediate_size": 13696,
        "out_hidden_size": 4096, "image_size": 336, "patch_size": 14, "spatial_merge_size": 2,
        "temporal_patch_size": 2, "in_channels": 3, "hidden_act": "silu", "rms_norm_eps": 1e-5,
        "attention_bias": False},
}


def patterns(names):
    result = {}
    for name, shape in names.items():
        pattern = re.sub(r"\.\d+\.", ".*.", name)
        count, known = result.get(pattern, (0, shape))
        if known != shape:
            raise SystemExit(f"{name}: {shape} differs from {known}")
        result[pattern] = (count + (pattern != name), shape)
    return result


def main():
    config = transformers.Glm4vConfig.from_dict(copy.deepcopy(CONFIG))
    with torch.device("meta"):
        model = transformers.Glm4vForConditionalGeneration(config)
    names = {name: list(value.shape) for name, value in model.state_dict().items()}
    older = {name.replace("model.language_model.", "model.").replace("model.visual.", "visual."): shape
             for name, shape in names.items()}
    schemes = {"model.language_model": patterns(names), "model": patterns(older)}
    lines = [
        f"    {json.dumps(scheme)}: {{\n" + ",\n".join(
            f"      {json.dumps(name)}: {json.dumps(value)}" for name, value in found.items()) + "\n    }"
        for scheme, found in schemes.items()]
    text = f'{{\n  "config": {json.dumps(CONFIG)},\n  "names": {{\n' + ",\n".join(lines) + "\n  }\n}\n"
    (pathlib.Path(__file__).resolve().parent / "glm4v-9b-layout.json").write_text(text)


if __name__ == "__main__":
    main()
