"""Word errors."""


def distance(said, heard):
    """Words to change, add or leave out (Levenshtein, 1966)."""
    row = list(range(len(heard) + 1))
    for count, word in enumerate(said, 1):
        diagonal, row[0] = row[0], count
        for place, other in enumerate(heard, 1):
            diagonal, row[place] = row[place], min(row[place] + 1, row[place - 1] + 1, diagonal + (word != other))
    return row[-1]


class Rate:
    """Errors over all words that were said."""

    def __init__(self):
        self.errors = self.words = 0

    def add(self, said, heard):
        self.errors += distance(said.split(), heard.split())
        self.words += len(said.split())

    def percent(self):
        return 100 * self.errors / max(1, self.words)
