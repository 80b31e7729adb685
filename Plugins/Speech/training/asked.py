"""Writes what the plugin hears in spoken sentences, with questions that only that sentence answers, for SDK/Training:

    python3 asked.py --folder F --gatehouse ../../../.build/release/gatehouse --count 300 --output parts.jsonl

F is the folder of the training, whose texts and voices these are.
"""

import pathlib
import sys

import numpy as np
import soundfile

import features
from sounds import MOST, Sounds
from texts import Texts

sys.path.append(str(pathlib.Path(__file__).parents[3] / "SDK" / "Training"))
import parts  # noqa: E402

# Utterances of the training that these are, far from its first.
FIRST = 10_000_000
PATTERNS = ["When did they mention {}?", "What was said about {}?", "Did the speaker say {}?", "Why {}?"]


def asks_of(text, draw):
    """Questions about longer words of it, and one whose answer has the longest."""
    words = [word for word in text.split() if len(word) > 4]
    chosen = draw.permutation(words)[:2] if words else []
    asks = [(PATTERNS[draw.integers(len(PATTERNS))].format(word), None) for word in chosen]
    return asks + ([("What is said?", max(words, key=len))] if words else [])


def main():
    parser = parts.parser(__doc__.splitlines()[0])
    parser.add_argument("--folder", required=True, type=pathlib.Path, help="of the training")
    options = parser.parse_args()
    sounds = Sounds(options.folder, Texts(options.folder), options.seed)

    def make(path, number):
        text, samples = sounds.said("espeak", FIRST + number, MOST)
        soundfile.write(path, samples, features.RATE)
        return asks_of(text, np.random.default_rng([options.seed, number]))

    parts.write(options, "speech", ".wav", make)


if __name__ == "__main__":
    main()
