"""Trains the default encoder: a hybrid ViT-Tiny that names icons, emoji and the parts of phone screens.

    python3 Plugins/Vision/training/train.py --folder F --minutes 30 --size 64 --depth 0
    python3 Plugins/Vision/training/train.py --folder F --minutes 40 --size 128 --depth 12

F gets the Debian packages, the rendered icons and the checkpoints. The same command again goes on where the last one ended,
at any moment: by an interrupt, a signal or the end of its minutes. Those are of training at this size, all runs together; on a
processor they count while its threads have a core, so that other work and pauses cost the training nothing but time. Another
size or a greater depth goes on from what the last one learnt, with positions interpolated and blocks that change nothing yet.
"""

import argparse
import copy
import math
import os
import pathlib
import random as randoms
import signal
import time

# Threads that wait give their core to whoever else has work, so that a busy machine costs no more than its share: on two
# cores with three other programs at work it halves the time of a step. Read when PyTorch is loaded.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
os.environ.setdefault("GOMP_SPINCOUNT", "0")

import torch
from torch.nn import functional

import batches
import library
import slots
from model import Seer, load, resized_positions
from optimizer import optimizers

# What each slot's error counts; elements of the layout and places count little each, as there are many.
WEIGHTS = [{"kind": 0.2, "concept": 1.0, "colour": 0.15, "position": 0.1, "state": 0.1, "shapes": 0.3}.get(
    slot.name, 0.2 if slot.name.startswith("icon, ") else 0.06) for slot in slots.SLOTS]
CONCEPT = slots.INDEX["concept"]


def loss_of(scores, labels, teacher=None):
    """The weighted error of a batch, and the concept's alone. `teacher`'s scores take half of the say where given."""
    total, concept = 0.0, None
    for index, (own, weight) in enumerate(zip(scores, WEIGHTS)):
        target = labels[:, index]
        known = (target != slots.UNKNOWN).sum().clamp(min=1)
        error = functional.cross_entropy(own, target, ignore_index=slots.UNKNOWN, reduction="sum",
                                         label_smoothing=0.05 if index == CONCEPT else 0.0) / known
        if teacher is not None:
            distance = functional.kl_div(own.log_softmax(1), teacher[index].log_softmax(1), reduction="batchmean",
                                         log_target=True)
            error = 0.5 * (error + distance)
        if index == CONCEPT:
            concept = error.item()
        total = total + weight * error
    return total, concept


@torch.no_grad()
def accuracy(model, pictures, labels, device, top=(1, 5), size=64):
    """Share of pictures whose concept is among the likeliest ones, nothing not counted."""
    model.eval()
    hits = [0] * len(top)
    for first in range(0, len(pictures), size):
        scores = model(torch.from_numpy(pictures[first:first + size]).to(device))[CONCEPT][:, :-1]
        best = scores.topk(max(top), 1).indices.cpu()
        right = best == torch.from_numpy(labels[first:first + size, CONCEPT])[:, None]
        for index, most in enumerate(top):
            hits[index] += right[:, :most].any(1).sum().item()
    model.train()
    return [hit / len(pictures) for hit in hits]


def rate_at(progress, steps):
    """Of the peak: it warms up over 200 steps, stays, and falls to nothing over the last half."""
    return min(1.0, (steps + 1) / 200) * min(1.0, max(0.01, 2 * (1 - progress)))


class Run:
    """A model in training and all that a checkpoint holds."""

    def __init__(self, folder, options):
        self.folder, self.options, self.device = folder, options, torch.device(options.device)
        torch.manual_seed(options.seed)
        self.model = Seer(options.size, depth=options.depth).to(self.device)
        self.average = copy.deepcopy(self.model)
        self.optimizers = optimizers(self.model, options.rate)
        self.state = {"batches": 0, "pictures": 0, "steps": 0, "minutes": 0.0, "size": options.size,
                      "depth": options.depth, "best": 0.0, "seed": options.seed}
        self.path = folder / "checkpoint.pt"
        if self.path.exists():
            self._load(torch.load(self.path, map_location=self.device, weights_only=True))

    def _load(self, saved):
        state = saved["state"]
        if state["depth"] > self.options.depth:
            raise SystemExit(f"{self.path}: --depth should be {state['depth']} or more, found {self.options.depth}")
        same = (state["size"], state["depth"]) == (self.options.size, self.options.depth)
        for model, name in ((self.model, "model"), (self.average, "average")):
            # Another size or depth begins from the average of the last.
            weights = saved[name if same else "average"]
            weights["encoder.positions"] = resized_positions(weights["encoder.positions"], self.options.size)
            model.load_state_dict(model.state_dict() | weights)
        if same:
            for optimizer, each in zip(self.optimizers, saved["optimizers"]):
                optimizer.load_state_dict(each)
        else:
            state |= {"size": self.options.size, "depth": self.options.depth, "minutes": 0.0, "steps": 0, "best": 0.0}
        self.state = state

    def worked(self):
        """Minutes of work so far, from some beginning."""
        return (time.process_time() / self.options.threads if self.device.type == "cpu" else time.monotonic()) / 60

    def save(self):
        _write(self.path, {"model": self.model.state_dict(), "average": self.average.state_dict(), "state": self.state,
                           "optimizers": [each.state_dict() for each in self.optimizers]})

    def save_best(self):
        _write(self.folder / "best.pt", {"model": self.average.state_dict(), "state": self.state})

    def step(self, pictures, labels, teacher):
        pictures, labels = torch.from_numpy(pictures).to(self.device), torch.from_numpy(labels).to(self.device)
        progress = self.state["minutes"] / self.options.minutes
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = self.options.rate * rate_at(progress, self.state["steps"])
        with torch.no_grad():
            said = teacher(pictures) if teacher else None
        loss, concept = loss_of(self.model(pictures), labels, said)
        if not math.isfinite(loss.item()):
            raise SystemExit(f"the loss of batch {self.state['batches']} is {loss.item()}")
        for optimizer in self.optimizers:
            optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        for optimizer in self.optimizers:
            optimizer.step()
        self.state["batches"] += 1
        self.state["steps"] += 1
        self.state["pictures"] += len(pictures)
        share = min(self.options.average, 1 - 1 / (1 + self.state["steps"] / 10))
        with torch.no_grad():
            for mean, own in zip(self.average.state_dict().values(), self.model.state_dict().values()):
                if mean.is_floating_point():
                    mean.lerp_(own, 1 - share)
        return loss.item(), concept


def _write(path, content):
    """As a whole or not at all."""
    partial = path.with_suffix(".partial")
    torch.save(content, partial)
    os.replace(partial, path)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", required=True, type=pathlib.Path)
    parser.add_argument("--minutes", type=float, default=60, help="of training at this size, all runs together")
    parser.add_argument("--size", type=int, default=128, help="pixels of a picture's side, a multiple of 16")
    parser.add_argument("--batch", type=int, default=96)
    parser.add_argument("--rate", type=float, default=2e-3, help="the highest learning rate")
    parser.add_argument("--depth", type=int, default=12, help="blocks of the transformer")
    parser.add_argument("--scenes", type=float, default=0.2, help="share of the pictures that are of screens and shapes")
    parser.add_argument("--average", type=float, default=0.998, help="of the running mean of weights, which is what is kept")
    parser.add_argument("--workers", type=int, default=1, help="processes that compose pictures")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--teacher", type=pathlib.Path, help="a best.pt, to learn from as well")
    parser.add_argument("--every", type=float, default=3, help="minutes between checkpoints")
    parser.add_argument("--steps", type=int, help="of this run at most, for trials")
    options = parser.parse_args()

    torch.set_num_threads(options.threads)
    options.folder.mkdir(parents=True, exist_ok=True)
    held = library.open_library(options.folder, [*library.TRAINING, library.DEVELOPMENT])
    pictures, labels, _ = batches.withheld(held, library.DEVELOPMENT, options.size)
    run = Run(options.folder, options)
    teacher = None
    if options.teacher:
        teacher = load(options.teacher, options.size)[0].to(run.device)

    stopped = []
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, lambda *_: stopped.append(True))
    stream = batches.Batches(options.folder, run.state["batches"], options.workers, seed=run.state["seed"], size=options.batch,
                             side=options.size, scenes=options.scenes)
    torch.manual_seed(randoms.Random(run.state["batches"]).getrandbits(32))
    print(f"{sum(p.numel() for p in run.model.parameters()):,} parameters, {options.size} pixels, from batch "
          f"{run.state['batches']} after {run.state['minutes']:.1f} minutes", flush=True)

    def report(losses, seconds):
        run.save()
        first, five = accuracy(run.average, pictures, labels, run.device)
        if first >= run.state["best"]:
            run.state["best"] = first
            run.save_best()
        print(f"{run.state['minutes']:6.1f} min  {run.state['pictures']:8d} pictures  loss {mean(p[0] for p in losses):.3f} "
              f"(concept {mean(p[1] for p in losses):.3f})  {len(losses) * options.batch / seconds:.1f} "
              f"pictures/s  {library.DEVELOPMENT}: top-1 {first:.1%} top-5 {five:.1%}", flush=True)

    losses, began, done = [], time.monotonic(), 0
    last = run.worked()
    while not stopped and run.state["minutes"] < options.minutes and done != options.steps:
        losses.append(run.step(*next(stream), teacher))
        done += 1
        now = run.worked()
        run.state["minutes"] += now - last
        last = now
        seconds = time.monotonic() - began
        if seconds > 60 * options.every:
            report(losses, seconds)
            losses, began, last = [], time.monotonic(), run.worked()
    stream.close()
    if losses:
        report(losses, time.monotonic() - began)
    if stopped:
        raise SystemExit(130)


def mean(values):
    values = list(values)
    return sum(values) / len(values)


if __name__ == "__main__":
    main()
