"""The icons and fonts of a training folder, as training, development and evaluation may see them."""

import json

import render
import sources
from pictures import Library

# Held back: no drawing of theirs is trained on. What is chosen while training is chosen by DEVELOPMENT; figures are of TEST.
DEVELOPMENT, TEST = "suru", "elementary"
TRAINING = [theme for theme in sources.THEMES if theme not in (DEVELOPMENT, TEST)] + ["symbols"]


def open_library(folder, themes=TRAINING):
    """Renders what is missing first."""
    render.render(folder)
    icons, pixels = render.load(folder)
    fonts = folder / "fonts.json"
    if not fonts.exists():
        fonts.write_text(json.dumps([str(path.relative_to(folder)) for path in sources.font_files(folder / "debian")]))
    paths = [folder / name for name in json.loads(fonts.read_text())]
    return Library(icons, pixels, paths, set(themes))
