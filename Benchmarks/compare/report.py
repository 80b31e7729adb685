"""The report: Markdown tables of what was measured."""

import os
import pathlib
import platform
import subprocess

from rounds import spreads


def machine():
    """The processor's name and how many threads it has."""
    try:
        lines = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
        name = next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        name = platform.machine()
    return f"{name}, {os.cpu_count()} threads"


def revision(root):
    """The commit of the checkout, marked where files differ from it."""
    command = ["git", "-C", str(root), "describe", "--always", "--dirty"]
    result = subprocess.run(command, capture_output=True, text=True)
    return result.stdout.strip() or "unknown"


def verdict(bar, ratio):
    if bar is None or ratio is None:
        return ""
    words, limit = bar
    met = ratio.median >= limit if words == "at least" else ratio.median <= limit
    return f"{words} {limit:g}: {'met' if met else 'missed'}"


def table(subject, results):
    """One table for a subject, as a list of lines."""
    first, second = subject.sides
    lines = [f"### {subject.name}", "", f"| work | {first} | {second} | ratio of a round | bar of the ratio |",
             "|---|---|---|---|---|"]
    for row in subject.rows:
        *sides, ratio = spreads(row, results)
        cells = [f"{row.work}, {row.unit}" if row.unit else row.work]
        cells += [side.text(row.digits) if side else "–" for side in sides]
        cells += [ratio.text(2) if ratio else "–", verdict(row.bar, ratio)]
        lines.append("| " + " | ".join(cells) + " |")
    return [*lines, ""]
