"""Word errors of exported weights on utterances that training never saw, through the plugin and in PyTorch, whole and live.

    python3 Plugins/Speech/training/evaluate.py --folder F --weights W [--count N] [--engines …] [--sphinx]

F is the folder of training, where the texts are and the utterances are kept; W what export.py wrote. Builds no plugin: run
`swift build -c release --package-path Plugins/Speech` before. With --sphinx PocketSphinx (PyPI) hears the same files.
"""

import argparse
import collections
import pathlib
import subprocess
import tempfile

import numpy as np
import soundfile
import torch
from safetensors.torch import load_file

import batches
import checkpoint
import export
import features
import model as encoder
import pieces
import voices
import withheld
from errors import Rate
from normalise import normalised

SEED = 3
PROBE = pathlib.Path(__file__).parents[1] / ".build" / "release" / "speech-probe"


def in_pytorch(net, vocabulary, made, window):
    """What the model hears in each file, one by one."""
    heard = []
    with torch.inference_mode():
        for path, *_ in made:
            rows = features.logarithms(soundfile.read(path, dtype="float32")[0])
            batch = batches.batch([batches.Example(rows)], window, None, augmented=False)
            log, _ = encoder.log_probabilities(
                net, torch.from_numpy(batch["features"]), torch.from_numpy(batch["lengths"]), window)
            heard.append(vocabulary.decode(log[0].argmax(-1).tolist()))
    return heard


def through_plugin(weights, made, live, beam=None):
    """What the plugin writes down of each file; live in blocks of 20 ms, whole with a beam of its own choice or a given one."""
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as listed:
        listed.write("".join(f"{path}\n" for path, *_ in made))
        listed.flush()
        command = [PROBE, weights, listed.name, "--list", "audio/flac", *(["--live", "20"] if live else []),
                   *(["--beam", str(beam)] if beam else [])]
        answer = subprocess.run(command, capture_output=True, text=True, check=True)
    return answer.stdout.split("\n")[: len(made)]


def by_sphinx(made):
    from pocketsphinx import Decoder

    decoder = Decoder(samprate=features.RATE, loglevel="FATAL")
    heard = []
    for path, *_ in made:
        samples = soundfile.read(path, dtype="int16")[0]
        decoder.start_utt()
        decoder.process_raw(samples.tobytes(), full_utt=True)
        decoder.end_utt()
        heard.append(decoder.hyp().hypstr if decoder.hyp() else "")
    return heard


def table(title, made, systems, key):
    """Percent of words wrong, a row for each value of the key."""
    names = list(systems)
    print(f"\n| {title} | words | {' | '.join(names)} |\n|{'---|' * (2 + len(names))}")
    groups = collections.defaultdict(list)
    for place, each in enumerate(made):
        groups[key(each)].append(place)
    for value, places in groups.items():
        rates = []
        for heard in systems.values():
            rate = Rate()
            for place in places:
                rate.add(made[place][1], normalised(heard[place]))
            rates.append(rate)
        print(f"| {value} | {rates[0].words} | {' | '.join(f'{rate.percent():.1f}' for rate in rates)} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--folder", required=True, type=pathlib.Path)
    parser.add_argument("--weights", required=True, type=pathlib.Path)
    parser.add_argument("--count", type=int, default=140, help="utterances of each engine")
    parser.add_argument("--engines", nargs="+", default=list(voices.EVALUATION), choices=list(voices.EVALUATION))
    parser.add_argument("--sphinx", action="store_true", help="PocketSphinx too")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    if not PROBE.exists():
        raise SystemExit(f"{PROBE}: not there: swift build -c release --package-path Plugins/Speech")
    vocabulary = pieces.Pieces(options.weights / "tokenizer.json")
    made = withheld.utterances(options.folder, "test", options.count, options.engines, SEED)
    net, _ = checkpoint.best(options.folder, vocabulary)
    systems = {}
    systems["whole, plugin"] = through_plugin(options.weights, made, False)
    systems["without the language model"] = through_plugin(options.weights, made, False, beam=1)
    systems["the same, PyTorch float32"] = in_pytorch(net, vocabulary, made, None)
    systems["live, plugin"] = through_plugin(options.weights, made, True)
    systems["live, PyTorch float32"] = in_pytorch(net, vocabulary, made, batches.LIVE)
    stored = export.dequantised(load_file(options.weights / "model.safetensors"))
    net.load_state_dict(stored, strict=False)
    systems["without it, PyTorch int8"] = in_pytorch(net, vocabulary, made, None)
    if options.sphinx:
        systems["PocketSphinx"] = by_sphinx(made)
    seconds = sum(soundfile.info(path).duration for path, *_ in made)
    print(f"{len(made)} utterances, {seconds / 60:.0f} minutes, seed {SEED}")
    table("all", made, systems, lambda each: "all")
    table("engine", made, systems, lambda each: each[2])
    table("voice", made, systems, lambda each: f"{each[2]} {each[3]}")
    table("heard", made, systems, lambda each: each[4])
    table("length", made, systems, lambda each: f"{min(10, len(each[1].split()) // 3 * 3)} words and more")
    print("\n| said | heard, whole, plugin |\n|---|---|")
    draw = np.random.default_rng(SEED)
    for place in draw.permutation(len(made))[:12]:
        print(f"| {made[place][1]} | {systems['whole, plugin'][place]} |")


if __name__ == "__main__":
    main()
