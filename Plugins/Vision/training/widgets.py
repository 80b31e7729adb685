"""Controls as several toolkits draw them."""

from drawing import rounded


def draw_toggle(draw, random, box, on, accent, off):
    """A switch: a knob on the right where it is on."""
    x0, y0, x1, y1 = box
    height, look = y1 - y0, random.random()
    track = accent if on else off
    if look < 0.25:
        # A thin track and a large knob.
        middle, thin = (y0 + y1) / 2, height * 0.32
        rounded(draw, (x0, middle - thin, x1, middle + thin), thin, fill=tuple((c + 255) // 2 for c in track))
        knob, size = (track if on else (245, 245, 245)), height
    elif look < 0.45:
        rounded(draw, box, height / 2, fill=None if not on else track, outline=track, width=max(1, int(height / 10)))
        knob, size = ((255, 255, 255) if on else track), height * (0.75 if on else 0.55)
    else:
        rounded(draw, box, height / 2 if look < 0.9 else height / 5, fill=track)
        knob, size = (255, 255, 255), height * random.uniform(0.75, 0.92)
    inset = (height - size) / 2
    x = x1 - inset - size if on else x0 + inset
    if look < 0.9:
        draw.ellipse((x, y0 + inset, x + size, y0 + inset + size), fill=knob)
    else:
        rounded(draw, (x, y0 + inset, x + size, y0 + inset + size), size / 5, fill=knob)


def draw_checkbox(draw, box, checked, accent, off):
    x0, y0, x1, y1 = box
    size = x1 - x0
    if checked:
        rounded(draw, box, size / 6, fill=accent)
        points = [(x0 + 0.22 * size, y0 + 0.52 * size), (x0 + 0.43 * size, y0 + 0.74 * size), (x0 + 0.8 * size, y0 + 0.28 * size)]
        draw.line(points, fill=(255, 255, 255), width=max(1, int(size / 9)), joint="curve")
    else:
        rounded(draw, box, size / 6, outline=off, width=max(1, int(size / 10)))
