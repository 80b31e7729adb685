"""What a decoder's embedding makes of texts and soft tokens, from its GGUF file or the folder of its checkpoint."""

import json
import pathlib
import subprocess

import torch

from gate import byte_rows, fingerprint, normalized_mean


class DecoderRows:
    def __init__(self, path, host):
        """`host` is the executable `gatehouse`, whose tokens these are."""
        self.path, self.host = path, host
        path = pathlib.Path(path)
        if path.is_dir():
            from transformers import AutoConfig, AutoModelForCausalLM
            model = AutoModelForCausalLM.from_pretrained(path, dtype=torch.float32)
            self.embedding = model.get_input_embeddings().weight.detach()
            self.family = AutoConfig.from_pretrained(path).model_type
        else:
            import gguf
            reader = gguf.GGUFReader(path)
            self.family = reader.get_field("general.architecture").contents()
            tensor, = [tensor for tensor in reader.tensors if tensor.name == "token_embd.weight"]
            self.embedding = torch.from_numpy(gguf.dequantize(tensor.data, tensor.tensor_type).copy()).float()
        self.known = {}
        self.learn([chr(byte) for byte in range(0x21, 0x61)])
        self.fingerprint = fingerprint(byte_rows(self.embedding, self))

    def learn(self, texts):
        """Has the host cut texts into tokens, many at once: a process each would take minutes."""
        texts = [text for text in dict.fromkeys(texts) if text not in self.known]
        for start in range(0, len(texts), 500):
            some = texts[start:start + 500]
            printed = subprocess.run(
                [self.host, "tokenize", "--json", "--model", self.path, "--", *some], capture_output=True, text=True)
            if printed.returncode:
                raise SystemExit(printed.stderr.strip())
            for text, line in zip(some, printed.stdout.splitlines(), strict=True):
                self.known[text] = torch.tensor(json.loads(line)["ids"], dtype=torch.long)

    def tokens(self, text):
        if text not in self.known:
            self.learn([text])
        return self.known[text]

    def encode(self, text, add_special_tokens=False):
        return self.tokens(text).tolist()

    def text_mean(self, text):
        """t, or s of a plugin that makes text: [hidden]; None where there are no tokens."""
        ids = self.tokens(text)
        return normalized_mean(self.embedding[ids]) if len(ids) else None

    def soft_mean(self, slots):
        """s of soft tokens: slots of (text, weight). A slot has a row for each token of its longest piece, and row j is the mean
        of the j-th tokens of the pieces that are so long, by their weights."""
        rows = []
        for slot in slots:
            pieces = [(self.tokens(text), weight) for text, weight in slot if weight > 0]
            for place in range(max((len(ids) for ids, _ in pieces), default=0)):
                shares = [(self.embedding[ids[place]], weight) for ids, weight in pieces if len(ids) > place]
                rows.append(sum(row * weight for row, weight in shares) / sum(weight for _, weight in shares))
        return normalized_mean(torch.stack(rows)) if rows else None
