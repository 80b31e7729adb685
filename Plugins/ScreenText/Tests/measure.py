"""Measures how much of the words on a dozen drawn screens is read, and prints a table.

    make build/screen-text-tests all
    python3 Tests/measure.py [FOLDER]     # keeps pictures and readings in FOLDER where one is named

A word counts as read where it comes out letter for letter; each Han character is a word of its own. Recall is
the share of the words on the screen that were read, precision the share of what was read that stands on the
screen, so junk from icons lowers it. Full-width and half-width forms are the same. Letters inside avatars and
on keys count neither way.
"""

import collections
import pathlib
import re
import subprocess
import sys
import tempfile
import unicodedata

from screens import screens

HERE = pathlib.Path(__file__).resolve().parent
DRIVER = HERE.parent / "build" / "screen-text-tests"
LIBRARY = HERE.parent / "build" / "libscreen-text.so"
HAN = re.compile(r"([\u3000-\u303f\u3400-\u9fff])")


def words(text):
    return collections.Counter(HAN.sub(r" \1 ", unicodedata.normalize("NFKC", text)).split())


def read(path):
    """The text of the picture, and the seconds it took."""
    output = subprocess.run(
        [DRIVER, LIBRARY, "--read", path], capture_output=True, text=True, check=True
    ).stdout
    first, _, text = output.partition("\n")
    match = re.search(r"status 0, ([\d.]+) s", first)
    if not match:
        sys.exit(f"{path}: {output}")
    return text, float(match.group(1))


def score(screen, text):
    """Words on the screen, words read, and how many of both agree."""
    there, optional, found = words("\n".join(screen.words)), words("\n".join(screen.optional)), words(text)
    hits = there & found
    extra = (found - there) - optional
    return there.total(), hits.total(), extra.total()


def main(folder):
    print("| screen | recall | precision | seconds |\n|---|---|---|---|")
    totals = [0, 0, 0]
    for screen in screens():
        path = folder / f"{screen.name}.png"
        screen.image.save(path)
        text, seconds = read(path)
        (folder / f"{screen.name}.txt").write_text(text)
        counts = score(screen, text)
        totals = [total + count for total, count in zip(totals, counts)]
        print(row(screen.name, counts, f"{seconds:.2f}"))
    print(row("all", totals, ""))


def row(name, counts, seconds):
    there, hits, extra = counts
    precision = hits / (hits + extra) if hits + extra else 0
    return f"| {name} | {100 * hits / there:.1f}% | {100 * precision:.1f}% | {seconds} |"


if __name__ == "__main__":
    if len(sys.argv) > 1:
        pathlib.Path(sys.argv[1]).mkdir(parents=True, exist_ok=True)
        main(pathlib.Path(sys.argv[1]))
    else:
        with tempfile.TemporaryDirectory() as temporary:
            main(pathlib.Path(temporary))
