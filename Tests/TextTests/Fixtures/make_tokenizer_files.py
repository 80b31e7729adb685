#!/usr/bin/env python3
"""Writes tokenizer-files.json: small tokenizers of Hugging Face `tokenizers`, lines of text, and their ids.

    pip install tokenizers==0.23.3
    python3 make_tokenizer_files.py [LINES]

Each tokenizer is trained here on the text of make_tokenizer_reference.py, with options of tokenizer.json that published
files use. A case is {"name", "file", "lines": [[text, ids, ids with the file's own tokens around them, text]]}; the
last text is decoded from the ids that are not added tokens' (the library decodes those from their normalised form, and
from bytes). Input that is not UTF-8 was decoded with errors="replace". Added tokens, special or not, are read.
With LINES, so many lines for each tokenizer are written to tokenizer-files-large.json instead, which is not committed.
"""

import json
import pathlib
import random
import sys

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

from make_tokenizer_reference import CHINESE, CODE, COMBINING, CL100K, DIGITS, EMOJI, ENGLISH, ODD, SCRIPTS, SPACES, broken, lines

GLM4 = CL100K.format(digits="{1,3}")
O200K = (
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|"
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|"
    r"\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
HAN = r"[\p{Han}&&[^一二三]]+|[^[\p{Han}\s]\d]++|\h{2,}+|\w+\b|[^\S\n]+|(?m).|^\s$"
BYTES = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)


def split(pattern, behavior="isolated", invert=False):
    return pre_tokenizers.Split(Regex(pattern), behavior, invert)


def chain(*steps):
    return pre_tokenizers.Sequence(list(steps))


def special(*names, **flags):
    return [AddedToken(name, special=True, normalized=flags.pop("normalized", False), **flags) for name in names]


WORDS = [AddedToken("cat", single_word=True, normalized=False), AddedToken("dog", lstrip=True, rstrip=True, normalized=False),
         AddedToken("<think>", normalized=False), AddedToken("  ", normalized=False), AddedToken("中文", rstrip=True, normalized=True),
         AddedToken("Éa", normalized=True), AddedToken("_x_", single_word=True, lstrip=True, normalized=True)]
HEAD = special("<|endoftext|>", "[gMASK]", "<sop>", "<|user|>")

# name: (pre-tokenizer, normaliser, added tokens, options of the model, what is changed in the JSON)
TOKENIZERS = {
    "glm4": (chain(split(GLM4), BYTES), None, HEAD, {}, {}),
    "llama3": (chain(split(GLM4), BYTES), None, HEAD, {"ignore_merges": True}, {"bos": True}),
    "qwen2": (chain(split(CL100K.format(digits="")), BYTES), normalizers.NFC(), HEAD + WORDS, {}, {"merges": "text"}),
    "o200k": (chain(split(O200K), BYTES), None, HEAD, {"ignore_merges": True}, {}),
    "smollm": (chain(pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)), None, HEAD, {}, {}),
    "gpt2-prefix": (pre_tokenizers.ByteLevel(add_prefix_space=True), None, HEAD + WORDS, {}, {"merges": "text"}),
    "deepseek": (chain(split(r"\p{N}{1,3}"), split("[一-龥぀-ゟ゠-ヿ]+"), split(r"[!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"), BYTES), normalizers.Sequence([]), HEAD, {}, {"bos": True}),
    "falcon": (chain(pre_tokenizers.Punctuation("contiguous"), pre_tokenizers.ByteLevel(add_prefix_space=False), pre_tokenizers.Digits(individual_digits=False), split("[0-9][0-9][0-9]")), None, HEAD, {}, {}),
    "dialect": (chain(split(HAN), BYTES), normalizers.NFD(), HEAD, {}, {}),
    "previous": (chain(split(r"\s+", "merged_with_previous"), split("o", "merged_with_next"), BYTES), normalizers.NFKC(), HEAD, {}, {}),
    "next": (chain(split(r"[aeiou]*", "merged_with_next"), split(r"\d", "contiguous"), pre_tokenizers.ByteLevel(add_prefix_space=True, use_regex=True)), normalizers.NFKD(), HEAD, {}, {}),
    "inverted": (chain(split(r"[^\s]+", "removed", True), pre_tokenizers.Split("e", "merged_with_previous", False), BYTES), normalizers.Sequence([normalizers.NFC(), normalizers.Lowercase(), normalizers.Strip(), normalizers.Replace("o", "0"), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Prepend("x")]), HEAD + WORDS + special("<S>", normalized=True), {}, {}),
    "words": (chain(pre_tokenizers.Whitespace(), pre_tokenizers.Punctuation("merged_with_next"), BYTES), None, WORDS + special("<s>", lstrip=True, rstrip=True), {}, {}),
    "spaces": (chain(pre_tokenizers.WhitespaceSplit(), BYTES), None, HEAD, {}, {}),
    "unknown": (chain(split(GLM4), BYTES), None, HEAD, {"unk_token": "<unk>", "fuse_unk": True}, {"without": "zxq7é"}),
    "unfused": (chain(split(GLM4), BYTES), None, HEAD, {"unk_token": "<unk>"}, {"without": "zxq7é"}),
    "fallback": (chain(split(GLM4), BYTES), None, HEAD, {"unk_token": "<unk>", "byte_fallback": True}, {"without": "zxq7é"}),
    "characters": (split("[^▁]", "merged_with_previous"), normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]), HEAD, {"unk_token": "<unk>", "byte_fallback": True, "fuse_unk": True}, {"characters": True}),
}


def corpus():
    rng = random.Random("corpus")
    return list(lines(rng, 600)) + [" ".join(rng.choices(ENGLISH, k=40)) for _ in range(200)]


def build(name):
    pre, normalizer, added, options, more = TOKENIZERS[name]
    characters = "characters" in more
    unknown = options.get("unk_token")
    extra = ([unknown] if unknown else []) + ([f"<0x{b:02X}>" for b in range(256)] if options.get("byte_fallback") else [])
    tokenizer = Tokenizer(models.BPE(unk_token=unknown))
    tokenizer.pre_tokenizer = pre
    if normalizer is not None:
        tokenizer.normalizer = normalizer
    trainer = trainers.BpeTrainer(
        vocab_size=430 + len(extra), show_progress=False, special_tokens=extra,
        initial_alphabet=[] if characters else pre_tokenizers.ByteLevel.alphabet())
    tokenizer.train_from_iterator(corpus(), trainer)
    tokenizer.decoder = (
        decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()]) if characters else decoders.ByteLevel())
    if "bos" in more:
        tokenizer.post_processor = processors.Sequence([
            processors.ByteLevel(trim_offsets=False),
            processors.TemplateProcessing("[gMASK] <sop> $A <|user|>", "$A $B", [("[gMASK]", 0), ("<sop>", 0), ("<|user|>", 0)])])
    data = json.loads(tokenizer.to_str())
    # The trainer would read "ignore_merges" and leave tokens without characters out: both are set afterwards.
    data["model"] |= options
    data["added_tokens"] = [t for t in data["added_tokens"] if t["content"] == unknown]
    if "without" in more:
        gone = set(more["without"]) | {"Ã"}
        data["model"]["vocab"] = {t: i for t, i in data["model"]["vocab"].items() if not gone & set(t) or t.startswith("<")}
        data["model"]["vocab"] = {t: i for i, t in enumerate(data["model"]["vocab"])}
        data["model"]["merges"] = [m for m in data["model"]["merges"] if not gone & set("".join(m))]
        for token in data["added_tokens"]:
            token["id"] = data["model"]["vocab"][token["content"]]
    if more.get("merges") == "text":
        data["model"]["merges"] = [" ".join(m) for m in data["model"]["merges"]]
    loaded = Tokenizer.from_str(json.dumps(data))
    # Every other added token stands in the vocabulary already.
    loaded.add_tokens(added)
    data = json.loads(loaded.to_str())
    if more.get("merges") == "text":
        data["model"]["merges"] = [" ".join(m) for m in data["model"]["merges"]]
    if "bos" in more:
        for token in data["post_processor"]["processors"][1]["special_tokens"].values():
            token["ids"] = [loaded.token_to_id(token["id"])]
    return data


MIXED = ["cat", "cats cat", " dog  x", "<think>", "中文 和", "É" + "a", "Éa", "e\u0301a", "_x_", " _x_ y", "<|user|>", "[gMASK]<sop>", "<S>", "<s>",
         "<s>  a", "  <s>", "ﬁ ² ½ Å Å", "İI", "zq7 é zz", "ﷺ", "한글", "q\u0307\u0323", "ΑΣ", "\u0958", "Ǆǆ", "<0x41>", "▁a", "0x1Fb", "一二三四", "o0o", "bee", "...!?", "\n", "\n\n \n", " ", ""]


def text(rng, count):
    pools = [MIXED, MIXED, EMOJI, SCRIPTS, COMBINING, DIGITS, SPACES, CODE, ODD, ENGLISH, list(CHINESE)]
    whole = list(lines(rng, count))
    for line in whole[: count // 2]:
        yield line[:60]
    for _ in range(count // 3):
        yield "".join(rng.choice(rng.choice(pools)) + rng.choice(["", " ", "", "\n"]) for _ in range(rng.randint(1, 5)))
    for data in broken(rng, count - count // 2 - count // 3):
        yield data.decode(errors="replace")


def main(count=None):
    cases = []
    for name in TOKENIZERS:
        data = build(name)
        tokenizer = Tokenizer.from_str(json.dumps(data))
        rng = random.Random(name)
        told = []
        for line in MIXED + list(text(rng, count or 24)):
            plain = tokenizer.encode(line, add_special_tokens=False).ids
            own = [i for i in plain if i not in tokenizer.get_added_tokens_decoder()]
            told.append([line, plain, tokenizer.encode(line).ids, tokenizer.decode(own)])
        cases.append({"name": name, "file": data, "lines": told})
    target = pathlib.Path(__file__).with_name("tokenizer-files-large.json" if count else "tokenizer-files.json")
    body = ",\n".join(json.dumps(case, ensure_ascii=False, separators=(",", ":")) for case in cases)
    target.write_text("[\n" + body + "\n]\n")
    print(f"{len(cases)} tokenizers, {sum(len(c['lines']) for c in cases)} lines, {target.stat().st_size} bytes")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
