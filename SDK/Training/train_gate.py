"""Trains the gate of a plugin for one decoder. Decoder and encoder stay as they are.

    python3 train_gate.py --decoder CHECKPOINT --data EXAMPLES.jsonl --output gate.safetensors

CHECKPOINT is a folder as Hugging Face publishes it. Each line of EXAMPLES.jsonl is an object:

    {"text": "What does the sign say?", "answer": "No entry.", "rows": ["sign.f32"], "distractors": ["cat.f32"]}

Rows are what the plugin makes, row after row in float32:

    gatehouse encode --plugin vision --input sign.png --output sign.f32

Of each example the decoder reads relevant and distracting segments in random order, then the text, and is scored on the
answer. Attention to a segment is multiplied by its gate, so what distracts is best weighed down. --teacher W adds W times the
divergence from what the decoder says where it reads the relevant segments alone; no other model is needed for it.

--early also trains a gate that sees the text alone and spares the encode of what the text has no use for. It learns which
texts come with rows and which with distractors only ("rows": []), so EXAMPLES.jsonl needs some of both. The host skips a part
where it gives less than the registry's gate_threshold.
"""

import argparse
import json
import pathlib
import random

import torch
import torch.nn.functional as functional

from gate import EarlyGate, Gate, byte_rows, fingerprint, normalized_mean, save


class Example:
    """Token ids of text and answer, rows [count, hidden] of segments."""

    def __init__(self, text, answer, relevant, distractors):
        self.text, self.answer = text, answer
        self.relevant, self.distractors = relevant, distractors


def biased_logits(decoder, example, segments, weights, prefix):
    """Logits of the answer's tokens after prefix, segments and text: [answer, vocabulary].

    log(weight) is added to the score that every row after a segment's end has for the segment, in every layer.
    """
    embed = decoder.get_input_embeddings()

    def rows(ids):
        return embed(torch.tensor(ids, dtype=torch.long))

    pieces, spans, count = [rows(prefix)] if prefix else [], [], len(prefix)
    for segment in segments:
        spans.append((count, count + len(segment)))
        pieces.append(segment)
        count += len(segment)
    pieces.append(rows(example.text + example.answer))
    inputs = torch.cat(pieces).to(embed.weight.dtype)
    total = len(inputs)
    lowest = torch.finfo(inputs.dtype).min
    mask = torch.triu(torch.full((total, total), lowest, dtype=inputs.dtype), diagonal=1)
    for (first, end), weight in zip(spans, weights):
        after = torch.zeros(total, total, dtype=inputs.dtype)
        after[end:, first:end] = 1
        mask = mask + after * torch.log(weight.clamp_min(1e-30)).to(inputs.dtype)
    output = decoder(inputs_embeds=inputs[None], attention_mask=mask[None, None], use_cache=False)
    return output.logits[0, total - len(example.answer) - 1:total - 1]


def text_mean(decoder, example):
    return normalized_mean(decoder.get_input_embeddings()(torch.tensor(example.text)))


def loss_of(decoder, gate, example, prefix, shuffle, teacher=0.0):
    """The loss of one example, and the gate's weights of its relevant and of its distracting segments."""
    t = text_mean(decoder, example)
    segments = [(rows, True) for rows in example.relevant] + [(rows, False) for rows in example.distractors]
    shuffle.shuffle(segments)
    weights = [gate(normalized_mean(rows), t) for rows, _ in segments]
    logits = biased_logits(decoder, example, [rows for rows, _ in segments], weights, prefix)
    loss = functional.cross_entropy(logits.float(), torch.tensor(example.answer))
    if teacher > 0:
        with torch.no_grad():
            ones = [torch.ones(()) for _ in example.relevant]
            told = biased_logits(decoder, example, example.relevant, ones, prefix)
        loss = loss + teacher * functional.kl_div(
            logits.float().log_softmax(-1), told.float().log_softmax(-1), reduction="batchmean", log_target=True)
    kinds = [kind for _, kind in segments]
    return (loss, [w.item() for w, kind in zip(weights, kinds) if kind],
            [w.item() for w, kind in zip(weights, kinds) if not kind])


def train(decoder, examples, prefix, steps, batch=8, rate=0.02, teacher=0.0, decay=1e-3, seed=0, report=print):
    """A gate trained on examples; the decoder must have eager attention, which takes any mask."""
    decoder.eval().requires_grad_(False)
    gate = Gate(decoder.get_input_embeddings().weight.shape[1])
    optimizer = torch.optim.AdamW(gate.parameters(), lr=rate, weight_decay=decay)
    shuffle = random.Random(seed)
    for step in range(steps):
        losses, relevant, distractors = [], [], []
        for example in shuffle.choices(examples, k=batch):
            loss, r, d = loss_of(decoder, gate, example, prefix, shuffle, teacher)
            losses.append(loss)
            relevant += r
            distractors += d
        loss = torch.stack(losses).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % max(1, steps // 10) == 0 or step == steps - 1:
            report(f"step {step}: loss {loss.item():.3f}, relevant {mean(relevant):.3f}, distractors {mean(distractors):.3f}")
    return gate


def train_early(decoder, examples, steps=400, rate=0.05, decay=1e-3, report=print):
    """An early gate: logistic regression of whether an example has relevant rows on the mean of its text."""
    with torch.no_grad():
        means = torch.stack([text_mean(decoder, example) for example in examples])
    needed = torch.tensor([float(bool(example.relevant)) for example in examples])
    gate = EarlyGate(means.shape[1])
    optimizer = torch.optim.AdamW(gate.parameters(), lr=rate, weight_decay=decay)
    for _ in range(steps):
        loss = functional.binary_cross_entropy_with_logits(gate.logit(means), needed)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    report(f"early gate: loss {loss.item():.3f}, " + skipped(gate(means), needed))
    return gate


def skipped(weights, needed, threshold=0.05):
    """How many texts of either kind a host with this threshold would skip."""
    def count(kind):
        return f"{(weights[needed == kind] < threshold).sum()} of {(needed == kind).sum()}"
    return f"skips {count(0)} texts that need nothing and {count(1)} that need something"


def mean(values):
    return sum(values) / len(values) if values else float("nan")


def read_rows(path, hidden):
    data = torch.frombuffer(bytearray(path.read_bytes()), dtype=torch.float32)
    if len(data) == 0 or len(data) % hidden:
        raise SystemExit(f"{path}: expected rows of {hidden} float32, found {len(data)} numbers")
    return data.reshape(-1, hidden)


def read_examples(path, tokenizer, hidden):
    examples = []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if not line.strip():
            continue
        try:
            fields = json.loads(line)
            text, answer = fields["text"], fields["answer"]
            names, others = fields["rows"], fields.get("distractors", [])
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise SystemExit(f"{path}, line {number}: expected text, answer and rows, found {error!r}") from None
        examples.append(Example(
            tokenizer.encode(text, add_special_tokens=False), tokenizer.encode(answer, add_special_tokens=False),
            [read_rows(path.parent / name, hidden) for name in names],
            [read_rows(path.parent / name, hidden) for name in others]))
        if not examples[-1].text or not examples[-1].answer:
            raise SystemExit(f"{path}, line {number}: expected a text and an answer, found an empty one")
    if not any(example.distractors for example in examples):
        raise SystemExit(f"{path}: no example has distractors, so there is nothing to tell apart")
    return examples


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--decoder", required=True, help="the folder of the checkpoint")
    parser.add_argument("--data", required=True, type=pathlib.Path, help="examples, a JSON object a line")
    parser.add_argument("--output", default="gate.safetensors")
    parser.add_argument("--steps", type=int, default=500)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--rate", type=float, default=0.02)
    parser.add_argument("--teacher", type=float, default=0.0, help="weight of the decoder's own word on what is relevant")
    parser.add_argument("--early", action="store_true", help="also train the gate that spares the encode")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()

    from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

    torch.manual_seed(options.seed)
    tokenizer = AutoTokenizer.from_pretrained(options.decoder)
    config = AutoConfig.from_pretrained(options.decoder)
    decoder = AutoModelForCausalLM.from_pretrained(
        options.decoder, dtype=torch.float32, attn_implementation="eager")
    embedding = decoder.get_input_embeddings().weight
    examples = read_examples(options.data, tokenizer, embedding.shape[1])
    if options.early and len({bool(example.relevant) for example in examples}) < 2:
        raise SystemExit(f"{options.data}: --early needs examples with rows and examples without")
    prefix = [tokenizer.bos_token_id] if tokenizer.bos_token_id is not None else []
    gate = train(decoder, examples, prefix, options.steps, options.batch, options.rate, options.teacher, seed=options.seed)
    early = train_early(decoder, examples) if options.early else None
    save(gate, options.output, config.model_type, fingerprint(byte_rows(embedding, tokenizer)), early=early)
    print(f"wrote {options.output}")


if __name__ == "__main__":
    main()
