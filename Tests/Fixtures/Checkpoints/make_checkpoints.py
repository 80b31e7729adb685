#!/usr/bin/env python3
"""Makes the small random checkpoints of this folder and what transformers computes with them in float32.

    pip install torch==2.15.0 transformers==5.24.0 tokenizers==0.23.3 safetensors==0.8.0 numpy==2.4.6
    python3 make_checkpoints.py                              # every recipe, into this folder
    python3 make_checkpoints.py --llama-cpp FOLDER           # and their GGUF files
    python3 make_checkpoints.py --out OTHER --seed 7 --set hidden=96 --set heads=6 --set kv_heads=3 glm4

FOLDER is the source of llama.cpp, whose own converter writes the GGUF files: the sdist of llama-cpp-python 0.3.36 has it
under vendor/llama.cpp. Only the name of the pre-tokenizer is told to the converter, which knows published ones alone.

A checkpoint NAME is a folder as people publish them, NAME.gguf the same weights, and NAME.reference.safetensors:

    tokens            I32 [n]          a prompt
    logits            F32 [n, vocab]   logits of each of its positions
    gated.spans       I32 [s, 2]       first position and end of each gated segment of the same prompt
    gated.alphas      F32 [s]          their weights: log alpha is added to scores of queries after a segment's end
    gated.logits      F32 [g, vocab]   of the last g positions
    grid.tokens       I32 [m]          glm4v: a prompt with images; -1 where a row is given
    grid.rows         F32 [r, hidden]  the rows given, in order
    grid.sizes        I32 [i, 3]       time, height, width of each image, in rows
    grid.positions    I32 [3, m]       as Glm4vModel.get_rope_index gives them
    grid.logits       F32 [m, vocab]

The reference is computed from the written folder, loaded by transformers itself, so names, shapes and configuration are
those that it reads. Norms lie around 1, biases are not 0, and attention is neither flat nor all on one key.
"""

import argparse
import dataclasses
import json
import pathlib
import shutil
import sys
import tempfile
import zlib

import safetensors.torch
import torch
import transformers

import tiny_tokenizer

HERE = pathlib.Path(__file__).resolve().parent
# From the older name scheme of glm4v to the one that transformers reads.
OLD_NAMES = {r"^visual": "model.visual", r"^model(?!\.(language_model|visual))": "model.language_model"}
DTYPES = {"F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}


@dataclasses.dataclass
class Recipe:
    """What is special about a checkpoint; the rest is the same for all."""

    family: str  # llama, glm4, glm4v
    dtype: str
    config: int  # whose configuration is imitated: transformers 4 or 5
    shards: int = 1
    hidden: int = 32
    layers: int = 2
    heads: int = 4
    kv_heads: int = 2
    head_dim: int = 0  # 0: left out of the configuration, hidden over heads
    ffn: int = 72
    vocab: int = 300
    theta: float = 10000.0
    tied: bool = False
    attention_bias: bool = False  # llama; the others always have one
    llama3: bool = False  # rope scaling of Llama 3
    sections: tuple = ()  # glm4v: rotary pairs that turn by time, height and width
    old_names: bool = False  # glm4v: model.* and visual.* instead of model.language_model.* and model.visual.*
    flat: bool = False  # glm4v: the text configuration at the root, as first published

    @property
    def width(self):
        return self.head_dim or self.hidden // self.heads


RECIPES = {
    "llama-tied": Recipe("llama", "F32", 4, tied=True),
    "llama-llama3": Recipe("llama", "BF16", 5, shards=2, head_dim=16, theta=500000.0, llama3=True),
    "llama-bias": Recipe("llama", "F16", 4, kv_heads=4, layers=3, ffn=64, attention_bias=True, llama3=True),
    "glm4": Recipe("glm4", "F32", 4, head_dim=16),
    "glm4-sharded": Recipe("glm4", "BF16", 5, shards=3, hidden=48, head_dim=12, layers=3, ffn=64),
    "glm4v": Recipe("glm4v", "F32", 4, heads=2, kv_heads=1, sections=(1, 1, 2)),
    "glm4v-sharded": Recipe("glm4v", "BF16", 5, shards=2, hidden=64, ffn=96, sections=(1, 2, 1)),
    "glm4v-old-names": Recipe(
        "glm4v", "F16", 4, hidden=48, heads=2, kv_heads=1, sections=(2, 1, 3), old_names=True, flat=True),
}


# MARK: Configuration


def rope(recipe):
    """The rotary part of the configuration, in the words of either version."""
    scaling = {}
    if recipe.llama3:
        # A context so short that some pairs turn as before, some between, and some a factor slower.
        scaling = {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
                   "original_max_position_embeddings": 64}
    elif recipe.sections:
        scaling = {"rope_type": "default", "mrope_section": list(recipe.sections)}
    partial = {} if recipe.family == "llama" else {"partial_rotary_factor": 0.5}
    if recipe.config == 5:
        return {"rope_parameters": {"rope_type": "default", "rope_theta": recipe.theta} | partial | scaling}
    return {"rope_theta": recipe.theta, "rope_scaling": scaling or None} | partial


def text_config(recipe):
    config = {
        "attention_dropout": 0.0, "hidden_act": "silu", "hidden_size": recipe.hidden, "initializer_range": 0.02,
        "intermediate_size": recipe.ffn, "max_position_embeddings": 512, "num_attention_heads": recipe.heads,
        "num_hidden_layers": recipe.layers, "num_key_value_heads": recipe.kv_heads, "rms_norm_eps": 1e-5,
        "use_cache": True, "vocab_size": recipe.vocab,
    }
    config["dtype" if recipe.config == 5 else "torch_dtype"] = str(DTYPES[recipe.dtype]).removeprefix("torch.")
    if recipe.head_dim:
        config["head_dim"] = recipe.head_dim
    return config | rope(recipe)


def model_config(recipe, ids):
    """config.json."""
    config = text_config(recipe)
    if recipe.family == "llama":
        config |= {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "mlp_bias": False,
                   "attention_bias": recipe.attention_bias, "bos_token_id": ids["<|begin_of_text|>"],
                   "eos_token_id": ids["<|eot_id|>"]}
    else:
        config |= {"eos_token_id": [ids["<|endoftext|>"], ids["<|user|>"]], "pad_token_id": ids["<|endoftext|>"],
                   "attention_bias": True}
    if recipe.family == "glm4":
        config |= {"architectures": ["Glm4ForCausalLM"], "model_type": "glm4"}
    if recipe.family == "glm4v":
        whole = {
            "architectures": ["Glm4vForConditionalGeneration"], "model_type": "glm4v",
            "image_token_id": ids["<|image|>"], "image_start_token_id": ids["<|begin_of_image|>"],
            "image_end_token_id": ids["<|end_of_image|>"], "video_token_id": ids["<|video|>"],
            "video_start_token_id": ids["<|begin_of_video|>"], "video_end_token_id": ids["<|end_of_video|>"],
            "vision_config": {
                "model_type": "glm4v", "depth": 1, "hidden_size": 16, "num_heads": 2, "intermediate_size": 24,
                "image_size": 16, "patch_size": 4, "in_channels": 3, "spatial_merge_size": 2,
                "temporal_patch_size": 2, "out_hidden_size": recipe.hidden, "hidden_act": "silu",
                "rms_norm_eps": 1e-5, "attention_bias": False},
        }
        config = config | whole if recipe.flat else whole | {"text_config": {"model_type": "glm4v_text"} | config}
    config["tie_word_embeddings"] = recipe.tied
    config["transformers_version"] = {4: "4.57.1", 5: transformers.__version__}[recipe.config]
    return config


def nested(config):
    """A flat glm4v configuration in the words that this version of transformers reads."""
    own = {"architectures", "model_type", "vision_config", "tie_word_embeddings", "transformers_version"}
    own |= {key for key in config if key.startswith(("image_", "video_"))}
    text = {key: value for key, value in config.items() if key not in own}
    return {key: config[key] for key in own} | {"text_config": {"model_type": "glm4v_text"} | text}


# MARK: Weights


def random_tensor(name, shape, generator):
    """Values of the size that trained checkpoints have, so that no term of a layer is lost in the others."""
    values = torch.randn(shape, generator=generator)
    if "norm" in name and name.endswith("weight"):
        centre = 0.6 if "post_" in name and "layernorm" in name else 1.0
        return (centre + 0.25 * values).clamp(min=0.1)
    if name.endswith("bias"):
        return 0.3 * values
    if "embed_tokens" in name:
        return 0.7 * values
    gain = 1.3 if "q_proj" in name or "k_proj" in name else 1.0
    return gain * values / values[0].numel() ** 0.5


def published_name(name, recipe):
    if not recipe.old_names:
        return name
    return name.replace("model.language_model.", "model.").replace("model.visual.", "visual.")


def model_class(recipe):
    return {"llama": transformers.LlamaForCausalLM, "glm4": transformers.Glm4ForCausalLM,
            "glm4v": transformers.Glm4vForConditionalGeneration}[recipe.family]


def weights(recipe, config, generator):
    """Tensors under their published names."""
    with torch.device("meta"):
        empty = model_class(recipe)(model_class(recipe).config_class.from_dict(config))
    names = {name: value.shape for name, value in empty.state_dict().items()}
    if recipe.tied:
        del names["lm_head.weight"]
    return {
        published_name(name, recipe): random_tensor(name, shape, generator).to(DTYPES[recipe.dtype])
        for name, shape in sorted(names.items())
    }


def write_weights(tensors, folder, shards):
    if shards == 1:
        safetensors.torch.save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
        return
    names = list(tensors)
    files = {}
    for shard in range(shards):
        file = f"model-{shard + 1:05}-of-{shards:05}.safetensors"
        # Dealt in turn, so that a layer's tensors lie in different files.
        part = {name: tensors[name] for name in names[shard::shards]}
        safetensors.torch.save_file(part, folder / file, metadata={"format": "pt"})
        files |= {name: file for name in part}
    size = sum(tensor.numel() * tensor.element_size() for tensor in tensors.values())
    write_json(folder / "model.safetensors.index.json",
               {"metadata": {"total_size": size}, "weight_map": dict(sorted(files.items()))})


# MARK: Reference


def load(recipe, folder, config):
    """The folder as transformers reads it, in float32; attention in plain matrix products."""
    model, report = model_class(recipe).from_pretrained(
        folder, config=model_class(recipe).config_class.from_dict(config), dtype=torch.float32,
        attn_implementation="eager", output_loading_info=True, key_mapping=OLD_NAMES if recipe.old_names else None)
    if report["missing_keys"] or report["unexpected_keys"] or report["mismatched_keys"]:
        raise SystemExit(f"{folder}: transformers does not read what was written: {report}")
    return model.eval()


def logits(model, recipe, **inputs):
    body = model.model.language_model if recipe.family == "glm4v" else model.model
    with torch.no_grad():
        return model.lm_head(body(use_cache=False, **inputs).last_hidden_state)[0].contiguous()


def gated_mask(count, spans, alphas):
    mask = torch.full((count, count), float("-inf")).triu(1)
    for (start, end), alpha in zip(spans, alphas):
        mask[end:, start:end] += torch.log(torch.tensor(alpha))
    return mask[None, None]


def clear(values):
    """Whether the first token stands out at every position: what wins a near tie is rounding."""
    best = values.topk(2, dim=-1).values
    return bool(((best[:, 0] - best[:, 1]) > 3e-3 * values.std()).all())


def reference(model, recipe, generator, special):
    """`special` is the first id that is not text. Prompts are drawn until every position has one answer."""
    while True:
        result = drawn_reference(model, recipe, generator, special)
        if all(clear(values) for name, values in result.items() if name.endswith("logits")):
            return result


def drawn_reference(model, recipe, generator, special):
    count = 32
    tokens = torch.randint(0, special, (1, count), generator=generator)
    spans, alphas = [[5, 9], [13, 16]], [0.25, 0.07]
    result = {
        "tokens": tokens[0].int(),
        "logits": logits(model, recipe, input_ids=tokens),
        "gated.spans": torch.tensor(spans, dtype=torch.int32),
        "gated.alphas": torch.tensor(alphas),
        "gated.logits": logits(
            model, recipe, input_ids=tokens, attention_mask=gated_mask(count, spans, alphas))[16:].contiguous(),
    }
    if recipe.family != "glm4v":
        return result
    # Two images, one wider than high and one higher than wide; the grid counts patches, four of which make a row.
    merge = model.config.vision_config.spatial_merge_size
    grids = torch.tensor([[1, 2 * merge, 3 * merge], [1, 4 * merge, 2 * merge]])
    pieces, kinds = [], []
    for text, grid in zip([5, 3, 6], [*grids, None]):
        pieces += [torch.randint(0, special, (text,), generator=generator)]
        kinds += [0] * text
        if grid is not None:
            rows = int(grid.prod()) // merge**2
            pieces += [torch.full((rows,), model.config.image_token_id)]
            kinds += [1] * rows
    ids, kinds = torch.cat(pieces)[None], torch.tensor([kinds])
    positions, _ = model.model.get_rope_index(ids, mm_token_type_ids=kinds, image_grid_thw=grids)
    embeddings = model.model.language_model.embed_tokens(ids).detach()
    given = kinds[0] == 1
    embeddings[0, given] = 0.7 * torch.randn(int(given.sum()), recipe.hidden, generator=generator)
    return result | {
        "grid.tokens": torch.where(given, -1, ids[0]).int(),
        "grid.rows": embeddings[0, given].contiguous(),
        "grid.sizes": (grids // torch.tensor([1, merge, merge])).int(),
        "grid.positions": positions[:, 0].int().contiguous(),
        "grid.logits": logits(model, recipe, inputs_embeds=embeddings, position_ids=positions),
    }


# MARK: Files


def write_json(path, value):
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def make(name, recipe, out, seed):
    generator = torch.Generator().manual_seed(zlib.crc32(name.encode()) + seed)
    folder = out / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    ids, special = tiny_tokenizer.write(folder, glm=recipe.family != "llama", vocabulary=recipe.vocab)
    config = model_config(recipe, ids)
    write_json(folder / "config.json", config)
    stops = [ids["<|eot_id|>"], ids["<|end_of_text|>"]] if recipe.family == "llama" else [
        ids["<|endoftext|>"], ids["<|user|>"], ids["<|observation|>"]]
    # A padding id of null and an end outside the vocabulary stand in published files too; both are to be ignored.
    write_json(folder / "generation_config.json", {
        "do_sample": True, "eos_token_id": stops + ([99999] if recipe.attention_bias else []),
        "pad_token_id": None if recipe.attention_bias else stops[0], "temperature": 0.8, "top_p": 0.6,
        "transformers_version": config["transformers_version"]})
    readable = nested(config) if recipe.flat else config
    write_weights(weights(recipe, readable, generator), folder, recipe.shards)
    model = load(recipe, folder, readable)
    safetensors.torch.save_file(reference(model, recipe, generator, special), out / f"{name}.reference.safetensors")


def convert(name, recipe, out, llama_cpp):
    """Writes NAME.gguf by llama.cpp's converter, in the checkpoint's own type, so that the reference holds for it."""
    sys.path[:0] = [str(llama_cpp), str(llama_cpp / "gguf-py")]
    import convert_hf_to_gguf
    from conversion.base import TextModel

    TextModel.get_vocab_base_pre = lambda self, tokenizer: "llama-bpe" if recipe.family == "llama" else "glm4"
    with tempfile.TemporaryDirectory() as copy:
        folder = shutil.copytree(out / name, pathlib.Path(copy) / name)
        if recipe.flat:  # the converter lets transformers read the configuration
            write_json(folder / "config.json", nested(json.loads((folder / "config.json").read_text())))
        sys.argv = ["convert_hf_to_gguf.py", str(folder), "--outfile", str(out / f"{name}.gguf"),
                    "--outtype", recipe.dtype.lower(), "--model-name", name]
        convert_hf_to_gguf.main()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(RECIPES)}; by default all")
    parser.add_argument("--out", type=pathlib.Path, default=HERE)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--llama-cpp", type=pathlib.Path, metavar="FOLDER", help="writes GGUF files too")
    parser.add_argument("--set", action="append", default=[], metavar="FIELD=VALUE",
                        help="changes a field of the recipes: " + ", ".join(
                            field.name for field in dataclasses.fields(Recipe)))
    arguments = parser.parse_args()

    changes = {}
    for change in arguments.set:
        field, _, value = change.partition("=")
        try:
            changes[field] = json.loads(value)
        except json.JSONDecodeError:
            changes[field] = value
    torch.set_num_threads(1)
    for name in arguments.names or RECIPES:
        recipe = dataclasses.replace(RECIPES[name], **changes)
        make(name, recipe, arguments.out, arguments.seed)
        if arguments.llama_cpp:
            convert(name, recipe, arguments.out, arguments.llama_cpp)
        print(name)


if __name__ == "__main__":
    main()
