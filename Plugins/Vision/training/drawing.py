"""Colours, backgrounds and wear that all composed pictures share."""

import colorsys
import io

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from slots import COLOURS

# Hue in turns where a colour's range ends; red is on both ends.
HUES = ((0.035, "red"), (0.105, "orange"), (0.18, "yellow"), (0.44, "green"), (0.70, "blue"), (0.82, "purple"),
        (0.94, "pink"), (1.01, "red"))


def named(hue, saturation, value):
    """The number of a colour's name."""
    if value < 0.2:
        name = "black"
    elif saturation < 0.16:
        name = "white" if value > 0.88 else "black" if value < 0.28 else "grey"
    else:
        name = next(name for end, name in HUES if hue < end)
        if name in ("orange", "red") and value < 0.6 and saturation < 0.85 and hue > 0.02:
            name = "brown"
        elif name == "red" and saturation < 0.55 and value > 0.75:
            name = "pink"
    return COLOURS.index(name)


def dominant(pixels, share=0.55):
    """The number of the colour that most of a drawing [height, width, 4] has, or None."""
    small = pixels[4::8, 4::8].reshape(-1, 4)
    small = small[small[:, 3] > 100, :3] / 255.0
    if len(small) < 6:
        return None
    high, low = small.max(1), small.min(1)
    spread = high - low
    counts = np.zeros(len(COLOURS))
    for (r, g, b), s, v in zip(small, spread / np.maximum(high, 1e-6), high):
        counts[named(colorsys.rgb_to_hsv(r, g, b)[0], s, v)] += 1
    best = int(counts.argmax())
    return best if counts[best] > share * len(small) else None


def colour(random, light=None):
    """Any colour; `light` holds its brightness to one half."""
    low, high = (0.0, 1.0) if light is None else (0.75, 1.0) if light else (0.0, 0.3)
    saturation = random.random() * (0.3 if random.random() < 0.5 else 1.0)
    rgb = colorsys.hsv_to_rgb(random.random(), saturation, low + (high - low) * random.random())
    return tuple(int(255 * c) for c in rgb)


def luminance(rgb):
    return (0.299 * rgb[0] + 0.587 * rgb[1] + 0.114 * rgb[2]) / 255


def background(random, side):
    """A square picture without anything in it, and its mean brightness."""
    kind = random.random()
    first = colour(random, None if random.random() < 0.4 else random.random() < 0.6)
    if kind < 0.5:
        image = Image.new("RGB", (side, side), first if random.random() < 0.75 else (255, 255, 255))
    elif kind < 0.75:
        ramp = Image.linear_gradient("L").rotate(random.choice((0, 90, 180, 270))).resize((side, side))
        image = Image.composite(Image.new("RGB", ramp.size, first), Image.new("RGB", ramp.size, colour(random)), ramp)
    else:
        cells = random.choice((3, 5, 9, 24))
        noise = np.frombuffer(random.randbytes(3 * cells * cells), np.uint8).reshape(cells, cells, 3)
        mix = random.uniform(0.1, 0.7)
        noise = (np.array(first) * (1 - mix) + noise * mix).astype(np.uint8)
        image = Image.fromarray(noise).resize((side, side), random.choice((Image.Resampling.BICUBIC, Image.Resampling.NEAREST)))
    return image


def mean_luminance(image):
    return luminance(image.resize((1, 1), Image.Resampling.BOX).getpixel((0, 0)))


def rounded(draw, box, radius, fill=None, outline=None, width=1):
    radius = min(radius, (box[2] - box[0]) / 2, (box[3] - box[1]) / 2)
    draw.rounded_rectangle(box, max(0, radius), fill=fill, outline=outline, width=width)


def worn(image, random, strength=1.0):
    """The picture blurred, compressed, noisy, brighter or darker; often none of it."""
    if random.random() < 0.25 * strength:
        image = image.filter(ImageFilter.GaussianBlur(random.uniform(0.3, 1.2) * image.width / 128))
    if random.random() < 0.15 * strength:
        small = random.uniform(0.35, 0.8)
        image = image.resize([max(8, int(side * small)) for side in image.size], Image.Resampling.BILINEAR).resize(
            image.size, random.choice((Image.Resampling.BILINEAR, Image.Resampling.NEAREST)))
    if random.random() < 0.3 * strength:
        table = _curve(random.uniform(0.6, 1.4), random.uniform(-40, 40))
        image = image.point(table * 3)
    if random.random() < 0.25 * strength:
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", quality=random.randint(15, 90))
        image = Image.open(buffer).convert("RGB")
    pixels = np.asarray(image)
    if random.random() < 0.15 * strength:
        generator = np.random.Generator(np.random.SFC64(random.getrandbits(32)))
        noise = generator.integers(-24, 25, pixels.shape, dtype=np.int16)
        pixels = np.clip(pixels + (noise * random.uniform(0.2, 1.0)).astype(np.int16), 0, 255).astype(np.uint8)
    return pixels


def _curve(contrast, shift):
    return [max(0, min(255, int((level - 128) * contrast + 128 + shift))) for level in range(256)]


def drop_shadow(random, canvas, alpha, at):
    shadow = alpha.filter(ImageFilter.GaussianBlur(alpha.width / 30)).point(lambda a: a * 0.5)
    canvas.paste((0, 0, 0), (at[0] + 1, at[1] + max(1, alpha.width // 24)), shadow)


def overlay(canvas):
    return ImageDraw.Draw(canvas)
