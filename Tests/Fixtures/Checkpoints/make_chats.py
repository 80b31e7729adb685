#!/usr/bin/env python3
"""Makes chats with images for the glm4v checkpoints of this folder, and what transformers answers to them in float32.

    pip install torch==2.15.0 torchvision transformers==5.24.0 tokenizers==0.23.3 safetensors==0.8.0 numpy==2.4.6 pillow
    python3 make_chats.py --llama-cpp FOLDER
    python3 make_chats.py --llama-cpp FOLDER --out OTHER    # for checkpoints that make_checkpoints.py --out OTHER made

Writes NAME/preprocessor_config.json, NAME.mmproj.gguf (by llama.cpp's converter), and chats/: a request of OpenAI's API
for each chat, and NAME.safetensors with the logits of the last positions of its prompt, F32 [positions, vocabulary].

The reference is whole: transformers' own processor, template, tower and decoder read the same folder and the same images.
"""

import argparse
import base64
import io
import json
import os
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import safetensors.torch
import torch
import transformers
from PIL import Image
from transformers.models.glm4v.image_processing_glm4v import Glm4vImageProcessor
from transformers.models.glm4v.processing_glm4v import Glm4vProcessor
from transformers.models.glm4v.video_processing_glm4v import Glm4vVideoProcessor

import make_checkpoints

HERE = pathlib.Path(__file__).resolve().parent
# Positions whose logits are kept.
KEPT = 24


def picture(height, width, seed):
    """Smooth shapes, as a screen has them: what a resizing rounds is then a small part of it."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width] / max(height, width)
    waves = [np.sin(random.uniform(2, 9) * x + random.uniform(2, 9) * y + random.uniform(0, 6)) for _ in range(3)]
    return Image.fromarray((127.5 + 127.4 * np.stack(waves, -1)).astype(np.uint8))


def user(*parts):
    return {"role": "user", "content": list(parts)}


# Heights and widths in whole cells of 8 pixels, but for the last, which is resized.
IMAGES = {"wide": (32, 56), "square": (40, 40), "tall": (64, 24), "odd": (45, 70)}
CHATS = {
    "text": [user("Where do the settings stand?")],
    "image": [user("wide:", "What is in the image?")],
    "three": [user("wide:", "There is a button here,", "tall:", "square:", "two under it; which is it?")],
    "second-turn": [
        user("Open the settings."), {"role": "assistant", "content": "Tap the button."},
        user("Then wait for the page.", "tall:", "Are all steps done?")],
    "resized": [user("odd:", "What is in the image?")],
}


def openai(chat, images):
    """The chat as a request of OpenAI's API."""
    def part(text):
        if not text.endswith(":"):
            return {"type": "text", "text": text}
        return {"type": "image_url", "image_url": {"url": images[text[:-1]]}}
    messages = [
        turn if isinstance(turn["content"], str) else turn | {"content": [part(text) for text in turn["content"]]}
        for turn in chat]
    return {"messages": messages, "temperature": 0}


def theirs(chat, images):
    """The chat as transformers' processor takes it."""
    def part(text):
        if not text.endswith(":"):
            return {"type": "text", "text": text}
        return {"type": "image", "image": images[text[:-1]]}
    return [
        {"role": turn["role"], "content": [part(text) for text in (
            [turn["content"]] if isinstance(turn["content"], str) else turn["content"])]}
        for turn in chat]


def make(name, recipe, out, llama_cpp, pictures):
    folder = out / name
    config = json.loads((folder / "config.json").read_text())
    images = Glm4vImageProcessor(
        patch_size=4, merge_size=2, size={"shortest_edge": 512, "longest_edge": 1 << 14})
    images.save_pretrained(folder)
    tokenizer = transformers.PreTrainedTokenizerFast.from_pretrained(folder)
    processor = Glm4vProcessor(
        images, tokenizer, Glm4vVideoProcessor(), chat_template=(folder / "chat_template.jinja").read_text())
    model = make_checkpoints.load(recipe, folder, make_checkpoints.nested(config) if recipe.flat else config)
    logits = {}
    for chat, turns in CHATS.items():
        inputs = processor.apply_chat_template(
            theirs(turns, pictures), tokenize=True, return_dict=True, return_tensors="pt", add_generation_prompt=True)
        with torch.no_grad():
            logits[chat] = model(**inputs, use_cache=False).logits[0, -KEPT:].contiguous()
    (out / "chats").mkdir(exist_ok=True)
    safetensors.torch.save_file(logits, out / "chats" / f"{name}.safetensors")
    # The converter reads the newest layout only; the tensors are the same.
    with tempfile.TemporaryDirectory() as work:
        work = pathlib.Path(work)
        model.save_pretrained(work)
        for file in ("preprocessor_config.json", "tokenizer.json", "tokenizer_config.json"):
            (work / file).write_bytes((folder / file).read_bytes())
        subprocess.run(
            [sys.executable, llama_cpp / "convert_hf_to_gguf.py", "--mmproj", "--outtype", "f32", "--outfile",
             out / f"{name}.mmproj.gguf", work],
            check=True, env=os.environ | {"PYTHONPATH": str(llama_cpp / "gguf-py")})


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=pathlib.Path, default=HERE)
    parser.add_argument("--llama-cpp", type=pathlib.Path, required=True)
    options = parser.parse_args()
    torch.set_num_threads(1)
    pictures = {name: picture(*size, seed) for seed, (name, size) in enumerate(IMAGES.items())}
    urls = {}
    for name, image in pictures.items():
        file = io.BytesIO()
        image.save(file, "PNG")
        urls[name] = "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()
    (options.out / "chats").mkdir(exist_ok=True)
    for chat, turns in CHATS.items():
        make_checkpoints.write_json(options.out / "chats" / f"{chat}.json", openai(turns, urls))
    for name, recipe in make_checkpoints.RECIPES.items():
        if recipe.family == "glm4v" and (options.out / name).is_dir():
            make(name, recipe, options.out, options.llama_cpp, pictures)


if __name__ == "__main__":
    main()
