"""Trains the gate of a plugin that makes text or soft tokens, to tell what a message is about from what it has no use for.

    python3 train_relevance.py --gatehouse HOST --decoder MODEL --about picture --registry registry.json --plugin ID \\
        --parts PARTS.jsonl --output gate.safetensors

HOST is the host's executable, MODEL a GGUF file or the folder of a checkpoint. Each line of PARTS.jsonl is a part as the plugin encoded it, with messages that
only this part answers:

    {"segments": […], "asks": ["When does the train to Lyon leave?"]}

where `segments` are those that `gatehouse encode --json` prints; what the registry has as the plugin's `prompt` is put around
them. Beside these, messages.py knows what people write about any
picture or sound, and what they write beside one without meaning it. Messages and parts that are withheld from training tell how
well the gate separates: the share of pairs in which what is relevant weighs more (AUC).
"""

import argparse
import json
import pathlib
import random

import torch
import torch.nn.functional as functional

import messages
from decoder_rows import DecoderRows
from gate import EarlyGate, Gate, save

# Of the parts, and of the messages that only one part answers.
WITHHELD = 0.25


class Part:
    def __init__(self, decoder, fields):
        means = [segment_mean(decoder, segment) for segment in fields["segments"]]
        self.means = [mean for mean in means if mean is not None]
        self.asks = fields.get("asks", [])


def texts_of(segment):
    if segment["kind"] == "text":
        return [segment["text"]]
    return [piece["text"] for slot in segment.get("slots", []) for piece in slot]


def prompt_of(registry, plugin):
    prompts = {each["id"]: each.get("prompt", "{output}") for each in json.loads(registry.read_text())["plugins"]}
    if plugin not in prompts:
        raise SystemExit(f"{registry}: expected a plugin {plugin}, found {', '.join(prompts)}")
    return prompts[plugin]


def wrap(segment, prompt):
    """As the host puts a text or soft tokens into the prompt."""
    if segment["kind"] == "text":
        segment["text"] = prompt.replace("{output}", segment["text"], 1)
    elif segment["kind"] == "soft" and segment["slots"]:
        before, _, after = prompt.partition("{output}")
        certain = lambda text: [[{"text": text, "p": 1.0}]] if text else []
        segment["slots"] = certain(before) + segment["slots"] + certain(after)


def segment_mean(decoder, segment):
    if segment["kind"] == "text":
        return decoder.text_mean(segment["text"])
    if segment["kind"] == "soft":
        return decoder.soft_mean([[(piece["text"], piece["p"]) for piece in slot] for slot in segment["slots"]])
    raise SystemExit(f"expected segments of text or soft tokens, found {segment['kind']}")


def pairs(decoder, parts, about, withheld, count, seed):
    """s [n, hidden], t [n, hidden], whether t is about s [n], and whether it names what only one part has [n]."""
    draw = random.Random(f"pairs {seed}")
    relevant, unrelated = messages.draw(about, withheld, count, seed)
    found = []
    for general, other in zip(relevant, unrelated):
        part = draw.choice(parts)
        found.append((part, general, 1.0, False))
        found.append((draw.choice(parts), other, 0.0, False))
        stranger = draw.choice(parts)
        if part.asks and stranger is not part:
            ask = draw.choice(part.asks)
            found.append((part, ask, 1.0, True))
            if ask not in stranger.asks:
                found.append((stranger, ask, 0.0, True))
    decoder.learn([text for _, text, *_ in found])
    s = torch.stack([draw.choice(part.means) for part, *_ in found])
    t = torch.stack([decoder.text_mean(text) for _, text, *_ in found])
    return s, t, torch.tensor([label for *_, label, _ in found]), torch.tensor([named for *_, named in found])


def fit(inputs, labels, steps, rate, decay):
    """Logistic regression: weight and bias."""
    weight = torch.zeros(inputs.shape[1], requires_grad=True)
    bias = torch.zeros(1, requires_grad=True)
    optimizer = torch.optim.AdamW([{"params": [weight], "weight_decay": decay}, {"params": [bias], "weight_decay": 0.0}], lr=rate)
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = rate * (1 - step / steps)
        loss = functional.binary_cross_entropy_with_logits(inputs @ weight + bias, labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return weight.detach(), bias.detach()


def auc(scores, labels):
    """The share of pairs of one of each kind in which the relevant one has the greater score; ties count half."""
    relevant, other = scores[labels == 1], scores[labels == 0]
    difference = relevant[:, None] - other[None]
    return ((difference > 0).float() + 0.5 * (difference == 0).float()).mean().item()


def describe(weights, labels, threshold=0.05):
    relevant, other = weights[labels == 1], weights[labels == 0]
    return {
        "auc": round(auc(weights, labels), 4), "pairs": len(labels),
        "relevant": {"median": round(relevant.median().item(), 3), "dropped": round((relevant < threshold).float().mean().item(), 4)},
        "irrelevant": {"median": round(other.median().item(), 3), "dropped": round((other < threshold).float().mean().item(), 4)},
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--gatehouse", required=True, help="the host's executable")
    parser.add_argument("--decoder", required=True, help="a GGUF file, or the folder of a checkpoint")
    parser.add_argument("--about", required=True, choices=sorted(messages.ABOUT))
    parser.add_argument("--parts", required=True, type=pathlib.Path, help="encoded parts, a JSON object a line")
    parser.add_argument("--registry", required=True, type=pathlib.Path)
    parser.add_argument("--plugin", required=True, help="its id in the registry")
    parser.add_argument("--output", default="gate.safetensors")
    parser.add_argument("--pairs", type=int, default=4000)
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--rate", type=float, default=0.02)
    parser.add_argument("--decay", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()

    torch.manual_seed(options.seed)
    decoder = DecoderRows(options.decoder, options.gatehouse)
    lines = [json.loads(line) for line in options.parts.read_text().splitlines() if line.strip()]
    prompt = prompt_of(options.registry, options.plugin)
    for segment in (segment for fields in lines for segment in fields["segments"]):
        wrap(segment, prompt)
    decoder.learn([text for fields in lines for segment in fields["segments"] for text in texts_of(segment)])
    parts = [part for part in (Part(decoder, fields) for fields in lines) if part.means]
    if len(parts) < 8:
        raise SystemExit(f"{options.parts}: expected at least 8 parts of which the plugin made something, found {len(parts)}")
    random.Random(options.seed).shuffle(parts)
    kept = round(len(parts) * (1 - WITHHELD))
    s, t, labels, _ = pairs(decoder, parts[:kept], options.about, False, options.pairs, options.seed)
    gate = Gate(s.shape[1])
    weight, bias = fit(torch.cat([s, t, s * t], dim=1), labels, options.steps, options.rate, options.decay)
    gate.weight.data, gate.bias.data = weight, bias

    s, t, labels, named = pairs(decoder, parts[kept:], options.about, True, 1000, options.seed + 1)
    with torch.no_grad():
        weights = gate(s, t)
    report = {"withheld": describe(weights, labels), "messages for any part": describe(weights[~named], labels[~named])}
    if named.any():
        report["messages for one part"] = describe(weights[named], labels[named])
    print(json.dumps(report, indent=2))
    save(gate, options.output, decoder.family, decoder.fingerprint)
    print(f"wrote {options.output}")


if __name__ == "__main__":
    main()
