"""What a text sounds like, which the middle of the encoder learns to tell: phonemes follow from the sound, spelling needs words
around it besides."""

import re

from voices import Espeak

# As espeak-ng writes American English, without stress and length: diphthongs and affricates are one phoneme, and whatever is
# not listed is none.
SYMBOLS = ["aɪ", "aʊ", "eɪ", "oʊ", "ɔɪ", "tʃ", "dʒ", *"aæɐɑɔəɚɛɜiɪᵻoʊuʌbdðfɡhjklmnŋpɹɾsʃtθvwzʒʔ"]
PATTERN = re.compile("|".join(SYMBOLS))
NUMBERS = {symbol: number for number, symbol in enumerate(SYMBOLS)}
COUNT = len(SYMBOLS)
# The blank of connectionist temporal classification.
BLANK = COUNT
# Times that each row of the encoder tells of, one after the other: a row of 80 ms is too long for one phoneme.
TIMES = 2


def encode(text):
    """Numbers of a normalised text's phonemes, by American English, whoever speaks."""
    sounds = re.sub("[ˈˌː]", "", Espeak.one().phonemes(text, "en-us")) if text else ""
    return [NUMBERS[symbol] for symbol in PATTERN.findall(sounds)]
