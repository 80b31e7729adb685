"""How near chats with images come to transformers, from the request to the logits; run alone, it prints a table.

    python3 Tests/EndToEnd/chat_parity.py [FOLDER]

FOLDER holds other checkpoints that Tests/Fixtures/Checkpoints/make_checkpoints.py and make_chats.py made.
"""

import array
import json
import math
import pathlib
import struct
import sys
import tempfile

import checkout

CHECKPOINTS = checkout.ROOT / "Tests" / "Fixtures" / "Checkpoints"
VISION = checkout.ROOT / "Plugins" / "Vision" / ".build" / "release" / "libVision.so"


def tensors(path):
    """Float32 tensors of a safetensors file, by name: the shape, and a flat array."""
    data = path.read_bytes()
    (size,) = struct.unpack_from("<Q", data)
    found = {}
    for name, entry in json.loads(data[8:8 + size]).items():
        if name != "__metadata__":
            start, end = (8 + size + offset for offset in entry["data_offsets"])
            found[name] = (entry["shape"], array.array("f", data[start:end]))
    return found


def names(folder=CHECKPOINTS):
    """The checkpoints of a folder that have chats."""
    return sorted(path.stem for path in (folder / "chats").glob("*.safetensors"))


def options(name, form, work, folder=CHECKPOINTS):
    """How `gatehouse` is given a checkpoint, as `safetensors` or as the `GGUF pair`."""
    if form == "safetensors":
        return ("--model", folder / name)
    # A GGUF file does not say its processor's bounds; those of the fixtures are smaller than the published ones.
    entry = checkout.plugin(
        VISION, "vision", accepts=["image/png"], configuration={"min_pixels": 512, "max_pixels": 1 << 14})
    entry["versions"][0] |= {"weights": None, "model_weights": ["glm4v"]}
    return ("--model", folder / f"{name}.gguf", "--mmproj", folder / f"{name}.mmproj.gguf",
            "--registry", checkout.write_registry(work, entry))


def agreements(name, work, *words, folder=CHECKPOINTS):
    """For each chat its name, the greatest relative error of a position, positions of the same top token, and of all."""
    for chat, ((rows, vocabulary), expected) in tensors(folder / "chats" / f"{name}.safetensors").items():
        output = pathlib.Path(work) / "logits.f32"
        checkout.answer("logits", "--request", folder / "chats" / f"{chat}.json", "--output", output, *words)
        found = array.array("f", output.read_bytes())[-rows * vocabulary:]
        error, same = 0, 0
        for row in range(rows):
            theirs = expected[row * vocabulary:(row + 1) * vocabulary]
            ours = found[row * vocabulary:(row + 1) * vocabulary]
            length = math.sqrt(sum(value ** 2 for value in theirs))
            error = max(error, math.sqrt(sum((a - b) ** 2 for a, b in zip(ours, theirs))) / length)
            same += ours.index(max(ours)) == theirs.index(max(theirs))
        yield chat, error, same, rows


def print_table(folder):
    modes = {"precise": ["--precise"], "as served": [], "int8 weights": ["--quantize", "int8"]}
    print("| checkpoint | format | chat | " + " | ".join(modes) + " |")
    print("|---" * (3 + len(modes)) + "|")
    with tempfile.TemporaryDirectory() as work:
        for name in names(folder):
            for form in ("safetensors", "GGUF pair"):
                words = options(name, form, work, folder)
                columns = [list(agreements(name, work, *words, *mode, folder=folder)) for mode in modes.values()]
                for cells in zip(*columns):
                    shown = [f"{error:.1e}, {same} of {rows}" for _, error, same, rows in cells]
                    print("| " + " | ".join([name, form, cells[0][0], *shown]) + " |")


if __name__ == "__main__":
    print_table(pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else CHECKPOINTS)
