"""The pieces that the encoder writes, by pairs that stand together often (BPE), in the `tokenizer.json` that the plugin reads."""

import itertools
import pathlib

import numpy as np
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

COUNT = 384
ALPHABET = "abcdefghijklmnopqrstuvwxyz'▁"
DRAWN = 60000


def lay(folder, texts):
    """Makes FOLDER/tokenizer.json from drawn utterances, where it is not there."""
    path = pathlib.Path(folder) / "tokenizer.json"
    if not path.exists():
        draw = np.random.default_rng(1)
        tokenizer = Tokenizer(models.BPE(unk_token="<unk>"))
        tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
        tokenizer.decoder = decoders.Metaspace()
        trainer = trainers.BpeTrainer(
            vocab_size=COUNT, special_tokens=["<unk>"], initial_alphabet=list(ALPHABET), max_token_length=6, show_progress=False)
        tokenizer.train_from_iterator((texts.draw(draw, 20) for _ in range(DRAWN)), trainer)
        tokenizer.save(str(path))
    return Pieces(path)


class Pieces:
    """Texts to pieces and back. The blank follows the last piece."""

    def __init__(self, path):
        self.tokenizer = Tokenizer.from_file(str(path))
        self.count = self.tokenizer.get_vocab_size()
        self.blank = self.count

    def encode(self, text):
        return self.tokenizer.encode(text).ids

    def decode(self, best):
        """The text of the likeliest piece of each row: runs are one, blanks nothing."""
        kept = [int(piece) for piece, _ in itertools.groupby(best) if piece != self.blank]
        text = "".join(self.tokenizer.id_to_token(piece) for piece in kept)
        return " ".join(text.replace("▁", " ").split())


def rows_needed(ids):
    """Rows that CTC needs: one for each piece, and a blank between equal ones."""
    return len(ids) + sum(a == b for a, b in zip(ids, ids[1:]))
