"""The language model of pieces that the plugin's search weighs what it hears by: interpolated n-grams
(Kneser and Ney, 1995), of the texts of training alone.

    python3 Plugins/Speech/training/language.py --folder F

writes F/language_model.safetensors. A node of order n is n pieces in a row; the nodes that follow one with another piece stand
together, by piece. The vocabulary's blank stands for the beginning of an utterance. Of each order n

    n.pieces     [nodes]         I16, the last piece
    n.logs       [nodes, 2]      I16, the logarithm of the last piece's probability after those before it, and of the weight of
                                 the shorter context where none of its nodes fits, times 400
    n.children   [nodes + 1]     I32, the first node of order n + 1 that follows; not of the highest order
"""

import argparse
import collections
import math
import pathlib

import numpy as np
from safetensors.numpy import save_file

import pieces
from texts import LONGEST, Texts

ORDER = 5
DISCOUNT = 0.8
# How often at least a node of an order stands; what is rarer is left to its shorter one.
LEAST = {2: 2, 3: 6, 4: 9, 5: 10}
SEED, UTTERANCES = 11, 200_000
# Logarithms are stored in these parts of a unit.
PARTS, LEAST_LOG = 400, -80.0


def sequences(texts, vocabulary, utterances):
    """All sentences of the sources, and so many drawn utterances."""
    for lines in texts.sources.values():
        for line in lines:
            yield vocabulary.encode(line)
    draw = np.random.default_rng(SEED)
    for _ in range(utterances):
        yield vocabulary.encode(texts.draw(draw, LONGEST))


def counted(found, start):
    """Of each order the n-grams and how often they stand, those that begin an utterance after its mark."""
    counts = [collections.Counter() for _ in range(ORDER + 1)]
    for ids in found:
        row = (start, *ids)
        for order in range(1, ORDER + 1):
            counts[order].update(row[place - order + 1 : place + 1] for place in range(order - 1, len(row)))
    return counts


def lower(counts):
    """Of each order but the highest in how many contexts an n-gram stands; what begins an utterance has but one."""
    result = list(counts)
    for order in range(1, ORDER):
        made = collections.Counter(gram[1:] for gram in counts[order + 1])
        for gram, count in counts[order].items():
            if gram not in made:
                made[gram] = count
        result[order] = made
    return result


def estimated(counts, start, size):
    """Of each order {n-gram: probability}, and {context: weight of the shorter one}."""
    told, counts = counts, lower(counts)
    total = sum(count for gram, count in counts[1].items() if gram[0] != start)
    even = 1 / size
    # Every piece may come.
    probabilities = [None, {(piece,): 0.999 * counts[1].get((piece,), 0) / total + 0.001 * even for piece in range(size)}]
    weights = [None]
    for order in range(2, ORDER + 1):
        sums, kinds = collections.Counter(), collections.Counter()
        for gram, count in counts[order].items():
            sums[gram[:-1]] += count
            kinds[gram[:-1]] += 1
        kept = {}
        for gram, count in counts[order].items():
            # A node's context is one too.
            if told[order][gram] >= LEAST[order] and (order == 2 or gram[:-1] in probabilities[order - 1]):
                context = gram[:-1]
                kept[gram] = ((count - DISCOUNT) + DISCOUNT * kinds[context] * likelihood(
                    gram[1:], probabilities, weights)) / sums[context]
        probabilities.append(kept)
        spent, shorter = collections.Counter(), collections.Counter()
        for gram, value in kept.items():
            spent[gram[:-1]] += value
            shorter[gram[:-1]] += likelihood(gram[1:], probabilities[:order], weights)
        weights.append({context: max(1e-6, 1 - spent[context]) / max(1e-6, 1 - shorter[context]) for context in spent})
    return probabilities, weights


def likelihood(gram, probabilities, weights):
    """Of a gram's last piece after those before it, by nodes of at most as many orders as there are."""
    factor = 1.0
    while True:
        order = len(gram)
        if order < len(probabilities) and gram in probabilities[order]:
            return factor * probabilities[order][gram]
        context = gram[:-1]
        if order - 1 < len(weights) and weights[order - 1]:
            factor *= weights[order - 1].get(context, 1.0)
        gram = gram[1:]


def tensors(probabilities, weights, start):
    made, nodes = {}, [(piece,) for piece in range(start + 1)]
    for order in range(1, ORDER + 1):
        known = probabilities[order]
        log = lambda gram: math.log(known[gram]) if gram in known else LEAST_LOG
        backs = weights[order] if order < len(weights) else {}
        made[f"{order}.pieces"] = np.array([gram[-1] for gram in nodes], np.int16)
        logs = np.array([(log(gram), math.log(backs.get(gram, 1.0))) for gram in nodes])
        made[f"{order}.logs"] = np.round(PARTS * logs.clip(LEAST_LOG, -LEAST_LOG)).astype(np.int16)
        if order < ORDER:
            children = collections.defaultdict(list)
            for gram in probabilities[order + 1]:
                children[gram[:-1]].append(gram)
            following, first = [], [0]
            for gram in nodes:
                following += sorted(children[gram])
                first.append(len(following))
            made[f"{order}.children"] = np.array(first, np.int32)
            nodes = following
    return made


def lay(folder, texts, vocabulary, utterances=UTTERANCES):
    """Makes FOLDER/language_model.safetensors."""
    counts = counted(sequences(texts, vocabulary, utterances), vocabulary.blank)
    made = tensors(*estimated(counts, vocabulary.blank, vocabulary.count), vocabulary.blank)
    path = pathlib.Path(folder) / "language_model.safetensors"
    save_file(made, path)
    path.chmod(0o644)
    print(f"{path}: {', '.join(str(len(made[f'{order}.pieces'])) for order in range(1, ORDER + 1))} nodes, "
          f"{path.stat().st_size / 1e6:.1f} MB")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--folder", required=True, type=pathlib.Path, help="of training")
    options = parser.parse_args()
    lay(options.folder, Texts(options.folder), pieces.Pieces(options.folder / "tokenizer.json"))


if __name__ == "__main__":
    main()
