"""Finds how much the language model should count, by word errors of the withheld utterances that training is judged by.

    python3 Plugins/Speech/training/tune.py --folder F --weights W

Writes `weight` and `bonus` into W/language_model.safetensors. Asks the plugin: run
`swift build -c release --package-path Plugins/Speech` before.
"""

import argparse
import pathlib

from safetensors.numpy import load_file, save_file

import train
import withheld
from errors import Rate
from evaluate import through_plugin
from normalise import normalised

WEIGHTS, BONUSES = (0.0, 0.35, 0.5, 0.65), (0.5, 1.0, 1.5, 2.0, 2.5)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--folder", required=True, type=pathlib.Path, help="of training")
    parser.add_argument("--weights", required=True, type=pathlib.Path)
    options = parser.parse_args()
    path = options.weights / "language_model.safetensors"
    made = withheld.utterances(options.folder, "development", train.DEV_COUNT, train.DEV_ENGINES, train.DEV_SEED)
    tensors = load_file(path)

    def write(weight, bonus):
        save_file(tensors, path, {"weight": str(weight), "bonus": str(bonus)})
        path.chmod(0o644)

    def errors(weight, bonus):
        write(weight, bonus)
        rate = Rate()
        for (_, text, *_), heard in zip(made, through_plugin(options.weights, made, live=False)):
            rate.add(text, normalised(heard))
        print(f"weight {weight} bonus {bonus}: {rate.percent():.1f}% word errors", flush=True)
        return rate.percent()

    best = min((errors(weight, bonus), weight, bonus) for weight in WEIGHTS for bonus in (BONUSES if weight else (0.0,)))
    write(*best[1:])


if __name__ == "__main__":
    main()
