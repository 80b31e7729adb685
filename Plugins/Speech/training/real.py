"""Word errors on telephone prompts that a person spoke, which training never heard: those of Debian's asterisk-core-sounds-en.

    python3 Plugins/Speech/training/real.py --weights W [--sphinx]

Downloads the package, and keeps none of it. Run `swift build -c release --package-path Plugins/Speech` before.
"""

import argparse
import gzip
import pathlib
import re
import tempfile
import time

import numpy as np
import soundfile

import augment
from evaluate import by_sphinx, table, through_plugin
from features import RATE
from normalise import normalised
from texts import package

PACKAGES = ("asterisk-core-sounds-en", "asterisk-core-sounds-en-wav")


def prompts(folder, target):
    """(path of a FLAC file of 16 kHz, what is said) of every prompt of at least two words."""
    for name in PACKAGES:
        package(name, folder)
    (listed,) = folder.glob("usr/share/doc/*/core-sounds-en.txt.gz")
    for line in gzip.decompress(listed.read_bytes()).decode().splitlines():
        name, _, said = line.partition(":")
        text = normalised(said)
        path = folder / "usr/share/asterisk/sounds/en_US_f_Allison" / f"{name.strip()}.wav"
        # What stands in brackets is a sound.
        if line.startswith(";") or re.search(r"[\[(<]", said) or len(text.split()) < 2 or not path.exists():
            continue
        samples, rate = soundfile.read(path, dtype="float32")
        made = target / f"{name.strip().replace('/', '-')}.flac"
        soundfile.write(made, np.clip(augment.resampled(samples, rate), -1, 1), RATE, "PCM_16")
        yield made, text


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--weights", required=True, type=pathlib.Path)
    parser.add_argument("--sphinx", action="store_true", help="PocketSphinx too")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = pathlib.Path(place)
        (folder / "flac").mkdir()
        made = list(prompts(folder, folder / "flac"))
        seconds = sum(soundfile.info(path).duration for path, _ in made)
        systems, factors = {}, {}
        for name, hear in (("whole", lambda: through_plugin(options.weights, made, False)),
                           ("live", lambda: through_plugin(options.weights, made, True)),
                           *([("PocketSphinx", lambda: by_sphinx(made))] if options.sphinx else [])):
            start = time.monotonic()
            systems[name] = hear()
            factors[name] = (time.monotonic() - start) / seconds
    print(f"{len(made)} prompts, {seconds / 60:.1f} minutes; real-time factors "
          + ", ".join(f"{name} {factor:.3f}" for name, factor in factors.items()))
    table("words of a prompt", made, systems, lambda each: "all")
    table("words of a prompt", made, systems, lambda each: "up to 4" if len(each[1].split()) < 5 else "5 and more")
    print("\n| said | heard, whole |\n|---|---|")
    for place in np.random.default_rng(1).permutation(len(made))[:10]:
        print(f"| {made[place][1]} | {systems['whole'][place]} |")


if __name__ == "__main__":
    main()
