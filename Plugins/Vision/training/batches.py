"""Batches composed ahead by a process of their own."""

import multiprocessing
import os
import queue as queues
import random as randoms
import signal

import numpy as np

import library
from pictures import compose, icon, mixture


def batch(number, seed, pictures, size, side, scenes):
    """Of batch `number` the pictures, uint8 [size, side, side, 3], and labels [size, slots]."""
    mix = mixture(scenes)
    made = [compose(f"{seed} {number} {each}", pictures, side, mix) for each in range(size)]
    return np.stack([pixels for pixels, _ in made]), np.array([labels for _, labels in made])


def _make(folder, first, step, queue, arguments):
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = os.getppid()
    pictures = library.open_library(folder)
    number = first
    while os.getppid() == parent:
        queue.put((number, *batch(number, arguments["seed"], pictures, *(arguments[k] for k in ("size", "side", "scenes")))))
        number += step


class Batches:
    """Those from number `first` on, in order."""

    def __init__(self, folder, first, workers=1, ahead=6, **arguments):
        context = multiprocessing.get_context("spawn")
        self.next = first
        self.queues = [context.Queue(max(2, ahead // workers)) for _ in range(workers)]
        self.processes = [
            context.Process(target=_make, args=(folder, first + index, workers, queue, arguments), daemon=True)
            for index, queue in enumerate(self.queues)]
        self.first, self.workers = first, workers
        for process in self.processes:
            process.start()

    def __next__(self):
        while True:
            try:
                number, *rest = self.queues[(self.next - self.first) % self.workers].get(timeout=30)
                break
            except queues.Empty:
                if not all(process.is_alive() for process in self.processes):
                    raise SystemExit("the process that composes pictures ended; its message is above") from None
        assert number == self.next
        self.next += 1
        return rest

    def close(self):
        for process in self.processes:
            process.terminate()


def withheld(pictures, theme, side):
    """Every drawing of a theme alone on a plain background: pictures, labels, numbers of the icons."""
    numbers = [number for number, each in enumerate(pictures.icons) if each.theme == theme and each.concept in pictures.concepts]
    made = [icon(randoms.Random(f"{theme} {number}"), pictures, side, plainly=True, number=number) for number in numbers]
    return np.stack([np.asarray(image) for image, _ in made]), np.array([labels for _, labels in made]), numbers
