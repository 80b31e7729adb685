"""Icons and emoji as pixels, rendered once into a folder."""

import collections
import hashlib
import io
import json
import multiprocessing
import pathlib
import re

import numpy as np
import resvg_py
from PIL import Image, ImageDraw, ImageFont

import sources
from concepts import CONCEPTS

SIDE = 128
MOST = 6  # drawings of a concept in a theme
# Mean differences of two drawings' small grey pictures, of 255, below which they are one drawing: of a concept, of any.
NEAR, SAME = 6.0, 1.5

Icon = collections.namedtuple("Icon", "theme concept name plain")


def _square(image):
    """The drawing without its empty margin, in the middle of a square."""
    image = image.convert("RGBA")
    box = image.getchannel("A").point(lambda a: 255 * (a > 12)).getbbox()
    if box is None or min(box[2] - box[0], box[3] - box[1]) < 2:
        return None
    image = image.crop(box)
    scale = SIDE / max(image.size)
    size = [max(1, round(side * scale)) for side in image.size]
    image = image.resize(size, Image.Resampling.LANCZOS)
    square = Image.new("RGBA", (SIDE, SIDE))
    square.paste(image, ((SIDE - size[0]) // 2, (SIDE - size[1]) // 2))
    return square


def _rasterise(path):
    try:
        if path.suffix == ".png":
            return _square(Image.open(path))
        text = re.sub(r"<!ENTITY[^>]*>", "", path.read_text(errors="replace"))
        data = resvg_py.svg_to_bytes(svg_string=text, width=2 * SIDE, skip_system_fonts=True)
        return _square(Image.open(io.BytesIO(bytes(data))))
    except (ValueError, OSError):
        return None


def _plain(pixels):
    """Whether a drawing is of one colour, so that it may take another."""
    seen = pixels[pixels[..., 3] > 128][:, :3].astype(float)
    return bool(len(seen) and seen.std(0).max() < 12)


def sketch(pixels):
    """A small grey picture of the drawing, dark on light, to compare drawings by."""
    alpha = pixels[..., 3:4] / 255.0
    if _plain(pixels):
        grey = 255 * (1 - alpha[..., 0])
    else:
        grey = (pixels[..., :3] * alpha + 255 * (1 - alpha)).mean(-1)
    return np.asarray(Image.fromarray(grey.astype(np.uint8)).resize((24, 24), Image.Resampling.BOX), np.float32)


def _glyph(font, text, coloured):
    image = Image.new("RGBA", (2 * SIDE, 2 * SIDE))
    ImageDraw.Draw(image).text((16, 16), text, font=font, embedded_color=coloured, fill=(40, 40, 40, 255))
    return _square(image)


def _render(drawing):
    square = _rasterise(drawing.path)
    return None if square is None else np.asarray(square)


def render(folder, report=print):
    """Renders what is not rendered yet: `folder`/icons.npy [count, SIDE, SIDE, 4] and icons.json, one line for each."""
    listed = folder / "icons.json"
    if listed.exists() and json.loads(listed.read_text())["concepts"] == _table():
        return
    root = sources.fetch(folder)
    drawings = list(sources.drawings(root))
    report(f"rendering {len(drawings)} drawings")
    icons, pixels, sketches = [], [], collections.defaultdict(dict)

    def keep(theme, concept, name, image, most=MOST):
        own = sketch(image)
        others = sketches[theme].setdefault(concept, [])
        if len(others) >= most or any(np.abs(own - other).mean() <= NEAR for other in others):
            return
        # What stands for several concepts is the first one's.
        if all(np.abs(own - other).mean() > SAME for each in sketches[theme].values() for other in each):
            others.append(own)
            icons.append(Icon(theme, concept, name, _plain(image)))
            pixels.append(image)

    with multiprocessing.Pool() as pool:
        for drawing, image in zip(drawings, pool.imap(_render, drawings, chunksize=32)):
            if image is not None:
                keep(drawing.theme, drawing.concept, drawing.name, image)
    emoji = ImageFont.truetype(str(sources.emoji_font(root)), 109)
    symbols = ImageFont.truetype(str(sources.symbol_font(root)), 160)
    missing = np.asarray(_glyph(symbols, "\U0010fffe", False))
    for index, concept in enumerate(CONCEPTS):
        for text in concept.emoji:
            image = _glyph(emoji, text, True)
            if image is not None:
                keep("emoji", index, text, np.asarray(image), most=9)
            image = _glyph(symbols, text, False)
            if image is not None and np.abs(np.asarray(image).astype(float) - missing).mean() > 1:
                keep("symbols", index, text, np.asarray(image))
    write(folder, icons, np.stack(pixels))
    report(f"rendered {len(icons)} icons of {len({icon.theme for icon in icons})} themes")


def _table():
    return hashlib.sha256(repr(CONCEPTS).encode()).hexdigest()


def write(folder, icons, pixels):
    """Drawings of the concepts that there are now: others have them drawn anew."""
    np.save(folder / "icons.npy", pixels)
    lines = ",\n".join(json.dumps(icon) for icon in icons)
    (folder / "icons.json").write_text(f'{{"concepts": "{_table()}", "icons": [\n{lines}\n]}}\n')


def load(folder):
    """The rendered icons: their list, and their pixels mapped from the file."""
    folder = pathlib.Path(folder)
    icons = [Icon(*each) for each in json.loads((folder / "icons.json").read_text())["icons"]]
    return icons, np.load(folder / "icons.npy", mmap_mode="r")
