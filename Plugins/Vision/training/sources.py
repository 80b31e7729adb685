"""Debian packages that pictures are made from: fetched and unpacked into a folder, without installing them."""

import collections
import pathlib
import subprocess

from concepts import CONCEPTS

# Themes of one group share drawings, or their hands: a group is withheld or trained on as a whole. Packages are those of
# Debian 12. The human theme's drawings lie in the package of other themes, so it is left out.
THEMES = {
    "adwaita": ("adwaita-icon-theme", ["Adwaita"]),
    "breeze": ("breeze-icon-theme", ["breeze"]),
    "elementary": ("elementary-xfce-icon-theme", ["elementary-xfce"]),
    "faba": ("faba-icon-theme", ["Faba"]),
    "faenza": ("faenza-icon-theme", ["Faenza", "Faenza-Dark"]),
    "mate": ("mate-icon-theme", ["mate", "menta"]),
    "moka": ("moka-icon-theme", ["Moka"]),
    "numix": ("numix-icon-theme", ["Numix"]),
    "obsidian": ("obsidian-icon-theme", ["Obsidian", "Obsidian-Light"]),
    "paper": ("paper-icon-theme", ["Paper", "Paper-Mono-Dark"]),
    "papirus": ("papirus-icon-theme", ["Papirus", "ePapirus"]),
    "suru": ("suru-icon-theme", ["suru"]),
}
EMOJI_FONT = ("fonts-noto-color-emoji", "usr/share/fonts/truetype/noto/NotoColorEmoji.ttf")
SYMBOL_FONT = ("fonts-symbola", "usr/share/fonts/truetype/ancient-scripts/Symbola_hint.ttf")
TEXT_FONTS = [
    "fonts-cantarell", "fonts-comfortaa", "fonts-crosextra-carlito", "fonts-dejavu-core", "fonts-firacode",
    "fonts-freefont-ttf", "fonts-inter", "fonts-lato", "fonts-liberation2", "fonts-noto-core", "fonts-open-sans",
    "fonts-roboto-slab", "fonts-roboto-unhinted",
]

Drawing = collections.namedtuple("Drawing", "theme concept name path")


def fetch(folder):
    """Has the packages' files under `folder`/debian; what is there already is not fetched again."""
    archives, root = folder / "archives", folder / "debian"
    archives.mkdir(parents=True, exist_ok=True)
    packages = [package for package, _ in THEMES.values()] + [EMOJI_FONT[0], SYMBOL_FONT[0], *TEXT_FONTS]
    for package in packages:
        done = archives / f"{package}.done"
        if done.exists():
            continue
        if not list(archives.glob(f"{package}_*.deb")):
            # Without the sandbox's other user, who may not write here.
            subprocess.run(["apt-get", "-o", "APT::Sandbox::User=root", "-q", "download", package], cwd=archives,
                           check=True, stdout=subprocess.DEVNULL)
        archive, = archives.glob(f"{package}_*.deb")
        subprocess.run(["dpkg-deb", "-x", archive, root], check=True)
        done.write_text(archive.name)
    return root


def drawings(root):
    """The files of each theme that mean a concept, each file once, in a fixed order."""
    names = {}
    for index, concept in enumerate(CONCEPTS):
        for name in concept.names:
            names.setdefault(name, index)
    for theme, (_, folders) in THEMES.items():
        found = {}
        for folder in folders:
            for path in sorted((root / "usr/share/icons" / folder).rglob("*")):
                name = path.stem.removesuffix("-symbolic")
                if path.suffix in (".svg", ".png") and name in names and path.is_file():
                    found.setdefault(path.resolve(), []).append((names[name], name, path))
        # A file of several concepts belongs to the first.
        chosen = collections.defaultdict(dict)
        for file, uses in found.items():
            concept, name, path = min(uses, key=lambda use: use[:2])
            chosen[concept].setdefault((name, file.suffix, "symbolic" in str(path)), []).append((_size(path), file))
        for concept, kinds in sorted(chosen.items()):
            for (name, suffix, symbolic), files in sorted(kinds.items()):
                files.sort()
                # The largest drawing, and of small ones, which are drawn anew, the largest.
                small = [each for each in files if each[0] <= 24]
                for _, file in {files[-1], small[-1] if small and suffix == ".svg" else files[-1]}:
                    if suffix == ".svg" or files[-1][0] >= 32:
                        yield Drawing(theme, concept, name, file)


def _size(path):
    """Nominal pixels of a side, by the folders that it lies in."""
    for part in path.parts[::-1]:
        number = part.split("x")[0].split("@")[0]
        if number.isdigit():
            return int(number)
    return 64


def font_files(root):
    """Upright text fonts for Latin text."""
    fonts = root / "usr/share/fonts"
    wanted = ("Regular", "Bold", "Medium", "Light", "Book", "Sans", "Serif")
    files = [path for path in sorted(fonts.rglob("*")) if path.suffix in (".ttf", ".otf")]
    keep = []
    for path in files:
        stem = path.stem
        if "noto" in str(path) and stem not in ("NotoSans-Regular", "NotoSans-Bold", "NotoSerif-Regular", "NotoSansMono-Regular"):
            continue
        if any(word in stem for word in ("Italic", "Oblique", "Symbola", "Emoji", "Math", "Display-")):
            continue
        if stem.startswith(("DejaVu", "Free")) or any(word in stem for word in wanted):
            keep.append(path)
    return keep


def emoji_font(root):
    return root / EMOJI_FONT[1]


def symbol_font(root):
    found = sorted((root / "usr/share/fonts").rglob("Symbola*.ttf"))
    return found[0] if found else pathlib.Path()
