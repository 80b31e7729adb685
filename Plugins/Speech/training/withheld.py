"""Utterances that training never sees: other texts, other templates, other voices. All from a seed."""

import pathlib

import numpy as np
import soundfile

import augment
import grammar
import texts
import voices
from features import RATE

# How an utterance is heard.
CLEAN, NOISY, TELEPHONE, TELEPHONE_NOISY = "clean", "noisy", "telephone", "noisy telephone"
CONDITIONS = (CLEAN, NOISY, TELEPHONE, TELEPHONE_NOISY)
# Domain of the seed.
WITHHELD = 4


def lines(folder):
    """Sentences of the withheld sources, of 3 to 15 words."""
    names = [name for name, source in texts.SOURCES.items() if source[3] is None]
    found = [line for name in names for line in (pathlib.Path(folder) / "texts" / f"{name}.txt").read_text().splitlines()]
    return [line for line in found if 3 <= len(line.split()) <= 15]


def on_the_line(samples, draw, condition):
    """Samples as they are heard: in grey noise of 5 to 20 dB, through a telephone's band and µ-law."""
    level = float(np.sqrt(np.mean(samples**2)) + 1e-6)
    if condition in (NOISY, TELEPHONE_NOISY):
        count = len(samples)
        frequencies = np.arange(count // 2 + 1) * (RATE / count)
        shape = np.maximum(frequencies, 40) ** -draw.uniform(0, 0.8)
        made = np.fft.irfft(np.fft.rfft(draw.standard_normal(count)) * shape, count)
        samples = samples + made * (level / np.sqrt(np.mean(made**2)) * augment.decibels(-draw.uniform(5, 20)))
    if condition in (TELEPHONE, TELEPHONE_NOISY):
        padded = np.pad(samples, (0, -len(samples) % 4)).astype(np.float32)
        frequencies = np.arange(len(padded) // 2 + 1) * (RATE / len(padded))
        narrow = np.fft.irfft(np.fft.rfft(padded) * augment.band(draw, frequencies), len(padded)).astype(np.float32)
        narrow /= max(1e-6, np.abs(narrow).max()) * 1.5
        samples = augment.companded(narrow, np.random.default_rng(draw.integers(1 << 30)))[: len(samples)]
    samples = samples * (0.5 / max(1e-6, np.abs(samples).max()))
    return (np.round(samples * 32767) / 32767).astype(np.float32)


def utterances(folder, kind, count, engines, seed):
    """A list of `count` for each engine of (path of a FLAC file, text, engine, voice, condition); files are kept."""
    place = pathlib.Path(folder) / kind
    place.mkdir(parents=True, exist_ok=True)
    said, speaker, found = lines(folder), voices.Voices(), []
    for engine in engines:
        # The same utterances, whichever engines there are beside it.
        number, names = list(voices.EVALUATION).index(engine), voices.EVALUATION[engine]
        for index in range(count):
            draw = np.random.default_rng([seed, WITHHELD, number, index])
            text = grammar.sentence(draw, evaluation=True) if draw.random() < 0.5 else said[draw.integers(len(said))]
            voice, condition = names[index % len(names)], CONDITIONS[index // len(names) % len(CONDITIONS)]
            path = place / f"{seed}-{engine}-{index}.flac"
            if not path.exists():
                samples, rate = speaker.say(engine, voice, text, draw)
                samples = augment.resampled(voices.trimmed(samples, rate, draw), rate)
                partial = path.with_suffix(".part")
                soundfile.write(partial, on_the_line(samples, draw, condition), RATE, "PCM_16", format="FLAC")
                partial.replace(path)
            found.append((path, text, engine, voice, condition))
    return found
