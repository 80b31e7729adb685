"""Batches of utterances of like length, made ahead by processes of their own."""

import collections
import multiprocessing
import os
import queue
import signal
import time

import numpy as np

import augment
import features
import phonemes
import pieces
from sounds import CLEAN, CURRICULUM, Sounds
from texts import Texts

# Utterances that are sorted by length together.
GROUP = 128
# Frames of features in a batch, padding included.
FRAMES = 6400
SHORTEST, LONGEST = 0.3, 16.5
FACTOR = 8
# What a stream looks at, as the plugin has it: rows of a chunk, to the left and to the right; and others near it.
LIVE = (3, 64, 2)
ORDER = 3

# Logarithms of the mel spectrum, numbers of pieces and of phonemes, and the text.
Example = collections.namedtuple("Example", "rows pieces phonemes text", defaults=((), (), ""))
TARGETS = ("pieces", "phonemes")


def window(draw, number):
    """None where the whole utterance is seen, else the window of a stream. The first batches are easier."""
    if number < 10000 or draw.random() > 0.35:
        return None
    if draw.random() < 0.7:
        return LIVE
    return int(draw.integers(2, 9)), 64, int(draw.integers(0, 5))


def example(sounds, vocabulary, number):
    """An utterance; None where it is too short or too fast for the encoder."""
    text, samples, warp = sounds.utterance(number)
    ids = vocabulary.encode(text) if text else []
    frames = len(samples) // features.HOP
    rows = -(-frames // FACTOR)
    if not SHORTEST <= len(samples) / features.RATE <= LONGEST or pieces.rows_needed(ids) > 0.95 * rows:
        return None
    return Example(features.logarithms(samples, features.warped_mel(warp)), ids, phonemes.encode(text), text)


def batch(examples, seen, draw, augmented=True):
    """Features padded to `[utterances, frames, bands]` and what belongs to them."""
    lengths = [len(each.rows) for each in examples]
    made = np.zeros((len(examples), max(lengths), features.BANDS), np.float32)
    for place, each in enumerate(examples):
        rows = features.normalised(each.rows) if seen is None else features.live(each.rows, FACTOR, seen[0] + seen[2])
        made[place, : len(rows)] = augment.masked(rows, draw) if augmented else rows
    result = {"features": made, "lengths": np.array(lengths), "texts": [each.text for each in examples], "window": seen}
    for kind in TARGETS:
        told = [getattr(each, kind) for each in examples]
        result[kind] = np.array([number for numbers in told for number in numbers], np.int64)
        result[f"{kind}_counts"] = np.array([len(numbers) for numbers in told])
    return result


def group(sounds, vocabulary, index, seed, frames=FRAMES):
    """The batches of utterances GROUP · index and on."""
    draw = np.random.default_rng([seed, ORDER, index])
    found = [example(sounds, vocabulary, number) for number in range(index * GROUP, (index + 1) * GROUP)]
    found = sorted((each for each in found if each), key=lambda each: len(each.rows))
    # Many small steps first: the encoder learns where pieces are before it learns which.
    frames *= min(1.0, 0.35 + index * GROUP / CURRICULUM)
    cut, made = [], []
    for each in found:
        if cut and (len(cut) + 1) * len(each.rows) > frames:
            made.append(cut)
            cut = []
        cut.append(each)
    made.append(cut)
    first = index * GROUP
    return [batch(made[place], window(draw, first), draw, first > CLEAN) for place in draw.permutation(len(made))]


def produce(folder, seed, first, step, frames, nice, output):
    """Groups first, first + step, … into the queue, each as (index, batches)."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.nice(nice)
    sounds, vocabulary = Sounds(folder, Texts(folder), seed), pieces.Pieces(f"{folder}/tokenizer.json")
    parent = os.getppid()
    index = first
    while True:
        started = time.process_time()
        made = (index, group(sounds, vocabulary, index, seed, frames), time.process_time() - started)
        while True:
            if os.getppid() != parent:
                return
            try:
                output.put(made, timeout=5)
                break
            except queue.Full:
                pass
        index += step


class Batches:
    """Groups from a number on, in order, by so many processes."""

    def __init__(self, folder, seed, first, processes=1, frames=FRAMES, nice=0):
        context = multiprocessing.get_context("spawn")
        self.queues = [context.Queue(2) for _ in range(processes)]
        self.workers = [
            context.Process(target=produce, args=(str(folder), seed, first + place, processes, frames, nice, output), daemon=True)
            for place, output in enumerate(self.queues)]
        # Matrix products of one thread there; this process has set its own already.
        before = {name: os.environ.get(name) for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}
        os.environ.update(dict.fromkeys(before, "1"))
        for worker in self.workers:
            worker.start()
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
        self.first, self.processes = first, processes

    def __iter__(self):
        """(index of the group, its batches, processor seconds that they took)."""
        place = 0
        while True:
            try:
                made = self.queues[place % self.processes].get(timeout=5)
            except queue.Empty:
                if not self.workers[place % self.processes].is_alive():
                    raise SystemExit("batches: the process that makes them ended; its error is above")
                continue
            yield made
            place += 1

    def close(self):
        for worker in self.workers:
            worker.terminate()
