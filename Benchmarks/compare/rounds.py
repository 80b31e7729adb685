"""Rounds: both sides of a comparison in turn, and what their figures are together.

A shared machine moves more than the programs do, so a ratio is that of a round, whose sides ran one right after the other.
"""

import dataclasses
import statistics
import sys
from collections.abc import Callable


@dataclasses.dataclass
class Row:
    """One figure that every round gives, under `key` in what the sides return. A side may lack it."""
    key: str
    work: str
    unit: str
    digits: int = 0
    # What the median ratio is to be, as ("at least", 4.0); nothing where there is no bar.
    bar: tuple[str, float] | None = None


@dataclasses.dataclass
class Subject:
    """Something that is measured: two sides, each a function from the number of the round to figures by key."""
    name: str
    sides: dict[str, Callable[[int], dict[str, float]]]
    rows: list[Row]
    most_rounds: int | None = None

    def measure(self, rounds):
        """The figures of each round: a pair of dictionaries, in the order of `sides`."""
        count = min(rounds, self.most_rounds or rounds)
        results = []
        for number in range(count):
            sides = list(self.sides.items())
            # The order turns round by round, so that neither side always runs on the warmer machine.
            order = sides if number % 2 == 0 else sides[::-1]
            figures = {}
            for label, side in order:
                print(f"{self.name}: round {number + 1} of {count}, {label}", file=sys.stderr, flush=True)
                figures[label] = side(number)
            results.append(tuple(figures[label] for label in self.sides))
        return results


@dataclasses.dataclass
class Spread:
    """Least, median and most of a figure over the rounds."""
    least: float
    median: float
    most: float

    @classmethod
    def of(cls, values):
        return cls(min(values), statistics.median(values), max(values))

    def text(self, digits):
        return f"{self.median:,.{digits}f} ({self.least:,.{digits}f} to {self.most:,.{digits}f})"


def spreads(row, results):
    """The spreads of a row: of either side, and of the ratio of a round, first side over second; None for what is lacking."""
    columns = [[side[row.key] for side in sides if row.key in side] for sides in zip(*results)]
    ratios = [a[row.key] / b[row.key] for a, b in results if row.key in a and b.get(row.key)]
    return [Spread.of(values) if values else None for values in (*columns, ratios)]
