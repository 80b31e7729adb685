"""A byte-level BPE tokenizer of some hundred tokens and a chat template, in the files that checkpoints carry."""

import json
import pathlib

import tokenizers
from tokenizers import AddedToken, Regex, decoders, models, pre_tokenizers, trainers

# Text to learn a few merges from.
TEXT = [
    "The host reads the weights, the tokenizer and the template of a checkpoint, and then it answers.",
    "What is in the image? There is a button that says settings, and there are two more under it.",
    "Open the settings, tap the button, then wait for the page. 12 of 345 steps are done.",
]
# How GLM-4 and Llama 3 cut text into words before BPE; they publish the same expression.
WORDS = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
    r"|\s+(?!\S)|\s+")
GLM_SPECIAL = [
    "<|endoftext|>", "[MASK]", "[gMASK]", "[sMASK]", "<sop>", "<eop>", "<|system|>", "<|user|>", "<|assistant|>",
    "<|observation|>", "<|begin_of_image|>", "<|end_of_image|>", "<|begin_of_video|>", "<|end_of_video|>",
    "<|image|>", "<|video|>",
]
LLAMA_SPECIAL = ["<|begin_of_text|>", "<|end_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"]
GLM_TEMPLATE = """[gMASK]<sop>
{%- for message in messages %}<|{{ message.role }}|>
{% if message.content is string %}{{ message.content }}
{%- else %}{% for part in message.content %}
{%- if part.type == 'text' %}{{ part.text }}
{%- elif part.type in ('image', 'image_url') %}<|begin_of_image|><|image|><|end_of_image|>{% endif %}
{%- endfor %}{% endif %}
{%- endfor %}
{%- if add_generation_prompt %}<|assistant|>
{% endif %}
"""
LLAMA_TEMPLATE = """{{- bos_token }}
{%- for message in messages %}<|start_header_id|>{{ message.role }}<|end_header_id|>

{{ message.content | trim }}<|eot_id|>
{%- endfor %}
{%- if add_generation_prompt %}<|start_header_id|>assistant<|end_header_id|>

{% endif %}
"""


def write(folder: pathlib.Path, glm: bool, vocabulary: int) -> tuple[dict[str, int], int]:
    """Writes tokenizer.json, tokenizer_config.json and chat_template.jinja.

    Some ids at the vocabulary's end stay without a token, as in published checkpoints. Returns the ids of the special
    tokens, and how many ids are text.
    """
    special = GLM_SPECIAL if glm else LLAMA_SPECIAL
    tokenizer = tokenizers.Tokenizer(models.BPE(ignore_merges=not glm))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(WORDS), behavior="isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, trim_offsets=True, use_regex=False)])
    tokenizer.decoder = decoders.ByteLevel()
    text = vocabulary - len(special) - 8
    tokenizer.train_from_iterator(TEXT, trainers.BpeTrainer(
        vocab_size=text, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False))
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in special])
    tokenizer.save(str(folder / "tokenizer.json"))

    ids = {token: tokenizer.token_to_id(token) for token in special}
    config = {
        "added_tokens_decoder": {
            str(id): {"content": token, "lstrip": False, "normalized": False, "rstrip": False, "single_word": False,
                      "special": True} for token, id in ids.items()},
        "additional_special_tokens": special, "clean_up_tokenization_spaces": False,
        "eos_token": "<|endoftext|>" if glm else "<|eot_id|>", "model_max_length": 512,
        "tokenizer_class": "PreTrainedTokenizerFast",
    } | ({"pad_token": "<|endoftext|>"} if glm else {"bos_token": "<|begin_of_text|>"})
    (folder / "tokenizer_config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    (folder / "chat_template.jinja").write_text(GLM_TEMPLATE if glm else LLAMA_TEMPLATE, encoding="utf-8")
    return ids, min(ids.values())
