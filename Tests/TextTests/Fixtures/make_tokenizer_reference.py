#!/usr/bin/env python3
"""Writes tokenizer-reference.txt: lines of mixed text and their ids by Hugging Face `tokenizers`.

    pip install tokenizers==0.23.3 gguf==0.19.0
    python3 make_tokenizer_reference.py MODEL.gguf

MODEL is SmolLM2-135M-Instruct (any quantisation). The reference tokenizer is built from the file's own tokens and
merges, for each pre-tokenizer as its published tokenizer.json states it. A line of the output is

    PRE <tab> R or S <tab> text as JSON <tab> ids

with R for special tokens read as text, S for read as control tokens; "B" lines hold hexadecimal bytes, decoded
with errors="replace".
"""

import json
import pathlib
import random
import sys

import gguf
from tokenizers import AddedToken, Regex, Tokenizer, models, pre_tokenizers

CL100K = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{{L}}\p{{N}}]?\p{{L}}+|\p{{N}}{digits}|"
    r" ?[^\s\p{{L}}\p{{N}}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)


def split(digits):
    return pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(CL100K.format(digits=digits)), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )


BYTE_LEVEL = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
PRE = {
    "smollm": (pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), BYTE_LEVEL]), False),
    "gpt-2": (BYTE_LEVEL, False),
    "llama-bpe": (split("{1,3}"), True),
    "chatglm-bpe": (split("{1,3}"), False),
    "qwen2": (split(""), False),
}

ENGLISH = """the of and to in is that it for was on are with as his they at be this from have or by one had not but
what all were when we there can an your which their said if do will each about how up out them then she many some so
these would other into has more her two like him see time could no make than first been its who now people my made
over did down only way find use may water long little very after words called just where most know I'm you're don't
it's we'll they've he'd DON'T YOU'RE naïve café résumé Zürich Łódź coöperate O'Neill rock'n'roll 'tis""".split()
CHINESE = "的一是在不了有和人这中大为上个国我以要他时来用们生到作地于出就分对成会可主发年动同工也能下过子说产种面而方后多定行学法所民得经十三之进着等部度家电力里如水化高自二理起小物现实加量都两体制机当使点从业本去把性好应开它合还因由其些然前外天政四日那社义事平形相全表间样与关各重新线内数正心反你明看原又么利比或但质气第向道命此变条只没结解问意建月公无系军很情者最立代想已通并提直题党程展五果料象员革位入常文总次品式活设及管特件长求老头基资边流路级少图山统接知较将组见计别她手角期根论运农指几九区强放决西被干做必战先回则任取据处队南给色光门即保治北造百规热领七海口东导器压志世金增争济阶油思术极交受联什认六共权收证改清己美再采转更单风切打白教速花带安场身车例真务具万每目至达走积示议声报斗完类八离华名确才科张信马节话米整空元况今集温传土许步群广石记需段研界拉林律叫且究观越织装影算低持音众书布复容儿须际商非验连断深难近矿千周委素技备半办青省列习响约支般史感劳便团往酸历市克何除消构府称太准精值号率族维划选标写存候毛亲快效斯院查江型眼王按格养易置派层片始却专状育厂京识适属圆包火住调满县局照参红细引听该铁价严"
CODE = [
    "def f(x):\n    return x**2 + 1", "for (int i = 0; i < n; ++i) {\n\tsum += a[i];\n}", "#include <stdio.h>",
    "let x: [String: Int] = [:]", "SELECT * FROM t WHERE a >= 10 AND b != 'x';", "if (a && b || !c) { return; }",
    "<div class=\"a\">&nbsp;</div>", "console.log(`${a}`)", "x = {\"k\": [1, 2.5e-3, null]}", "\t\t\t// comment",
    "fn main() -> Result<(), Box<dyn Error>> {", "a->b.c[::-1] |= 0xFF << 3;", "$HOME/.local/bin:$PATH", "\\n\\t\\\\",
    "git commit -m \"fix: don't\"", "\r\nCRLF\r\n\r\n", "https://example.org/a?b=c&d=%20#e",
]
EMOJI = "😀 👍🏽 👨‍👩‍👧‍👦 🏳️‍🌈 🇩🇪🇯🇵🇺🇸 ❤️ 1️⃣ 🧑🏿‍🚀 ☕ 🀄 🫠 ⌚️".split(" ")
SCRIPTS = [
    "Привет, мир!", "שלום עולם", "مرحبا بالعالم", "नमस्ते दुनिया", "สวัสดีชาวโลก", "こんにちは世界", "안녕하세요 세계",
    "Γειά σου Κόσμε", "Xin chào thế giới", "გამარჯობა", "ትግርኛ", "தமிழ்", "ພາສາລາວ", "İstanbul ığdır", "ǅ ǈ ß ſ 'ſ K",
]
COMBINING = ["e\u0301", "a\u0308\u0323", "n\u0303o", "Z\u0351\u036b\u0343a\u0360lgo", "\u0301", "क्\u200dष", "한글"]
DIGITS = ["0", "7", "42", "1234567", "3.14", "٠١٢٣", "०१२", "१२३४५", "一二三", "Ⅳ", "½", "²³", "①②", "𝟘𝟙𝟚", "1٢३"]
SPACES = [" ", "  ", "   ", "\t", "\t\t", "\n", "\n\n", " \n ", "\r", "\r\n", "\u00a0", "\u3000", "\u2003 ", "\u2028",
          "\u200b", "\u180e", "\ufeff", "\u0085", "\x1c", "\x0b", "\x0c", "        ", "\u202f"]
LOOKALIKES = ["<|im_end|>", "<|im_start|>", "<|endoftext|>", "<|im_end|", "<|im_<|im_end|>", "< |im_end|>", "<repo_name>",
              "<reponame>", "<|im_start|><|im_end|>", "<|im_start|>user\n", "|>", "<|", "<file_sep>x", "<<|im_end|>>"]
ODD = ["\x00", "\x01", "\x7f", "\u0378", "\ue000", "\ufffd", "\uffff", "\U000e0001", "\U0001f9ff", "\U00100000", "\x04a"]


def piece(rng):
    kind = rng.randrange(20)
    if kind < 5:
        return " ".join(rng.choices(ENGLISH, k=rng.randint(1, 6)))
    if kind < 8:
        return "".join(rng.choices(CHINESE, k=rng.randint(1, 8))) + rng.choice(["，", "。", "", "！", "“"])
    if kind < 10:
        return rng.choice(CODE)
    pools = [EMOJI, SCRIPTS, COMBINING, DIGITS, SPACES, SPACES, LOOKALIKES, ODD, EMOJI, DIGITS]
    return "".join(rng.choices(pools[kind - 10], k=rng.randint(1, 3)))


def lines(rng, count):
    for _ in range(count):
        yield "".join(piece(rng) + rng.choice(["", " ", "", "  ", "\n"]) for _ in range(rng.randint(1, 4)))


def broken(rng, count):
    for _ in range(count):
        data = bytearray("".join(piece(rng) for _ in range(rng.randint(1, 2)))[:24].encode())
        for _ in range(rng.randint(1, 4)):
            how = rng.randrange(4)
            at = rng.randrange(len(data) + 1)
            if how == 0 and data:
                del data[min(at, len(data) - 1)]
            elif how == 1:
                data.insert(at, rng.choice([0x80, 0xBF, 0xC0, 0xC1, 0xC3, 0xE0, 0xE4, 0xED, 0xF0, 0xF4, 0xF5, 0xFF]))
            elif how == 2:
                data[at:at] = rng.choice([b"\xed\xa0\x80", b"\xe0\x80\xaf", b"\xf4\x90\x80\x80", b"\xf0\x9f\x98", b"\xc0\xaf",
                                          b"\xe4\xb8", b"\xf0\x80\x80\x80", b"\xed\xb0\x80", b"\xf8\x88\x80\x80\x80"])
            else:
                data = data[:at]
        yield bytes(data)


def main(path):
    fields = gguf.GGUFReader(path).fields
    tokens = fields["tokenizer.ggml.tokens"].contents()
    kinds = fields["tokenizer.ggml.token_type"].contents()
    merges = [tuple(m.split(" ")) for m in fields["tokenizer.ggml.merges"].contents()]
    special = [AddedToken(t, special=True, normalized=False) for t, k in zip(tokens, kinds) if k == 3]
    vocabulary = {t: i for i, t in enumerate(tokens)}
    out = []
    for name, (pre, whole) in PRE.items():
        rng = random.Random(name)
        plain = Tokenizer(models.BPE(vocab=vocabulary, merges=merges, ignore_merges=whole))
        plain.pre_tokenizer = pre
        control = Tokenizer.from_str(plain.to_str())
        control.add_special_tokens(special)

        def add(kind, text, tokenizer):
            ids = tokenizer.encode(text if kind != "B" else bytes.fromhex(text).decode(errors="replace"),
                                   add_special_tokens=False).ids
            shown = text if kind == "B" else json.dumps(text, ensure_ascii=False)
            out.append(f"{name}\t{kind}\t{shown}\t{' '.join(map(str, ids))}")

        scale = 1400 if name == "smollm" else 280
        for text in lines(rng, scale):
            add("R", text, plain)
        for text in lines(rng, scale // 4):
            add("S", text, control)
        for data in broken(rng, scale // 4):
            add("B", data.hex(), plain)
    target = pathlib.Path(__file__).with_name("tokenizer-reference.txt")
    # Every line end but \n is escaped, so that no reader of lines cuts a text.
    target.write_text("\n".join(out).replace("\u2028", "\\u2028").replace("\u0085", "\\u0085") + "\n")
    print(f"{len(out)} lines, {target.stat().st_size} bytes")


if __name__ == "__main__":
    main(sys.argv[1])
