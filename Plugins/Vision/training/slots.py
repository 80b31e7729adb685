"""What the encoder says: the slots of its soft head, each a choice of one piece of text, and the pieces.

Every slot has one meaning in every picture. Where it has nothing to say it chooses its piece for nothing, which is its last.
A picture's labels are one number for each slot: the piece, or UNKNOWN where the picture does not tell.
"""

import collections

from concepts import CONCEPTS, ICON_COUNT

UNKNOWN = -1
KINDS = ("icon", "emoji", "phone screen", "shapes", "control")
COLOURS = ("red", "orange", "yellow", "green", "blue", "purple", "pink", "brown", "black", "grey", "white")
PLACES = ("top left", "top", "top right", "left", "centre", "right", "bottom left", "bottom", "bottom right")
STATES = ("on", "off", "checked", "unchecked")
ELEMENTS = ("status bar", "app bar", "list", "grid of icons", "dialog", "keyboard", "toggle, on", "toggle, off", "checkbox",
            "button", "text field", "progress bar", "tabs")
COUNTS = ("one", "two", "three", "four", "five", "six")
SHAPES = ("circle", "square", "triangle", "star")
SHAPE_COLOURS = COLOURS[:9]

# name; factors: for each piece but nothing, the names of the vectors whose sum classifies it; texts of those pieces.
Slot = collections.namedtuple("Slot", "name factors texts always")


def _slot(name, group, words, always=False):
    return Slot(name, [(f"{group} {word}",) for word in words], [f" {word}" for word in words], always)


def region_text(concept, place):
    """ " gear icon, settings, top right"."""
    parts = [f" {concept.thing} icon", concept.meaning, place]
    return ", ".join(filter(None, parts))


def shapes_text(count, colour, shape):
    return f" {COUNTS[count]} {colour} {shape}{'s' if count else ''}"


def _all():
    yield _slot("kind", "kind", KINDS, always=True)
    yield Slot("concept", [(f"concept {c.phrase}",) for c in CONCEPTS], [f" {c.phrase}" for c in CONCEPTS], False)
    yield _slot("colour", "colour", COLOURS)
    yield _slot("position", "place", PLACES)
    yield _slot("state", "state", STATES)
    for element in ELEMENTS:
        yield _slot(element, "element", [element])
    for place in PLACES:
        drawn = CONCEPTS[:ICON_COUNT]
        yield Slot(f"icon, {place}", [(f"concept {c.phrase}",) for c in drawn],
                   [region_text(c, place) for c in drawn], False)
    choices = [(n, colour, shape) for n in range(len(COUNTS)) for colour in SHAPE_COLOURS for shape in SHAPES]
    yield Slot("shapes", [(f"count {n}", f"shape colour {colour}", f"shape {shape}") for n, colour, shape in choices],
               [shapes_text(*choice) for choice in choices], False)


SLOTS = tuple(_all())
INDEX = {slot.name: index for index, slot in enumerate(SLOTS)}


def nothing(slot):
    """The number of its piece for nothing."""
    return len(slot.texts)


def size(slot):
    return len(slot.texts) + (not slot.always)


def shapes_choice(count, colour, shape):
    """The piece of `count` shapes: numbers in SHAPE_COLOURS and SHAPES."""
    return ((count - 1) * len(SHAPE_COLOURS) + colour) * len(SHAPES) + shape


def blank():
    """Labels of a picture with nothing in it."""
    return [UNKNOWN if slot.always else nothing(slot) for slot in SLOTS]


def place_of(x, y):
    """The place of a point, both from 0 to 1."""
    return min(2, int(3 * y)) * 3 + min(2, int(3 * x))
