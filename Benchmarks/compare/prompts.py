"""Prompts of a given number of tokens, the same for both sides and different in every round."""

import random

# Each is one token of the default model, together with the space before it.
WORDS = """the of and to in is was for on that with as by at from it an be this are which or had not but have one were all
they there has been their more who about when time would out up so into than its only some could new two them other then do
first any like now my such over even most me state after also made many must before through back years where much your way
well down should because each just those people how too little world good make very year still see own work men day get here
old life both between being under three never know same last another while us off might great go come since against right
came take used himself few house use during without again place around however small found part""".split()


def text(tokens, *seed):
    """Words that make about `tokens` tokens."""
    return " ".join(random.Random(str(seed)).choices(WORDS, k=tokens))


def request(messages, most_tokens):
    """A chat of user and assistant in turn that is answered by exactly `most_tokens` tokens: the ends are forbidden."""
    roles = ("user", "assistant")
    return {
        "model": "default", "temperature": 0, "max_tokens": most_tokens, "logit_bias": {"0": -100, "2": -100},
        "messages": [{"role": roles[i % 2], "content": message} for i, message in enumerate(messages)],
    }
