"""Phone screens of many looks, drawn from nothing but a seed, icons and fonts."""

import functools

from PIL import Image, ImageFont

import drawing
import slots
from concepts import CONCEPTS, ICON_COUNT
from widgets import draw_checkbox, draw_toggle

WIDTH = 240  # of the canvas that a screen is drawn on, before it is resized
LEAST_ICON = 0.045  # an icon with a smaller side, of the picture's, is not asked for

WORDS = """account add address alarm album all allow always app apps audio backup battery bluetooth book brightness calendar call
cancel card chat city close code colour connect contact continue copy country create daily data date day default delete details
device dialog discard done download drive edit email empty enable enter event every export family file files find first folder
font forward friends gallery general group help hello history home hour image import inbox invite keyboard language last later
library light link list location lock login mail map media meeting menu message mobile mode monday more morning music mute name
network never new news next night note notes notifications number off office ok on online open options order password pay people
phone photo pin play please privacy profile read recent remove rename repeat reply report reset ring save schedule screen search
security select send server service settings share show sign sleep sound start status stop storage store sunday sync system task
team terms text theme time title today tomorrow tone trash turn unlock update upload user version vibrate video view voice volume
wallpaper watch weather week welcome wifi window work world yes yesterday you your""".split()


@functools.lru_cache(600)
def _font(path, size):
    return ImageFont.truetype(path, size)


class Screen:
    """A canvas that is filled from the top downwards, and what stands on it."""

    def __init__(self, random, library):
        self.random, self.library = random, library
        self.height = random.choice((300, 360, 427, 480, 520, 540))
        self.light = random.random() < 0.6
        grey = random.randint(235, 255) if self.light else random.randint(0, 40)
        self.paper = (grey, grey, grey) if random.random() < 0.7 else drawing.colour(random, self.light)
        self.ink = tuple([random.randint(0, 60)] * 3) if drawing.luminance(self.paper) > 0.5 else tuple([random.randint(205, 255)] * 3)
        self.faint = tuple((3 * i + 4 * p) // 7 for i, p in zip(self.ink, self.paper))
        self.card = tuple((i + 15 * p) // 16 for i, p in zip(self.ink, self.paper))
        self.accent = next(rgb for rgb in iter(lambda: drawing.colour(random), None)
                           if abs(drawing.luminance(rgb) - drawing.luminance(self.paper)) > 0.2)
        self.on_accent = (255, 255, 255) if drawing.luminance(self.accent) < 0.65 else (20, 20, 20)
        self.face = str(random.choice(library.fonts))
        self.theme = library.pick_theme(random)
        self.radius = random.choice((0, 3, 6, 10, 20))
        self.scale = random.uniform(0.85, 1.35)
        self.margin = int(random.uniform(6, 16))
        self.canvas = Image.new("RGB", (WIDTH, self.height), self.paper)
        self.draw = drawing.overlay(self.canvas)
        self.elements, self.icons = set(), []
        self.top, self.bottom = 0, self.height

    def has(self, element):
        self.elements.add(element)

    def words(self, most=3):
        count = self.random.randint(1, most)
        text = " ".join(self.random.choices(WORDS, k=count))
        if self.random.random() < 0.1:
            text += f" {self.random.randrange(1000)}"
        return text.upper() if self.random.random() < 0.05 else text.capitalize()

    def text(self, x, y, text, size, rgb=None, anchor="lm"):
        self.draw.text((x, y), text, fill=rgb or self.ink, font=_font(self.face, max(6, int(size * self.scale))), anchor=anchor)

    def lines(self, x, y, width, count, size):
        for _ in range(count):
            self.text(x, y, self.words(6)[:int(width / (0.5 * size * self.scale))], size, self.faint)
            y += size * self.scale * 1.5
        return y

    def icon(self, x, y, side, under=None, plain=None):
        """An icon in the middle of (x, y)."""
        number = self.library.pick(self.random, self.theme)
        image, source = self.library.image(number), self.library.icons[number]
        side = int(side)
        if source.plain:
            under = under or self.paper
            rgb = plain or (self.ink if self.random.random() < 0.7 else self.accent)
            if abs(drawing.luminance(rgb) - drawing.luminance(under)) < 0.25:
                rgb = (255, 255, 255) if drawing.luminance(under) < 0.5 else (30, 30, 30)
            flat = Image.new("RGBA", image.size, (*rgb, 255))
            flat.putalpha(image.getchannel("A"))
            image = flat
        image = image.resize((side, side), Image.Resampling.BILINEAR, reducing_gap=2.0)
        self.canvas.paste(image, (int(x - side / 2), int(y - side / 2)), image)
        self.icons.append((source.concept, x, y, side))
        return CONCEPTS[source.concept]

    # The parts.

    def status_bar(self):
        height = self.random.randint(10, 15)
        if self.random.random() < 0.4:
            self.draw.rectangle((0, 0, WIDTH, height), fill=drawing.colour(self.random, self.light))
        rgb = self.ink
        self.text(6 if self.random.random() < 0.7 else WIDTH / 2, height / 2, f"{self.random.randrange(24)}:{self.random.randrange(60):02}", 7, rgb,
                  "lm")
        # Small marks: battery, bars of the signal.
        x = WIDTH - 6
        width = self.random.randint(8, 12)
        self.draw.rectangle((x - width, 3, x, height - 4), outline=rgb)
        self.draw.rectangle((x - width, 3, x - width * self.random.random(), height - 4), fill=rgb)
        x -= width + 4
        for bar in range(4):
            self.draw.rectangle((x - 2 - 3 * bar, 3 + bar, x - 1 - 3 * bar, height - 4), fill=rgb if bar else self.faint)
        if self.random.random() < 0.6:
            x -= 18
            self.draw.polygon([(x - 4, 4), (x + 4, 4), (x, height - 3)], fill=rgb)
        self.has("status bar")
        self.top = height

    def app_bar(self):
        height = int(self.random.randint(26, 40) * self.scale)
        fill = self.accent if self.random.random() < 0.5 else self.card if self.random.random() < 0.5 else self.paper
        self.draw.rectangle((0, self.top, WIDTH, self.top + height), fill=fill)
        rgb = self.on_accent if fill == self.accent else self.ink
        middle, side = self.top + height / 2, height * self.random.uniform(0.5, 0.75)
        x = self.margin
        if self.random.random() < 0.65:
            self.icon(x + side / 2, middle, side, fill, rgb)
            x += side * 1.5
        self.text(x, middle, self.words(2), 11, rgb)
        x = WIDTH - self.margin
        for _ in range(self.random.choice((0, 1, 1, 2))):
            self.icon(x - side / 2, middle, side, fill, rgb)
            x -= side * 1.5
        self.has("app bar")
        self.top += height

    def tabs(self, below=False):
        height, count = int(self.random.randint(24, 36) * self.scale), self.random.randint(2, 4)
        top = self.bottom - height if below else self.top
        self.draw.rectangle((0, top, WIDTH, top + height), fill=self.card)
        chosen, icons, step = self.random.randrange(count), self.random.random() < 0.6, WIDTH / count
        for number in range(count):
            x, rgb = (number + 0.5) * step, self.accent if number == chosen else self.faint
            if icons:
                labelled = self.random.random() < 0.5
                self.icon(x, top + height * (0.38 if labelled else 0.5), height * (0.5 if labelled else 0.65), self.card, rgb)
                if labelled:
                    self.text(x, top + height * 0.82, self.words(1), 6, rgb, "mm")
            else:
                self.text(x, top + height / 2, self.words(1), 8, rgb, "mm")
        y = top if below else top + height - 2
        self.draw.rectangle((chosen * step, y, (chosen + 1) * step, y + 2), fill=self.accent)
        self.has("tabs")
        if below:
            self.bottom = top
        else:
            self.top += height

    def list(self):
        height = int(self.random.randint(28, 54) * self.scale)
        rows = min(self.random.randint(2, 9), int((self.bottom - self.top) / height))
        leading = self.random.random() < 0.65
        trailing = self.random.choices(("toggle", "checkbox", "icon", "text", "none"), (5, 2, 2, 1, 2))[0]
        cards, rules, second = self.random.random() < 0.3, self.random.random() < 0.5, self.random.random() < 0.5
        side = height * self.random.uniform(0.5, 0.8)
        state = random_state(self.random)
        for _ in range(rows):
            y = self.top + height / 2
            if cards:
                drawing.rounded(self.draw, (self.margin / 2, self.top + 2, WIDTH - self.margin / 2, self.top + height - 2),
                                self.radius, fill=self.card)
            elif rules:
                self.draw.line((self.margin, self.top + height, WIDTH - self.margin, self.top + height), fill=self.card)
            x, label = self.margin, self.words(3)
            if leading:
                concept = self.icon(x + side / 2, y, side)
                x += side * 1.3
                if self.random.random() < 0.4:
                    label = (concept.meaning or concept.thing).capitalize()
            self.text(x, y - (5 * self.scale if second else 0), label[:20], 9)
            if second:
                self.text(x, y + 6 * self.scale, self.words(3)[:22], 7, self.faint)
            self._trailing(trailing, y, height, state)
            self.top += height
        if rows >= 2:
            self.has("list")

    def _trailing(self, kind, y, height, state):
        right = WIDTH - self.margin
        if kind == "none" or self.random.random() < 0.2:
            return
        if kind == "toggle":
            width = 25 * self.scale
            self.toggle((right - width, y - width / 3.6, right, y + width / 3.6), state())
        elif kind == "checkbox":
            self.checkbox(right - 7 * self.scale, y, state())
        elif kind == "icon":
            side = height * 0.45
            self.icon(right - side / 2, y, side)
        else:
            self.text(right, y, self.words(1), 8, self.faint, "rm")

    def toggle(self, box, on):
        draw_toggle(self.draw, self.look(), box, on, self.accent, self.faint)
        self.has("toggle, on" if on else "toggle, off")

    def checkbox(self, x, y, on):
        half = 7 * self.scale
        draw_checkbox(self.draw, (x - half, y - half, x + half, y + half), on, self.accent, self.faint)
        self.has("checkbox")

    def look(self):
        """Toggles of one screen look alike."""
        if not hasattr(self, "_look"):
            self._look = self.random.random()
        look = self._look
        random = self.random

        class Same:
            def random(self):
                return look

            def uniform(self, low, high):
                return random.uniform(low, high)
        return Same()

    def grid(self):
        columns = self.random.choice((2, 3, 3, 4, 4, 5))
        step = (WIDTH - 2 * self.margin) / columns
        height = step * self.random.uniform(1.0, 1.35)
        rows = min(self.random.randint(2, 6), int((self.bottom - self.top) / height))
        tiles, named = self.random.random() < 0.5, self.random.random() < 0.7
        shape = self.random.choice((0.1, 0.25, 0.5))
        for row in range(rows):
            for column in range(columns):
                if self.random.random() < 0.1:
                    continue
                x, y = self.margin + (column + 0.5) * step, self.top + (row + (0.42 if named else 0.5)) * height
                side = step * 0.62
                if tiles:
                    fill = drawing.colour(self.random)
                    drawing.rounded(self.draw, (x - side / 2, y - side / 2, x + side / 2, y + side / 2), side * shape, fill=fill)
                    concept = self.icon(x, y, side * 0.68, fill)
                else:
                    concept = self.icon(x, y, side)
                if named:
                    label = (concept.meaning or concept.thing).capitalize() if self.random.random() < 0.4 else self.words(1)
                    self.text(x, y + side * 0.72, label[:10], 6.5, anchor="mm")
        self.top += rows * height
        if rows * columns >= 4:
            self.has("grid of icons")

    def button(self, x, y, width, height, strong=None):
        box = (x - width / 2, y - height / 2, x + width / 2, y + height / 2)
        if self.random.random() < 0.75 if strong is None else strong:
            drawing.rounded(self.draw, box, self.radius, fill=self.accent)
            rgb = self.on_accent
        else:
            drawing.rounded(self.draw, box, self.radius, outline=self.accent, width=1)
            rgb = self.ink
        self.text(x, y, self.words(1), 9, rgb, "mm")
        self.has("button")

    def buttons(self):
        height = 24 * self.scale
        count, width = self.random.choice((1, 1, 2)), WIDTH - 2 * self.margin
        for number in range(count):
            share = width / count
            self.button(self.margin + (number + 0.5) * share, self.top + height * 0.8, share * self.random.uniform(0.6, 0.95), height)
        self.top += height * 1.6

    def field(self):
        height = self.random.randint(20, 28) * self.scale
        box = (self.margin, self.top + 6, WIDTH - self.margin, self.top + 6 + height)
        if self.random.random() < 0.3:
            self.draw.line((box[0], box[3], box[2], box[3]), fill=self.accent, width=1)
        else:
            drawing.rounded(self.draw, box, self.radius, fill=self.card if self.random.random() < 0.5 else None, outline=self.faint)
        x = box[0] + 6
        if self.random.random() < 0.35:
            self.icon(x + height * 0.35, self.top + 6 + height / 2, height * 0.7, self.card)
            x += height
        typed = self.random.random() < 0.5
        self.text(x, self.top + 6 + height / 2, self.words(2), 9, self.ink if typed else self.faint)
        self.has("text field")
        self.top += height + 14

    def progress(self):
        y, thick = self.top + 12, self.random.randint(2, 7)
        box = (self.margin, y, WIDTH - self.margin, y + thick)
        drawing.rounded(self.draw, box, thick / 2, fill=self.faint)
        end = self.margin + (WIDTH - 2 * self.margin) * self.random.uniform(0.08, 0.95)
        drawing.rounded(self.draw, (self.margin, y, max(end, self.margin + thick), y + thick), thick / 2, fill=self.accent)
        if self.random.random() < 0.5:
            self.text(WIDTH - self.margin, y - 6, f"{self.random.randrange(100)}%", 7, anchor="rm")
        self.has("progress bar")
        self.top += 26

    def paragraph(self):
        self.top = self.lines(self.margin, self.top + 10, WIDTH - 2 * self.margin, self.random.randint(1, 5), 8) + 4

    def hero(self):
        """A large icon in the middle, as empty pages and players have."""
        side = self.random.randint(50, 120)
        if self.top + side + 12 < self.bottom:
            self.icon(WIDTH * self.random.choice((0.5, 0.5, 0.25, 0.75)), self.top + side / 2 + 6, side)
            self.top += side + 12

    def toolbar(self):
        count, side = self.random.randint(2, 4), self.random.randint(22, 44)
        for number in range(count):
            self.icon((number + 0.5) * WIDTH / count, self.top + side / 2 + 6, side)
        self.top += side + 12

    def keyboard(self):
        rows, height = self.random.choice((4, 4, 5)), self.random.randint(20, 27)
        top = self.bottom - rows * height - 4
        ground = self.card if self.random.random() < 0.7 else drawing.colour(self.random, self.light)
        self.draw.rectangle((0, top, WIDTH, self.bottom), fill=ground)
        key = tuple(min(255, c + 20) if self.light else min(255, c + 25) for c in ground)
        ink = (20, 20, 20) if drawing.luminance(key) > 0.5 else (240, 240, 240)
        letters = ["1234567890", "qwertyuiop", "asdfghjkl", "⇧zxcvbnm⌫", " "][-rows:]
        keyed = self.random.random() < 0.8
        for row, line in enumerate(letters):
            y, step = top + 3 + row * height, WIDTH / 10
            left = (WIDTH - len(line) * step) / 2
            cells = [(left + i * step, left + (i + 1) * step, c) for i, c in enumerate(line)]
            if line == " ":
                cells = [(2, 34, "?"), (36, 60, ","), (62, 176, " "), (178, 202, "."), (204, 238, "⏎")]
            for x0, x1, letter in cells:
                if keyed:
                    drawing.rounded(self.draw, (x0 + 1, y + 1, x1 - 1, y + height - 2), min(self.radius, 4), fill=key)
                self.text((x0 + x1) / 2, y + height / 2, letter, 8, ink, "mm")
        self.has("keyboard")
        self.bottom = top

    def dialog(self):
        """Over everything, which it darkens."""
        if self.random.random() < 0.8:
            self.canvas.paste(Image.blend(self.canvas, Image.new("RGB", self.canvas.size), self.random.uniform(0.3, 0.6)))
        width, height = WIDTH * self.random.uniform(0.7, 0.9), self.random.randint(90, 150)
        middle = self.height * (0.5 if self.random.random() < 0.7 else 0.75)
        x, y = (WIDTH - width) / 2, min(middle - height / 2, self.height - height - 4)
        box = (x, y, x + width, y + height)
        # What it hides is no longer there.
        self.icons = [each for each in self.icons if not (box[0] - 8 < each[1] < box[2] + 8 and box[1] - 8 < each[2] < box[3] + 8)]
        drawing.rounded(self.draw, box, self.radius, fill=self.paper, outline=self.faint)
        left = x + 12
        if self.random.random() < 0.5:
            side = self.random.randint(20, 36)
            self.icon(left + side / 2, y + 22, side)
            left += side + 6
        self.text(left, y + 20, self.words(2)[:16], 11)
        self.lines(x + 12, y + 44, width - 24, max(1, (height - 80) // 14), 8)
        count = self.random.choice((1, 2, 2))
        for number in range(count):
            place = x + width - (number + 0.5) * width / 2.4 - 6
            if self.random.random() < 0.4:
                self.text(place, y + height - 18, self.words(1), 9, self.accent if self.light else self.ink, "mm")
                self.has("button")
            else:
                self.button(place, y + height - 18, width / 2.8, 22)
        self.has("dialog")

    def labels(self):
        labels = slots.blank()
        labels[slots.INDEX["kind"]] = slots.KINDS.index("phone screen")
        for name in ("colour", "state"):
            labels[slots.INDEX[name]] = slots.nothing(slots.SLOTS[slots.INDEX[name]])
        for element in self.elements:
            labels[slots.INDEX[element]] = 0
        largest = {}
        for concept, x, y, side in self.icons:
            place = slots.place_of(x / WIDTH, min(y / self.height, 0.999))
            # The largest icon of a place, and of equal ones the nearest to its middle.
            middle = ((place % 3 + 0.5) / 3, (place // 3 + 0.5) / 3)
            distance = abs(x / WIDTH - middle[0]) + abs(y / self.height - middle[1])
            key = (round(side), -distance)
            if place not in largest or key > largest[place][0]:
                largest[place] = (key, concept, side)
        for place, (_, concept, side) in largest.items():
            readable = side / max(WIDTH, self.height) >= LEAST_ICON and concept < ICON_COUNT
            labels[slots.INDEX[f"icon, {slots.PLACES[place]}"]] = concept if readable else slots.UNKNOWN
        return labels


def random_state(random):
    """On and off as they fall, or all alike."""
    share = random.choice((0.0, 0.5, 0.5, 1.0))
    return lambda: random.random() < share


def screen(random, library, side):
    """The picture of a phone screen and its labels."""
    made = Screen(random, library)
    if random.random() < 0.8:
        made.status_bar()
    if random.random() < 0.65:
        made.app_bar()
        if random.random() < 0.25:
            made.tabs()
    if random.random() < 0.3:
        made.tabs(below=True)
    if random.random() < 0.2:
        made.keyboard()
    parts = [made.list, made.list, made.grid, made.field, made.buttons, made.progress, made.paragraph, made.hero, made.toolbar]
    for _ in range(random.randint(1, 5)):
        if made.bottom - made.top < 70:
            break
        random.choice(parts)()
    if random.random() < 0.2:
        made.dialog()
    return made.canvas.resize((side, side), Image.Resampling.BILINEAR, reducing_gap=2.0), made.labels()
