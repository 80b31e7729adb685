"""Single icons, emoji, controls and shapes on random backgrounds, with their labels. Screens have a file of their own."""

import math
import random as randoms

import numpy as np
from PIL import Image, ImageFilter

import drawing
import slots
from concepts import ICON_COUNT
from screens import screen
from widgets import draw_checkbox, draw_toggle

# How often each kind of picture is made, in this order: of pictures of one thing, and of scenes.
THINGS = {"icon": 0.84, "emoji": 0.13, "control": 0.03}
SCENES = {"screen": 0.8, "shapes": 0.17, "control": 0.03}


def mixture(scenes):
    """How often each kind is made where a share of the pictures is of scenes."""
    shares = {kind: (1 - scenes) * share for kind, share in THINGS.items()}
    for kind, share in SCENES.items():
        shares[kind] = shares.get(kind, 0) + scenes * share
    return shares


class Library:
    """The rendered icons of some themes, by concept and theme, and the fonts."""

    def __init__(self, icons, pixels, fonts, themes):
        self.icons, self.pixels, self.fonts = icons, pixels, fonts
        self.by_concept = {}
        self.emoji = {}
        for number, icon in enumerate(icons):
            if icon.theme == "emoji":
                self.emoji.setdefault(icon.concept, []).append(number)
            if icon.theme in themes and icon.concept < ICON_COUNT:
                self.by_concept.setdefault(icon.concept, {}).setdefault(icon.theme, []).append(number)
        self.concepts, self.emoji_concepts = sorted(self.by_concept), sorted(self.emoji)
        self.themes = sorted(themes)

    def pick_theme(self, random):
        """A theme that most icons of a screen are of."""
        return random.choice(self.themes)

    def pick(self, random, theme=None):
        """The number of an icon: any concept alike, then any theme alike; or mostly of one theme."""
        while True:
            themes = self.by_concept[random.choice(self.concepts)]
            if theme is None or random.random() < 0.15:
                return random.choice(themes[random.choice(sorted(themes))])
            if theme in themes:
                return random.choice(themes[theme])

    def pick_emoji(self, random):
        return random.choice(self.emoji[random.choice(self.emoji_concepts)])

    def image(self, number):
        return Image.fromarray(np.asarray(self.pixels[number]))


def recoloured(image, rgb):
    flat = Image.new("RGBA", image.size, (*rgb, 255))
    flat.putalpha(image.getchannel("A"))
    return flat


def varied(image, random, plain, beneath):
    """An icon in another colour, weight or slant; `beneath` is the brightness under it."""
    if plain:
        for _ in range(8):
            rgb = drawing.colour(random, None if random.random() < 0.3 else beneath < 0.5)
            if abs(drawing.luminance(rgb) - beneath) > 0.22:
                break
        else:
            rgb = (0, 0, 0) if beneath > 0.5 else (255, 255, 255)
        alpha = image.getchannel("A")
        if random.random() < 0.25:
            thicken = random.choice((ImageFilter.MaxFilter(3), ImageFilter.MaxFilter(5), ImageFilter.MinFilter(3)))
            alpha = alpha.filter(thicken)
        flat = Image.new("RGBA", image.size, (*rgb, 255))
        flat.putalpha(alpha)
        image = flat
    else:
        choice = random.random()
        if choice < 0.12:
            # Lines alone, as symbolic icons are drawn.
            alpha = image.getchannel("A")
            dark = image.convert("L").point(lambda v: 255 - v)
            if random.random() < 0.5:
                dark = image.convert("L").filter(ImageFilter.FIND_EDGES).point(lambda v: min(255, 3 * v))
            mask = Image.fromarray((np.asarray(dark).astype(np.uint16) * np.asarray(alpha) // 255).astype(np.uint8))
            image = Image.new("RGBA", image.size, (0, 0, 0, 255) if beneath > 0.5 else (255, 255, 255, 255))
            image.putalpha(mask)
        elif choice < 0.27:
            alpha = image.getchannel("A")
            image = image.convert("L").convert("RGBA")
            image.putalpha(alpha)
        elif choice < 0.52:
            alpha = image.getchannel("A")
            h, s, v = image.convert("RGB").convert("HSV").split()
            turn = random.randrange(256)
            h = h.point(lambda x: (x + turn) % 256)
            gain = random.uniform(0.5, 1.5)
            image = Image.merge("HSV", (h, s.point(lambda x: min(255, int(x * gain))), v)).convert("RGBA")
            image.putalpha(alpha)
    if random.random() < 0.4:
        angle, shear = math.radians(random.gauss(0, 5)), random.gauss(0, 0.08)
        a, b = math.cos(angle) * random.uniform(0.95, 1.15), -math.sin(angle) + shear
        d, e = math.sin(angle), math.cos(angle) * random.uniform(0.95, 1.15)
        half = image.width / 2
        image = image.transform(image.size, Image.Transform.AFFINE,
                                (a, b, half - a * half - b * half, d, e, half - d * half - e * half),
                                Image.Resampling.BILINEAR)
    return image


def icon(random, library, side, emoji=False, plainly=False, number=None):
    """One icon or emoji, any or the one of a number: `plainly` in its own colours, large, on an even background."""
    labels = slots.blank()
    if number is None:
        number = library.pick_emoji(random) if emoji else library.pick(random)
    source = library.icons[number]
    if plainly:
        beneath = (255, 255, 255) if random.random() < 0.5 else drawing.colour(random, random.random() < 0.7)
        canvas = Image.new("RGB", (side, side), beneath)
    else:
        canvas = drawing.background(random, side)
    beneath = drawing.mean_luminance(canvas)
    image = library.image(number)
    if plainly:
        if source.plain:
            image = recoloured(image, (20, 20, 20) if beneath > 0.5 else (240, 240, 240))
        share = random.uniform(0.6, 0.9)
    else:
        share = random.uniform(0.3, 1.0) if random.random() < 0.3 else random.uniform(0.55, 1.05)
    extent = max(12, int(side * share))
    if random.random() < 0.22 and not plainly:
        # A launcher's tile beneath the icon.
        tile = drawing.colour(random)
        edge = int(extent * random.uniform(1.15, 1.7))
        draw = drawing.overlay(canvas)
    else:
        tile = None
    room = side - extent
    central = room < side * 0.3 or random.random() < 0.4
    if central:
        x, y = (int(room / 2 + random.uniform(-0.35, 0.35) * max(room, 6)) for _ in range(2))
    else:
        x, y = random.randint(0, room), random.randint(0, room)
    if tile is not None:
        middle = (x + extent / 2, y + extent / 2)
        box = (middle[0] - edge / 2, middle[1] - edge / 2, middle[0] + edge / 2, middle[1] + edge / 2)
        drawing.rounded(draw, box, edge * random.choice((0.1, 0.25, 0.5)), fill=tile)
        beneath = drawing.luminance(tile)
    if not plainly and not emoji:
        image = varied(image, random, source.plain, beneath)
    elif not plainly and random.random() < 0.4:
        image = varied(image, random, False, beneath) if source.plain is False else image
    shade = drawing.dominant(np.asarray(image))
    image = image.resize((extent, extent), Image.Resampling.BILINEAR, reducing_gap=2.0)
    if not plainly and not source.plain and random.random() < 0.15:
        drawing.drop_shadow(random, canvas, image.getchannel("A"), (x, y))
    canvas.paste(image, (x, y), image)
    set_label = labels.__setitem__
    set_label(slots.INDEX["kind"], slots.KINDS.index("emoji" if emoji else "icon"))
    set_label(slots.INDEX["concept"], source.concept)
    if shade is not None:
        set_label(slots.INDEX["colour"], shade)
    if share < 0.5:
        set_label(slots.INDEX["position"], slots.place_of((x + extent / 2) / side, (y + extent / 2) / side))
    elif share < 0.66:
        set_label(slots.INDEX["position"], slots.UNKNOWN)
    return canvas, labels


def shapes(random, library, side):
    """One to six shapes of a kind in a colour."""
    labels = slots.blank()
    count, shape = random.randint(1, 6), random.randrange(len(slots.SHAPES))
    shade = random.randrange(len(slots.SHAPE_COLOURS))
    rgb = colour_named(random, slots.SHAPE_COLOURS[shade])
    while True:
        canvas = drawing.background(random, side)
        if abs(drawing.mean_luminance(canvas) - drawing.luminance(rgb)) > 0.25:
            break
    draw = drawing.overlay(canvas)
    cells = random.sample(range(9), count) if count > 1 or random.random() < 0.5 else [4]
    largest = side / 3 if count > 1 or cells != [4] else side * 0.8
    size = largest * random.uniform(0.5, 0.95)
    hollow = random.random() < 0.2
    for cell in cells:
        extent = size * random.uniform(0.8, 1.0)
        slack = (side / 3 - extent) / 2 if cells != [4] else side / 20
        x = (cell % 3 + 0.5) * side / 3 + random.uniform(-1, 1) * slack
        y = (cell // 3 + 0.5) * side / 3 + random.uniform(-1, 1) * slack
        _shape(draw, slots.SHAPES[shape], x, y, extent / 2, rgb, hollow, random.gauss(0, 0.1))
    labels[slots.INDEX["kind"]] = slots.KINDS.index("shapes")
    labels[slots.INDEX["shapes"]] = slots.shapes_choice(count, shade, shape)
    labels[slots.INDEX["colour"]] = slots.COLOURS.index(slots.SHAPE_COLOURS[shade])
    return canvas, labels


def _shape(draw, shape, x, y, radius, rgb, hollow, turn):
    fill, outline, width = (None, rgb, max(2, int(radius / 6))) if hollow else (rgb, None, 1)
    if shape == "circle":
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=fill, outline=outline, width=width)
        return
    corners = {"square": 4, "triangle": 3, "star": 10}[shape]
    start = turn + (math.pi / 4 if shape == "square" else -math.pi / 2)
    points = []
    for corner in range(corners):
        r = radius * (0.42 if shape == "star" and corner % 2 else 1.0)
        angle = start + 2 * math.pi * corner / corners
        points.append((x + r * math.cos(angle), y + r * math.sin(angle)))
    draw.polygon(points, fill=fill, outline=outline, width=width)


def colour_named(random, name):
    """A colour that the name fits."""
    while True:
        hsv = (random.random(), 1 - random.random() ** 2 * 0.95, 1 - random.random() ** 2 * 0.9)
        if slots.COLOURS[drawing.named(*hsv)] == name:
            return tuple(int(255 * c) for c in drawing.colorsys.hsv_to_rgb(*hsv))
        if name in ("black", "grey") and random.random() < 0.3:
            level = random.randint(0, 40) if name == "black" else random.randint(100, 170)
            return level, level, level


def control(random, library, side):
    """One toggle or checkbox, large."""
    labels = slots.blank()
    canvas = drawing.background(random, side)
    beneath = drawing.mean_luminance(canvas)
    draw = drawing.overlay(canvas)
    chosen, toggle = random.random() < 0.5, random.random() < 0.6
    accent = drawing.colour(random, beneath < 0.5)
    off = tuple(int(255 * (0.55 if beneath > 0.5 else 0.45)) for _ in range(3))
    width = side * random.uniform(0.3, 0.8)
    x, y = side / 2 + random.uniform(-0.08, 0.08) * side, side / 2 + random.uniform(-0.08, 0.08) * side
    if toggle:
        draw_toggle(draw, random, (x - width / 2, y - width / 3.6, x + width / 2, y + width / 3.6), chosen, accent, off)
    else:
        draw_checkbox(draw, (x - width / 2.6, y - width / 2.6, x + width / 2.6, y + width / 2.6), chosen, accent, off)
    labels[slots.INDEX["kind"]] = slots.KINDS.index("control")
    labels[slots.INDEX["concept"]] = slots.UNKNOWN
    labels[slots.INDEX["state"]] = (0 if toggle else 2) + (not chosen)
    if toggle:
        labels[slots.INDEX["toggle, on" if chosen else "toggle, off"]] = 0
    else:
        labels[slots.INDEX["checkbox"]] = 0
    return canvas, labels



def compose(seed, library, side, mix):
    """The picture of a seed, uint8 [side, side, 3], and its labels, one for each slot."""
    random = randoms.Random(seed)
    point = random.random() * sum(mix.values())
    for kind, share in mix.items():
        point -= share
        if point < 0:
            break
    if kind in ("icon", "emoji"):
        canvas, labels = icon(random, library, side, kind == "emoji")
    elif kind == "screen":
        canvas, labels = screen(random, library, side)
    else:
        canvas, labels = {"shapes": shapes, "control": control}[kind](random, library, side)
    return drawing.worn(canvas, random, 0.6 if kind == "screen" else 1.0), labels
