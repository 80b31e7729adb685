"""What the encoder knows of a theme that it was never trained on, by PyTorch and by the plugin's own weights.

    python3 Plugins/Vision/training/evaluate.py --folder F --weights Plugins/Vision/weights

Prints a table, writes it with examples of failures to WEIGHTS/evaluation.json, and their pictures to F/failures. Through the
plugin the pictures go where `swift build -c release --package-path Plugins/Vision` has been run.
"""

import argparse
import json
import pathlib
import subprocess
import tempfile

import numpy as np
import torch
from PIL import Image

import batches
import library
import slots
from concepts import CONCEPTS
from export import LEAST, SEPARATOR, scores_of
from model import load
from pictures import compose
from render import NEAR, sketch

FEATURES = pathlib.Path(__file__).parents[1] / ".build" / "release" / "vision-features"
CONCEPT = slots.INDEX["concept"]
LEAST_SHARE = 0.25  # of the likeliest piece's, as in the SDK's SoftTokenPhrases
PLACES = [slots.INDEX[f"icon, {place}"] for place in slots.PLACES]


def probabilities(scores, temperatures):
    return [torch.softmax(own / t, 1).numpy() for own, t in zip(scores, temperatures)]


def said(chances, number):
    """What the plugin says of picture `number`: (piece, probability) of each slot's likeliest, the most certain first."""
    found = []
    for index, own in enumerate(chances):
        best = int(own[number].argmax())
        slot = slots.SLOTS[index]
        if (slot.always or best != slots.nothing(slot)) and own[number, best] >= LEAST:
            found.append((slot.texts[best], float(own[number, best])))
    return sorted(found, key=lambda pair: -pair[1])


def calibration_error(certainty, right, bins=15):
    """Expected calibration error: mean distance of certainty and accuracy over bins of certainty, by their sizes."""
    which = np.minimum((certainty * bins).astype(int), bins - 1)
    return sum(abs(certainty[which == b].mean() - right[which == b].mean()) * (which == b).mean()
               for b in range(bins) if (which == b).any())


def known_drawings(pictures, numbers):
    """Of a theme's drawings, those that a theme of the training has too, or nearly."""
    trained = {}
    for number, each in enumerate(pictures.icons):
        if each.theme in library.TRAINING:
            trained.setdefault(each.concept, []).append(number)
    sketches = {number: sketch(pictures.pixels[number])
                for concept in {pictures.icons[n].concept for n in numbers} for number in trained.get(concept, [])}
    return np.array([any(np.abs(sketch(pictures.pixels[n]) - sketches[other]).mean() <= NEAR
                         for other in trained.get(pictures.icons[n].concept, [])) for n in numbers])


def concept_figures(chances, labels):
    """Top-1 and top-5 of all concepts, nothing not counted, and calibration with it."""
    own, target = chances[CONCEPT], labels[:, CONCEPT]
    order = np.argsort(-own[:, :-1], 1)
    right = own.argmax(1) == target
    return {"top-1": float((order[:, 0] == target).mean()), "top-5": float((order[:, :5] == target[:, None]).any(1).mean()),
            "calibration error": float(calibration_error(own.max(1), right)), "pictures": len(target)}


def slot_figures(chances, labels, index):
    """Share of right choices, and of those where there is something to say."""
    target = labels[:, index]
    known, best = target != slots.UNKNOWN, chances[index].argmax(1)
    something = known & (target != slots.nothing(slots.SLOTS[index])) if not slots.SLOTS[index].always else known
    nothing = known & ~something
    return {"right": _share(best[known] == target[known]), "of something": _share(best[something] == target[something]),
            "of nothing": _share(best[nothing] == target[nothing]), "pictures": int(known.sum())}


def _share(values):
    return float(np.mean(values)) if len(values) else None


def icons_of_screens(chances, labels):
    """Of the icons that are large enough to tell: how many are named rightly, top-1 and top-5."""
    hits = [[], []]
    for index in PLACES:
        target = labels[:, index]
        shown = (target != slots.UNKNOWN) & (target != slots.nothing(slots.SLOTS[index]))
        order = np.argsort(-chances[index][shown, :-1], 1)
        for most, list_ in zip((1, 5), hits):
            list_ += list((order[:, :most] == target[shown][:, None]).any(1))
    return {"top-1": _share(hits[0]), "top-5": _share(hits[1]), "icons": len(hits[0])}


def by_plugin(weights, pictures):
    """The plugin's phrases of each picture: lists of (piece, probability), the likeliest of each slot that says something."""
    result = []
    with tempfile.TemporaryDirectory() as folder:
        for pixels in pictures:
            path = f"{folder}/picture.png"
            Image.fromarray(pixels).save(path)
            lines = subprocess.run([FEATURES, weights, path], check=True, capture_output=True, text=True).stdout.splitlines()
            own = [line for line in lines if line.partition(" ")[0] not in ("pixels", "processor", "encoder")]
            # A line has a slot's pieces as TEXT:PROBABILITY, and a text begins with its space.
            pairs = [_first(line) for line in own]
            result.append([pair for pair in pairs if pair[0] != SEPARATOR])
    return result


def _first(line):
    for slot_end in range(len(line)):
        text, _, rest = line[:slot_end + 1].rpartition(":")
        if text and rest.replace(".", "").replace("e-", "").isdigit() and (slot_end + 1 == len(line) or line[slot_end + 1] == " "):
            return text, float(rest)
    raise SystemExit(f"expected a slot of {FEATURES.name}, found {line!r}")


def compare(chances, plugin, labels):
    """Top-1 and calibration by what is said, of PyTorch and of the plugin, on the same pictures."""
    texts = {slots.SLOTS[CONCEPT].texts[i]: i for i in range(len(CONCEPTS))}
    figures = {}
    for name, phrases in (("PyTorch", [said(chances, n) for n in range(len(labels))]), ("plugin", plugin)):
        pairs = [next(((texts[t], p) for t, p in own if t in texts), (-1, 0.0)) for own in phrases]
        named = np.array([c for c, _ in pairs])
        right = named == labels[:, CONCEPT]
        certainty = np.array([p for _, p in pairs])
        figures[name] = {"top-1 of what is said": float(right.mean()), "said": float((named >= 0).mean()),
                         "right of said": _share(right[named >= 0]),
                         "calibration error": float(calibration_error(certainty[named >= 0], right[named >= 0]))}
    return figures


def failures(chances, pictures, labels, numbers, held, folder, most=24):
    """The surest mistakes: what is shown, what is said. Their pictures go to `folder`."""
    own = chances[CONCEPT]
    wrong = np.flatnonzero(own.argmax(1) != labels[:, CONCEPT])
    wrong = wrong[np.argsort(-own[wrong].max(1))][:most]
    folder.mkdir(exist_ok=True)
    result = []
    for rank, number in enumerate(wrong):
        Image.fromarray(pictures[number]).save(folder / f"{rank:02}.png")
        icon = held.icons[numbers[number]]
        result.append({"theme": icon.theme, "name": icon.name, "is": CONCEPTS[icon.concept].phrase,
                       "says": "; ".join(text.strip() for text, _ in said(chances, number)),
                       "probability": round(float(own[number].max()), 3)})
    return result


def evaluate(folder, weights, checkpoint, theme, scenes, report=print):
    model, state = load(checkpoint)
    side = state["size"]
    temperatures = list(json.loads((weights / "training.json").read_text())["temperatures"].values())
    held = library.open_library(folder, [theme])
    pictures, labels, numbers = batches.withheld(held, theme, side)
    alone = probabilities(scores_of(model, pictures), temperatures)
    known = known_drawings(held, numbers)
    table = {"theme": theme, "size": side, "concepts": len(set(labels[:, CONCEPT])), "of": len(CONCEPTS),
             "single icons": concept_figures(alone, labels),
             "single icons whose drawing no trained theme has": concept_figures([each[~known] for each in alone], labels[~known])}
    for kind, mix in (("icon", "icons composed"), ("emoji", "emoji composed"), ("shapes", "shapes"), ("control", "controls"),
                      ("screen", "screens")):
        made = [compose(f"evaluation {each}", held, side, {kind: 1}) for each in range(scenes)]
        own_labels = np.array([label for _, label in made])
        chances = probabilities(scores_of(model, np.stack([pixels for pixels, _ in made])), temperatures)
        figures = {"kind": slot_figures(chances, own_labels, slots.INDEX["kind"])}
        if kind in ("icon", "emoji"):
            figures |= concept_figures(chances, own_labels)
        names = {"icon": ("colour", "position"), "emoji": ("colour", "position"), "shapes": ("shapes", "colour"),
                 "control": ("state",), "screen": slots.ELEMENTS}[kind]
        figures |= {name: slot_figures(chances, own_labels, slots.INDEX[name]) for name in names}
        if kind == "screen":
            figures["layout"] = _share(np.concatenate([
                chances[slots.INDEX[e]].argmax(1) == own_labels[:, slots.INDEX[e]] for e in slots.ELEMENTS]))
            figures["icons"] = icons_of_screens(chances, own_labels)
            figures["examples"] = ["; ".join(text.strip() for text, _ in said(chances, n)) for n in range(3)]
        table[mix] = figures
    if FEATURES.exists():
        table["by the plugin"] = compare(alone, by_plugin(weights, pictures), labels)
    else:
        report(f"{FEATURES} is missing, so the plugin was not asked")
    table["failures"] = failures(alone, pictures, labels, numbers, held, folder / "failures")
    return table


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", required=True, type=pathlib.Path, help="of the training")
    parser.add_argument("--weights", required=True, type=pathlib.Path, help="what export.py wrote")
    parser.add_argument("--checkpoint", type=pathlib.Path, help="that they were made from, if not the best of the folder")
    parser.add_argument("--theme", default=library.TEST)
    parser.add_argument("--scenes", type=int, default=500, help="composed pictures of each kind")
    options = parser.parse_args()
    table = evaluate(options.folder, options.weights, options.checkpoint or options.folder / "best.pt", options.theme,
                     options.scenes)
    (options.weights / "evaluation.json").write_text(json.dumps(table, indent=2) + "\n")
    show(table)


def show(table, indent=""):
    for name, value in table.items():
        if isinstance(value, dict):
            print(f"{indent}{name}")
            show(value, indent + "  ")
        elif isinstance(value, list):
            print(f"{indent}{name}:", *value, sep=f"\n{indent}  ")
        else:
            print(f"{indent}{name}: {value:.3f}" if isinstance(value, float) else f"{indent}{name}: {value}")


if __name__ == "__main__":
    main()
