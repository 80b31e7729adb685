"""Composes pictures and writes what the plugin sees in each, with questions that only that picture answers, for SDK/Training:

    python3 asked.py --folder F --gatehouse ../../../.build/release/gatehouse --count 300 --output parts.jsonl

F is the folder of the training; the themes are those of the training and the one of its development.
"""

import pathlib
import random
import sys

from PIL import Image

import library
import slots
from concepts import CONCEPTS
from pictures import compose

sys.path.append(str(pathlib.Path(__file__).parents[3] / "SDK" / "Training"))
import parts  # noqa: E402

KINDS = {"icon": 0.4, "emoji": 0.1, "screen": 0.3, "shapes": 0.15, "control": 0.05}
SIDE = 448


def asks_of(labels):
    """Questions that need this picture, and words of their answers."""
    found = []

    def label(name):
        slot = slots.SLOTS[slots.INDEX[name]]
        value = labels[slots.INDEX[name]]
        return None if value in (slots.UNKNOWN, slots.nothing(slot)) else value

    concept, colour, shapes = label("concept"), label("colour"), label("shapes")
    if concept is not None:
        each = CONCEPTS[concept]
        found += [("What does this icon mean?", each.meaning or each.thing), (f"Is this a {each.thing} icon?", each.thing),
                  ("What should this button do?", each.meaning), (f"Does the {each.thing} mean {each.meaning}?", each.meaning)]
    if colour is not None:
        found.append(("What colour is it?", slots.COLOURS[colour]))
    if shapes is not None:
        count, shade, shape = (shapes // (len(slots.SHAPE_COLOURS) * len(slots.SHAPES)),
                               shapes // len(slots.SHAPES) % len(slots.SHAPE_COLOURS), shapes % len(slots.SHAPES))
        found += [(f"How many {slots.SHAPES[shape]}s are there?", slots.COUNTS[count]),
                  (f"What colour are the {slots.SHAPES[shape]}s?", slots.SHAPE_COLOURS[shade])]
    for element in slots.ELEMENTS:
        if label(element) is not None:
            found.append((f"Is there a {element} here?", element))
    for place in slots.PLACES:
        icon = label(f"icon, {place}")
        if icon is not None:
            each = CONCEPTS[icon]
            found += [(f"Where is the {each.thing} icon?", place), (f"What is the icon in the {place}?", each.thing)]
    return [(question, word) for question, word in found if word]


def picture(pictures, seed, number):
    """Pixels, and questions with words of their answers."""
    pixels, labels = compose(f"parts {seed} {number}", pictures, SIDE, KINDS)
    return Image.fromarray(pixels), asks_of(labels)


def main():
    parser = parts.parser(__doc__.splitlines()[0])
    parser.add_argument("--folder", required=True, type=pathlib.Path, help="of the training")
    options = parser.parse_args()
    pictures = library.open_library(options.folder, [*library.TRAINING, library.DEVELOPMENT])

    def make(path, number):
        image, asks = picture(pictures, options.seed, number)
        image.save(path)
        return random.Random(number).sample(asks, min(4, len(asks)))

    parts.write(options, "vision", ".png", make)


if __name__ == "__main__":
    main()
