"""Utterances by number: what is said, by whom, and how it is heard, all drawn from the seed and the number alone."""

import io
import pathlib

import numpy as np
import soundfile

import augment
import voices
from features import RATE

ENGINES = list(voices.SHARES)
CHANCES = np.cumsum([share for share, _ in voices.SHARES.values()])
# Utterances after which sentences are as long as they come; before that they grow from FEWEST words.
CURRICULUM, FEWEST, MOST = 20000, 2, 20
# Utterances before which ever fewer are heard without a room, noise and a line.
CLEAN = 10000
LONGEST = 16.0
# Domains of the seed.
HEARING, SAYING, JOINING = range(3)


class Sounds:
    """Makes utterances of training. What the slow engines said is kept in FOLDER/sounds and heard again, otherwise augmented."""

    def __init__(self, folder, texts, seed):
        self.folder = pathlib.Path(folder) / "sounds"
        self.texts, self.seed = texts, seed
        self.voices = voices.Voices()

    def said(self, engine, number, most):
        """The text and the clean samples at RATE of an engine's sound, of at most so many words."""
        draw = np.random.default_rng([self.seed, SAYING, ENGINES.index(engine), number])
        text = self.texts.draw(draw, most)
        names = voices.TRAINING[engine]
        name = names[draw.integers(len(names))]
        path = self.folder / engine / f"{number // 1000}" / f"{self.seed}-{number}-{most}.flac"
        kept = voices.SHARES[engine][1] > 1
        if kept and path.exists():
            samples, _ = soundfile.read(path, dtype="float32")
            return text, samples
        spoken = text
        if draw.random() < 0.15:
            spoken = with_pauses(text, draw)
        samples, rate = self.voices.say(engine, name, spoken, draw)
        samples = augment.resampled(voices.trimmed(samples, rate, draw), rate)
        samples = samples / np.float32(max(1e-6, np.abs(samples).max(initial=0)) * 1.25)
        if kept:
            path.parent.mkdir(parents=True, exist_ok=True)
            data = io.BytesIO()
            soundfile.write(data, samples, RATE, "PCM_16", format="FLAC")
            partial = path.with_suffix(".part")
            partial.write_bytes(data.getvalue())
            partial.replace(path)
        return text, samples.astype(np.float32)

    def babble(self, draw, count):
        """Some voices at once."""
        made = np.zeros(count, np.float32)
        for _ in range(draw.integers(1, 5)):
            _, samples = self.said("espeak", int(draw.integers(1 << 30)), MOST)
            start = draw.integers(count)
            part = samples[: count - start]
            made[start : start + len(part)] += part * draw.uniform(0.3, 1)
        return made

    def utterance(self, number):
        """Text and samples at RATE, and the factor that the mel scale is to be warped by."""
        draw = np.random.default_rng([self.seed, HEARING, number])
        if draw.random() < 0.01:
            # Nobody speaks.
            quiet = draw.standard_normal(int(draw.uniform(0.5, 3) * RATE), np.float32) * np.float32(0.02)
            return "", augment.heard(quiet, draw, self.babble), 1.0
        text, samples = self.one(draw, number)
        if number > CURRICULUM and draw.random() < 0.08:
            second, more = self.one(draw, number)
            pause = np.zeros(int(draw.uniform(0.1, 1) * RATE), np.float32)
            if len(samples) + len(more) < LONGEST * RATE:
                text, samples = f"{text} {second}", np.concatenate([samples, pause, more * draw.uniform(0.5, 1)])
        if draw.random() < 0.25:
            around = [np.zeros(int(draw.exponential(0.4) * RATE), np.float32) for _ in range(2)]
            samples = np.concatenate([around[0], samples, around[1]])
        heard = augment.heard(samples.astype(np.float32), draw, self.babble, clean=draw.random() > number / CLEAN)
        return text, heard, float(draw.uniform(0.88, 1.14)) if draw.random() < 0.7 else 1.0

    def one(self, draw, number):
        engine = ENGINES[min(int(np.searchsorted(CHANCES, draw.random() * CHANCES[-1])), len(ENGINES) - 1)]
        share, times = voices.SHARES[engine]
        # Sounds that there are by now, each heard `times` times in the end, the newest as likely as the oldest.
        there = max(8, int(number * share / times))
        chosen = number if times == 1 else int(draw.integers(there))
        progress = min(1.0, (chosen if times == 1 else chosen * times / share) / CURRICULUM)
        text, samples = self.said(engine, chosen, int(FEWEST + progress * (MOST - FEWEST)))
        if draw.random() < 0.7:
            samples = augment.resampled(samples, RATE, float(np.clip(draw.normal(1, 0.07), 0.85, 1.17)))
        return text, samples


def with_pauses(text, draw):
    """Commas between some words, where a voice pauses."""
    return "".join(word + (", " if draw.random() < 0.2 else " ") for word in text.split()).strip(", ")
