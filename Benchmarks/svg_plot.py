"""Plots of curves as an SVG document, with both axes in powers of two."""

import dataclasses
import html
import math

WIDTH, HEIGHT = 460, 340
LEFT, TOP, RIGHT, BOTTOM = 60, 36, 16, 48
# Told apart in grey and by those who do not see red and green alike.
COLOURS = ["#0b3c5d", "#1f78b4", "#33a1a1", "#6aa84f", "#c9a227", "#d9722e", "#a61c3c", "#6a3d9a"]


@dataclasses.dataclass
class Plot:
    title: str
    across: str
    # Name and points of each curve; numbers are positive.
    curves: list[tuple[str, list[tuple[float, float]]]]


def powers(values):
    """The powers of two from just below the least to just above the greatest value."""
    least, most = math.floor(math.log2(min(values))), math.ceil(math.log2(max(values)))
    return [2.0 ** power for power in range(least, max(most, least + 1) + 1)]


def draw(plot, left):
    x_ticks = powers([x for _, points in plot.curves for x, _ in points])
    y_ticks = powers([y for _, points in plot.curves for _, y in points])

    def place(value, ticks, start, length):
        first, last = math.log2(ticks[0]), math.log2(ticks[-1])
        return start + length * (math.log2(value) - first) / (last - first)

    right, bottom = WIDTH - RIGHT, HEIGHT - BOTTOM
    x = lambda value: left + place(value, x_ticks, LEFT, right - LEFT)
    y = lambda value: place(value, y_ticks, bottom, TOP - bottom)
    text = lambda at_x, at_y, anchor, words, extra="": (
        f'<text x="{at_x:.1f}" y="{at_y:.1f}" text-anchor="{anchor}"{extra}>{html.escape(words)}</text>')
    yield text(left + (LEFT + right) / 2, 20, "middle", plot.title, ' font-weight="bold"')
    yield text(left + (LEFT + right) / 2, HEIGHT - 10, "middle", plot.across)
    for tick in x_ticks:
        yield f'<path d="M{x(tick):.1f} {TOP}V{bottom}" stroke="#ddd"/>'
        yield text(x(tick), bottom + 16, "middle", f"{tick:g}")
    for tick in y_ticks:
        yield f'<path d="M{left + LEFT} {y(tick):.1f}H{left + right}" stroke="#ddd"/>'
        yield text(left + LEFT - 6, y(tick) + 4, "end", f"{tick:g}")
    for index, (_, points) in enumerate(plot.curves):
        colour = COLOURS[index % len(COLOURS)]
        line = "L".join(f"{x(a):.1f} {y(b):.1f}" for a, b in points)
        yield f'<path d="M{line}" fill="none" stroke="{colour}" stroke-width="2"/>'
        for a, b in points:
            yield f'<circle cx="{x(a):.1f}" cy="{y(b):.1f}" r="2.5" fill="{colour}"/>'


def document(plots):
    """All plots side by side, whose curves have the same names, with one legend below."""
    names = [name for name, _ in plots[0].curves]
    columns = 4
    legend = math.ceil(len(names) / columns) * 20 + 10
    width, height = WIDTH * len(plots), HEIGHT + legend
    lines = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
             'font-family="sans-serif" font-size="12" fill="#222">',
             f'<rect width="{width}" height="{height}" fill="#fff"/>']
    for index, plot in enumerate(plots):
        lines += draw(plot, index * WIDTH)
    for index, name in enumerate(names):
        left = LEFT + index % columns * (width - LEFT) / columns
        middle = HEIGHT + 10 + index // columns * 20
        colour = COLOURS[index % len(COLOURS)]
        lines.append(f'<path d="M{left:.1f} {middle}h24" stroke="{colour}" stroke-width="2"/>')
        lines.append(f'<text x="{left + 30:.1f}" y="{middle + 4}">{html.escape(name)}</text>')
    return "\n".join([*lines, "</svg>", ""])
