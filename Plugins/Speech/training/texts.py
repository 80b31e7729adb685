"""What is said: sentences of Debian's packages, of a grammar, and single words.

    python3 Plugins/Speech/training/texts.py FOLDER

lays FOLDER/texts/<source>.txt, a normalised sentence a line. Sources are withheld whole: those of evaluation are no part of
training.
"""

import collections
import gzip
import html
import pathlib
import re
import subprocess
import sys
import tempfile

import numpy as np

import grammar
from normalise import words

WORD_LIST = "wamerican"
# Source: packages, pattern of paths, how sentences are cut out of them, share of training (none: evaluation's).
SOURCES = {
    "wordnet": (["wordnet-base"], "usr/share/wordnet/data.*", "wordnet", 3.0),
    "fortunes": (["fortunes"], "usr/share/games/fortunes/*.u8", "prose", 3.0),
    "help": (["gnome-user-docs"], "usr/share/help/C/*/*.page", "markup", 2.0),
    "space": (["endless-sky-data"], "usr/share/games/endless-sky/data/**/*.txt", "backticks", 2.0),
    "campaigns": ([f"wesnoth-1.16-{name}" for name in ("tsg", "dw", "sof", "nr")],
                  "usr/share/games/wesnoth/1.16/data/**/*.cfg", "quotes", 2.0),
    "jargon": (["dict-jargon"], "usr/share/dictd/jargon.dict.dz", "prose", None),
    "literature": (["fortunes-min"], "usr/share/games/fortunes/literature.u8", "prose", None),
    "descent": (["wesnoth-1.16-did"], "usr/share/games/wesnoth/1.16/data/**/*.cfg", "quotes", None),
}
LONGEST = 20
# Shares of training's utterances; the rest are sentences of the sources.
GRAMMAR, WORDS = 0.27, 0.15


def passages(kind, text):
    """Runs of plain text in a file."""
    if kind == "wordnet":
        for line in text.splitlines():
            if " | " in line and not line.startswith("  "):
                yield from re.split(r"[;\"]", line.split(" | ", 1)[1])
    elif kind == "markup":
        for part in re.findall(r"<(?:p|title|desc)\b[^>]*>(.*?)</(?:p|title|desc)>", text, re.S):
            yield html.unescape(re.sub(r"<[^>]*>", "", part))
    elif kind == "backticks":
        for part in re.findall(r"`([^`]*)`", text):
            yield from part.split('"')
    elif kind == "quotes":
        for part in re.findall(r"_ *\"([^\"]*)\"", text):
            yield re.sub(r"<[^>]*>", "", part)
    else:
        for part in re.split(r"\n%\n|\n\s*\n", text):
            yield re.sub(r"[{}]", "", re.sub(r"\n\s*--.*", "", part, flags=re.S))


def sentences(kind, text, known):
    """Normalised, of at most LONGEST words; longer ones are cut where they pause."""
    for passage in passages(kind, text):
        for sentence in re.split(r"(?<=[.!?])[\"'”)]*\s+|[;:]\s|\n\s*\n", " ".join(passage.split())):
            pieces = [sentence] if len(sentence.split()) <= LONGEST else re.split(r",\s|\s-+\s| \(|\) ", sentence)
            for piece in pieces:
                found = words(piece)
                # What is mostly unknown is code, a table or another language.
                if found and len(found) <= LONGEST and sum(word in known for word in found) >= 0.8 * len(found):
                    yield " ".join(found)


def package(name, folder):
    """Unpacks a Debian package, without installing it."""
    subprocess.run(["apt-get", "download", "-q", name], cwd=folder, check=True, capture_output=True)
    (file,) = folder.glob(f"{name}_*.deb")
    subprocess.run(["dpkg-deb", "-x", file, folder], check=True)
    file.unlink()


def lay(folder):
    """Makes the files of all sources that are not there."""
    folder = pathlib.Path(folder) / "texts"
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "words.txt").exists():
        with tempfile.TemporaryDirectory() as place:
            package(WORD_LIST, pathlib.Path(place))
            listed = pathlib.Path(place, "usr/share/dict/american-english").read_text().split()
        plain = sorted({word.lower() for word in listed if re.fullmatch(r"[A-Za-z][a-z]*(?:'[a-z]+)?", word)})
        (folder / "words.txt").write_text("\n".join(plain) + "\n")
    known = set((folder / "words.txt").read_text().split())
    for source, (packages, pattern, kind, _) in SOURCES.items():
        target = folder / f"{source}.txt"
        if target.exists():
            continue
        found = {}
        with tempfile.TemporaryDirectory() as place:
            for name in packages:
                package(name, pathlib.Path(place))
            for path in sorted(pathlib.Path(place).glob(pattern)):
                opened = gzip.open(path) if path.suffix == ".dz" else path.open("rb")
                with opened:
                    text = opened.read().decode(errors="replace")
                found |= dict.fromkeys(sentences(kind, text, known))
        if not found:
            raise SystemExit(f"texts of {source}: {', '.join(packages)} should have files {pattern}, found no sentence there")
        partial = target.with_suffix(".part")
        partial.write_text("\n".join(found) + "\n")
        partial.replace(target)
        print(f"{source}: {len(found)} sentences")


class Texts:
    """Draws utterances of training from what `lay` made."""

    def __init__(self, folder):
        folder = pathlib.Path(folder) / "texts"
        self.sources = {name: (folder / f"{name}.txt").read_text().splitlines()
                        for name, source in SOURCES.items() if source[3]}
        shares = np.array([SOURCES[name][3] for name in self.sources])
        self.shares = np.cumsum(shares / shares.sum())
        counts = collections.Counter(word for lines in self.sources.values() for line in lines for word in line.split())
        listed = (folder / "words.txt").read_text().split()
        # Known words by the root of how often they stand in the sources, so that rare ones come too.
        self.words = listed
        chances = np.sqrt([1.0 + counts[word] for word in listed])
        self.chances = np.cumsum(chances / chances.sum())

    def word(self, draw):
        """A word of the list; every other time each is as likely."""
        if draw.random() < 0.5:
            return self.words[draw.integers(len(self.words))]
        return self.words[min(int(np.searchsorted(self.chances, draw.random())), len(self.words) - 1)]

    def draw(self, draw, most):
        """An utterance of at most so many words."""
        kind = draw.random()
        if kind < WORDS:
            return " ".join(self.word(draw) for _ in range(draw.integers(1, min(5, most + 1))))
        if kind < WORDS + GRAMMAR:
            return part(grammar.sentence(draw).split(), most, draw)
        lines = list(self.sources.values())[min(int(np.searchsorted(self.shares, draw.random())), len(self.sources) - 1)]
        found = lines[draw.integers(len(lines))].split()
        # Parts of sentences too, so that short utterances are as varied as long ones.
        if draw.random() < 0.3:
            most = min(most, int(draw.integers(1, LONGEST + 1)))
        return part(found, most, draw)


def part(found, most, draw):
    """All words, or as many in a row."""
    if len(found) <= most:
        return " ".join(found)
    start = draw.integers(len(found) - most + 1)
    return " ".join(found[start : start + most])


if __name__ == "__main__":
    lay(sys.argv[1])
