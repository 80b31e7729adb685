"""Text as the encoder writes it: words of lower-case letters and apostrophes, one space between, numbers written out."""

import re
import unicodedata

ONES = ("zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
        "eighteen nineteen").split()
TENS = "zero ten twenty thirty forty fifty sixty seventy eighty ninety".split()
SCALES = [(10**9, "billion"), (10**6, "million"), (1000, "thousand"), (100, "hundred")]
ORDINALS = {"one": "first", "two": "second", "three": "third", "five": "fifth", "eight": "eighth", "nine": "ninth",
            "twelve": "twelfth"}
WORD = re.compile(r"[a-z]+(?:'[a-z]+)*'?")
ABBREVIATIONS = {"mr": "mister", "mrs": "missus", "dr": "doctor", "st": "saint", "vs": "versus", "etc": "et cetera"}


def cardinal(number, conjunction=False):
    """17 as "seventeen"; "and" after hundreds where asked for."""
    if number < 20:
        return ONES[number]
    if number < 100:
        return TENS[number // 10] + (f" {ONES[number % 10]}" if number % 10 else "")
    for size, name in SCALES:
        if number >= size:
            rest = number % size
            joint = " and " if conjunction and rest and (size == 100 or rest < 100) else " "
            return f"{cardinal(number // size, conjunction)} {name}" + (joint + cardinal(rest, conjunction) if rest else "")
    raise ValueError(f"cardinal: expected a number of 0 or more, found {number}")


def ordinal(number):
    """21 as "twenty first"."""
    *before, last = cardinal(number).split()
    if last in ORDINALS:
        last = ORDINALS[last]
    elif last.endswith("y"):
        last = f"{last[:-1]}ieth"
    else:
        last += "th"
    return " ".join([*before, last])


def year(number):
    """1984 as "nineteen eighty four"."""
    century, rest = divmod(number, 100)
    if 2000 <= number < 2010 or rest == 0 and century % 10 == 0:
        return cardinal(number)
    if rest == 0:
        return f"{cardinal(century)} hundred"
    return f"{cardinal(century)} {'oh ' if rest < 10 else ''}{cardinal(rest)}"


def words(text):
    """The words of a sentence, or None where it says something else than words and plain numbers."""
    text = unicodedata.normalize("NFKD", text.replace("’", "'").replace("‘", "'").replace("—", " ").replace("–", " "))
    text = "".join(c for c in text if not unicodedata.combining(c))
    found = []
    for token in text.replace("-", " ").replace("--", " ").split():
        token = token.strip(".,;:!?\"'“”()[]…*_")
        if not token:
            continue
        if token.isdigit() and token.isascii() and len(token) < 7 and not (len(token) > 1 and token[0] == "0"):
            number = int(token)
            found += (year(number) if 1100 <= number < 2100 else cardinal(number)).split()
            continue
        # Capitals throughout are read letter by letter by one voice and as a word by another.
        if len(token) > 1 and token.isupper():
            return None
        token = token.lower()
        token = ABBREVIATIONS.get(token, token)
        for word in token.split():
            if not WORD.fullmatch(word) or len(word) > 20:
                return None
            found.append(word)
    return found


def normalised(text):
    """The same as one string, for comparing transcripts; what is no word is dropped."""
    text = unicodedata.normalize("NFKD", text.lower().replace("’", "'"))
    return " ".join(word.strip("'") for word in re.sub(r"[^a-z' ]+", " ", text).split() if word.strip("'"))
