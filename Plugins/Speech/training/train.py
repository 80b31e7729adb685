"""Trains the default speech encoder, from nothing or from where it was.

    python3 Plugins/Speech/training/train.py --folder F [--minutes N]

F keeps texts, sounds, state.pt (to go on from, at any moment) and best.pt (least word errors so far). The rate of learning and
the depth follow the share of N minutes that was spent, over all runs in F. See "Training" in Plugins/Speech/README.md.
"""

import os

# Threads that wait sleep, so that what else runs gets on. Read when torch is loaded.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import argparse
import copy
import ctypes
import pathlib
import signal
import sys
import time

import soundfile
import torch

import batches
import features
import model as encoder
import phonemes
import pieces
import texts
import withheld
from errors import Rate

# From a share of the time on, so many blocks.
DEPTHS = ((0.0, 5), (0.35, 10))
WARMING, REWARMING = 200, 100
# The rate of learning falls from here on.
COOLING = 0.6
AVERAGE = 0.998
# What the phonemes count.
MIDDLE = 0.4
SAVED_EVERY, TOLD_EVERY = 180, 30
LONGEST_STEP = 20
DEV_SEED, DEV_COUNT, DEV_ENGINES = 2, 32, ("espeak", "flite", "pico")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--folder", required=True, type=pathlib.Path, help="where everything is kept")
    parser.add_argument("--minutes", type=float, default=240, help="of training in all; standard 240")
    parser.add_argument("--stop-after", type=float, default=float("inf"), help="minutes after which this run ends, to be resumed")
    parser.add_argument("--steps", type=float, default=float("inf"), help="steps after which this run ends")
    parser.add_argument("--width", type=int, default=224)
    parser.add_argument("--blocks", type=int, help="blocks throughout; standard: more as time goes")
    parser.add_argument("--rate", type=float, default=1.5e-3, help="greatest rate of learning")
    parser.add_argument("--frames", type=int, default=batches.FRAMES, help="frames of a batch")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--processes", type=int, default=1, help="that make batches")
    parser.add_argument("--evaluate-every", type=float, default=10, help="minutes")
    parser.add_argument("--teacher", type=pathlib.Path, help="a ParakeetForCTC checkpoint of the same pieces to learn from too")
    return parser.parse_args()


def optimiser(net, rate):
    """Matrices are drawn to zero a little; norms and biases are not."""
    matrices = [p for p in net.parameters() if p.dim() > 1]
    others = [p for p in net.parameters() if p.dim() <= 1]
    return torch.optim.AdamW([{"params": matrices, "weight_decay": 0.02}, {"params": others, "weight_decay": 0.0}],
                             lr=rate, betas=(0.9, 0.98), eps=1e-8, fused=True)


class Training:
    """All that is kept: weights, their running average, the optimiser, and how far it is."""

    def __init__(self, options, vocabulary):
        self.options, self.vocabulary = options, vocabulary
        self.path = options.folder / "state.pt"
        self.step = self.group = 0
        self.seconds, self.best = 0.0, float("inf")
        # The step from which the rate of learning rises, and over how many.
        self.since, self.warming = 0, WARMING
        state = torch.load(self.path, map_location="cpu", weights_only=True) if self.path.exists() else None
        blocks, width = (state["blocks"], state["width"]) if state else (self.depth(), options.width)
        self.build(encoder.new(encoder.configuration(vocabulary.count, width, blocks), options.seed))
        if state:
            if state["seed"] != options.seed or state["pieces"] != vocabulary.count:
                raise SystemExit(f"{self.path}: seed and pieces should be {options.seed} and {vocabulary.count}, found "
                                 f"{state['seed']} and {state['pieces']}: take another --folder")
            self.net.load_state_dict(state["net"])
            self.average.load_state_dict(state["average"])
            self.optimiser.load_state_dict(state["optimiser"])
            for name in ("step", "group", "seconds", "best", "since", "warming"):
                setattr(self, name, state[name])

    def build(self, net):
        self.net = net.to(self.options.device).train()
        self.average = copy.deepcopy(self.net).eval().requires_grad_(False)
        self.optimiser = optimiser(self.net, self.options.rate)

    @property
    def share(self):
        return min(1.0, self.seconds / (60 * self.options.minutes))

    def depth(self):
        return self.options.blocks or [blocks for start, blocks in DEPTHS if start <= self.share][-1]

    def deepen(self):
        """More blocks, where it is time for them."""
        have = self.net.config.encoder_config.num_hidden_layers
        if self.depth() > have:
            self.build(encoder.grown(self.net.cpu(), self.depth(), self.options.seed))
            self.since, self.warming = self.step, REWARMING
            print(f"{have} blocks become {self.depth()}", flush=True)

    def rate(self):
        warm = min(1.0, (self.step - self.since + 1) / self.warming)
        return self.options.rate * warm * min(1.0, max(0.02, (1 - self.share) / (1 - COOLING)))

    def learn(self, batch, teacher=None):
        """One step; returns nats for each piece and for each phoneme."""
        batch = moved(batch, self.options.device)
        middle, last, rows = encoder.log_probabilities(
            self.net, batch["features"], batch["lengths"], batch["window"], middle=True)
        loss = encoder.ctc(last, rows, batch["pieces"], batch["pieces_counts"], self.vocabulary.blank)
        sounds = encoder.ctc(middle, phonemes.TIMES * rows, batch["phonemes"], batch["phonemes_counts"], phonemes.BLANK)
        whole = (1 - MIDDLE) * loss + MIDDLE * sounds
        if teacher is not None:
            with torch.no_grad():
                told, _ = encoder.log_probabilities(teacher, batch["features"], batch["lengths"])
            valid = torch.arange(told.shape[1], device=rows.device)[None] < rows[:, None]
            whole = 0.5 * whole + 0.5 * ((told.exp() * (told - last)).sum(-1) * valid).sum() / max(1, len(batch["pieces"]))
        whole.backward()
        torch.nn.utils.clip_grad_norm_(self.net.parameters(), 1.0)
        for group in self.optimiser.param_groups:
            group["lr"] = self.rate()
        self.optimiser.step()
        self.optimiser.zero_grad()
        self.step += 1
        follow(self.average, self.net, min(AVERAGE, self.step / (self.step + 20)))
        return torch.stack([loss.detach(), sounds.detach()]).cpu()

    def save(self):
        written(self.path, {
            "net": self.net.state_dict(), "average": self.average.state_dict(), "optimiser": self.optimiser.state_dict(),
            "step": self.step, "group": self.group, "seconds": self.seconds, "best": self.best,
            "since": self.since, "warming": self.warming,
            "blocks": self.net.config.encoder_config.num_hidden_layers, "width": self.net.config.encoder_config.hidden_size,
            "seed": self.options.seed, "pieces": self.vocabulary.count})

    def judge(self, heard):
        """Word errors of the average on the withheld utterances, whole and live; the best weights are kept."""
        rates = [word_errors(self.average, self.vocabulary, heard, window, self.options.device)
                 for window in (None, batches.LIVE)]
        mean = sum(rates) / 2
        print(f"step {self.step}: {rates[0]:.1f}% word errors whole, {rates[1]:.1f}% live, on withheld voices and texts",
              flush=True)
        if mean < self.best:
            self.best = mean
            config = self.average.config.encoder_config
            written(self.options.folder / "best.pt", {
                "net": self.average.state_dict(), "blocks": config.num_hidden_layers, "width": config.hidden_size,
                "step": self.step, "seconds": self.seconds, "errors": rates})


def moved(batch, device):
    names = [f"{kind}{of}" for kind in batches.TARGETS for of in ("", "_counts")]
    made = {name: torch.from_numpy(batch[name]).to(device) for name in ("features", "lengths", *names)}
    return made | {"window": batch["window"]}


@torch.no_grad()
def follow(average, net, share):
    """The running average of weights; of running moments and counts the newest."""
    for old, new in zip(average.parameters(), net.parameters()):
        old.lerp_(new, 1 - share)
    for old, new in zip(average.buffers(), net.buffers()):
        old.copy_(new)


def written(path, state):
    partial = path.with_suffix(".part")
    torch.save(state, partial)
    partial.replace(path)


@torch.inference_mode()
def word_errors(net, vocabulary, heard, window=None, device="cpu"):
    """Percent of the words of [(text, logarithms of the mel spectrum)]."""
    rate = Rate()
    ordered = sorted(heard, key=lambda each: len(each[1]))
    for start in range(0, len(ordered), 16):
        part = ordered[start : start + 16]
        batch = moved(batches.batch([batches.Example(rows) for _, rows in part], window, None, augmented=False), device)
        log, rows = encoder.log_probabilities(net, batch["features"], batch["lengths"], window)
        for best, count, (text, _) in zip(log.argmax(-1).tolist(), rows.tolist(), part):
            rate.add(text, vocabulary.decode(best[:count]))
    return rate.percent()


def development(folder):
    """Withheld utterances that training is judged by."""
    made = withheld.utterances(folder, "development", DEV_COUNT, DEV_ENGINES, DEV_SEED)
    return [(text, features.logarithms(soundfile.read(path, dtype="float32")[0])) for path, text, *_ in made]


def keep_memory():
    """Large tensors come and go with every step: what was freed is kept, not handed back and cleared anew."""
    library = ctypes.CDLL(None)
    if hasattr(library, "mallopt"):
        library.mallopt(-3, 1 << 30)
        library.mallopt(-1, (1 << 31) - 1)


def main():
    options = arguments()
    keep_memory()
    torch.set_num_threads(options.threads)
    torch.set_flush_denormal(True)
    options.folder.mkdir(parents=True, exist_ok=True)
    texts.lay(options.folder)
    vocabulary = pieces.lay(options.folder, texts.Texts(options.folder))
    heard = development(options.folder)
    training = Training(options, vocabulary)
    teacher = None
    if options.teacher:
        teacher = encoder.ParakeetForCTC.from_pretrained(options.teacher).eval().to(options.device)
        if teacher.config.vocab_size != vocabulary.count + 1:
            raise SystemExit(f"{options.teacher}: vocab_size should be {vocabulary.count + 1}, found {teacher.config.vocab_size}")
    stopped = []
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: stopped.append(True))
    size = sum(p.numel() for p in training.net.parameters()) / 1e6
    print(f"{size:.1f} million weights, step {training.step}, {training.seconds / 60:.0f} of {options.minutes:.0f} minutes",
          flush=True)

    source = batches.Batches(options.folder, options.seed, training.group, options.processes, options.frames)
    begun = clock = told = saved = judged = time.monotonic()
    first, loss, sound, count, waited, steps = training.step, torch.zeros(2), 0.0, 0, 0.0, 0
    groups = iter(source)
    while not stopped and training.share < 1:
        training.deepen()
        start = time.monotonic()
        training.group, made, _ = next(groups)
        waited += time.monotonic() - start
        for batch in made:
            loss += training.learn(batch, teacher)
            sound += batch["lengths"].sum() * features.HOP / features.RATE
            count += len(batch["lengths"])
            steps += 1
            now = time.monotonic()
            # A process that was stopped for a while has not trained meanwhile.
            training.seconds += min(now - clock, LONGEST_STEP)
            clock = now
            if now - told > TOLD_EVERY:
                print(f"step {training.step} group {training.group} loss {loss[0] / steps:.3f} phonemes {loss[1] / steps:.3f} rate {training.rate():.2e} "
                      f"sound {sound / (now - told):.1f} s/s utterances {count / (now - told):.1f}/s "
                      f"waited {100 * waited / (now - told):.0f}% minutes {training.seconds / 60:.1f}", flush=True)
                told, loss, sound, count, waited, steps = now, torch.zeros(2), 0.0, 0, 0.0, 0
            if stopped or training.step - first >= options.steps or now - begun > 60 * options.stop_after:
                stopped.append(True)
                break
        else:
            training.group += 1
        if time.monotonic() - saved > SAVED_EVERY:
            training.save()
            saved = time.monotonic()
        if time.monotonic() - judged > 60 * options.evaluate_every:
            training.judge(heard)
            judged = clock = time.monotonic()
    source.close()
    training.judge(heard)
    training.save()


if __name__ == "__main__":
    sys.exit(main())
