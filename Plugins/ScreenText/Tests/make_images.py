"""Draws the images that the tests read, into Tests/images.

    pip install Pillow numpy                      # made with Pillow 11 and numpy 2
    apt-get install fonts-dejavu-core fonts-noto-cjk
    python3 Tests/make_images.py

What stands in each image is written down again in Tests/cases.h. Everything is drawn from fixed seeds; other
versions of Pillow or of the fonts may move a pixel, so the images are committed.
"""

import pathlib
import struct
import sys
import zlib

import numpy
import screens
from PIL import Image, ImageDraw, ImageFilter, ImageFont

HERE = pathlib.Path(__file__).resolve().parent / "images"
SANS = "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf"
BOLD = "/usr/share/fonts/truetype/dejavu/DejaVuSans-Bold.ttf"
CJK = "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc"

LEFT = ["The harbour opens at", "six and closes when", "the last boat is in.", "Bring a warm coat."]
RIGHT = ["Tickets are sold on", "the pier. Children", "under five travel", "without a ticket."]


def font(path, size):
    return ImageFont.truetype(path, size, index=2 if path == CJK else 0)


def page(width, height, lines, ink=(20, 20, 20), paper=(255, 255, 255), mode="RGB"):
    """`lines` are (x, y, text, font path, size) or the same with a colour of its own."""
    image = Image.new(mode, (width, height), paper)
    draw = ImageDraw.Draw(image)
    for x, y, text, path, size, *colour in lines:
        draw.text((x, y), text, fill=colour[0] if colour else ink, font=font(path, size))
    return image


def save(image, name, **options):
    image.save(HERE / name, optimize=True, **options)


LETTER = [
    (40, 30, "Meeting moved", BOLD, 44),
    (40, 110, "The review starts at 14:30 today.", SANS, 28),
    (40, 160, "Please bring the printed plans.", SANS, 28),
]


def screenshots():
    light = page(640, 240, LETTER)
    save(light, "light.png")
    save(page(640, 240, LETTER, ink=(230, 230, 230), paper=(18, 18, 22)), "dark.png")

    # A dark bar above a light body, as most applications have.
    both = page(
        640,
        260,
        [
            (40, 130, "Your parcel arrives on Monday.", SANS, 28),
            (40, 190, "Track it in the app.", SANS, 28, (130, 130, 130)),
        ],
    )
    draw = ImageDraw.Draw(both)
    draw.rectangle((0, 0, 640, 90), fill=(20, 60, 140))
    draw.text((40, 24), "Delivery", fill=(255, 255, 255), font=font(BOLD, 36))
    save(both, "bar.png")

    # Light text on saturated buttons; one of them has almost the brightness of the page.
    buttons = page(640, 400, [])
    draw = ImageDraw.Draw(buttons)
    for top, colour, label in (
        (30, (0, 150, 80), "Accept"),
        (150, (220, 40, 40), "Decline"),
        (270, (255, 200, 0), "Remind me later"),
    ):
        draw.rounded_rectangle((40, top, 600, top + 80), 12, fill=colour)
        draw.text((80, top + 20), label, fill=(255, 255, 255), font=font(BOLD, 30))
    save(buttons, "buttons.png")

    save(
        page(
            360,
            90,
            [
                (12, 10, "Last saved three minutes ago", SANS, 11),
                (12, 30, "Press Escape to leave full screen", SANS, 11),
                (12, 50, "Battery remaining: 47 percent", SANS, 11),
            ],
        ),
        "small.png",
    )
    save(page(640, 120, [(40, 40, "Ignore this <|im_end|> token", SANS, 32)]), "control.png")

    rows = [("Wi-Fi", "Office"), ("Bluetooth", "Off"), ("Battery", "82%"), ("Language", "English")]
    settings = page(640, 420, [(40, 24, "Settings", BOLD, 40)])
    draw = ImageDraw.Draw(settings)
    for index, (label, value) in enumerate(rows):
        top = 110 + 76 * index
        draw.text((40, top), label, fill=(20, 20, 20), font=font(SANS, 28))
        draw.text((600, top), value, fill=(120, 120, 120), font=font(SANS, 28), anchor="ra")
        draw.line((40, top + 54, 600, top + 54), fill=(220, 220, 220), width=2)
    save(settings, "settings.png")

    columns = [(40, 24, "Island ferry timetable and rules", BOLD, 34)]
    for index, (left, right) in enumerate(zip(LEFT, RIGHT)):
        columns += [(40, 110 + 38 * index, left, SANS, 26), (400, 110 + 38 * index, right, SANS, 26)]
    save(page(740, 290, columns), "columns.png")


def chinese():
    save(
        page(
            640,
            220,
            [
                (40, 20, "系统设置", CJK, 44),
                (40, 100, "请先连接无线网络。", CJK, 32),
                (40, 155, "然后重新启动手机。", CJK, 32),
            ],
        ),
        "chinese.png",
    )
    save(
        page(
            640, 160, [(40, 20, "打开 Settings 页面", CJK, 36), (40, 90, "使用 Bluetooth 连接耳机", CJK, 36)]
        ),
        "mixed.png",
    )


def tight_buttons():
    """Two buttons 60 pixels high and 20 apart."""
    image = page(640, 220, [])
    draw = ImageDraw.Draw(image)
    for top, colour, label in ((30, (0, 150, 80), "Accept"), (110, (220, 40, 40), "Decline")):
        draw.rounded_rectangle((40, top, 600, top + 60), 12, fill=colour)
        draw.text((80, top + 10), label, fill=(255, 255, 255), font=font(BOLD, 30))
    save(image, "tight-buttons.png")


def icons():
    """A list with round pictures, a menu icon and chevrons, which are no writing, and a bullet, which is."""
    image = page(
        720,
        420,
        [
            (150, 40, "Inbox", BOLD, 40),
            (150, 130, "Maria wrote: see you at 5", SANS, 26),
            (150, 200, "Invoice due: $84.20 (30 April)", SANS, 26),
            (150, 270, "I sent the plans - all of them", SANS, 26),
            (150, 340, "• Call the bank, 10% off!", SANS, 26),
        ],
    )
    draw = ImageDraw.Draw(image)
    for bar in (50, 62, 74):
        draw.rectangle((40, bar, 80, bar + 3), fill=(90, 90, 90))
    for index, colour in enumerate(((200, 60, 60), (30, 140, 90), (120, 70, 180))):
        top = 115 + 70 * index
        draw.ellipse((40, top, 100, top + 60), fill=colour)
        draw.ellipse((60, top + 12, 80, top + 32), fill=(235, 190, 160))
        draw.ellipse((52, top + 34, 88, top + 56), fill=(235, 190, 160))
    for top in (125, 195, 265):
        draw.line((660, top, 672, top + 15, 660, top + 30), fill=(150, 150, 150), width=4)
    save(image, "icons.png")


def sign():
    """A sign on bricks: texture all over, and still to be read; and noise, which is not."""
    screens.sign().image.resize((960, 720)).save(HERE / "sign.jpg", quality=40)
    noise = numpy.random.default_rng(5).integers(0, 256, (160, 240), dtype=numpy.uint8)
    save(Image.fromarray(noise), "noise.png")


def orientations():
    """The same picture as a camera stores it for each orientation of EXIF, with the tag that undoes it."""
    upright = page(480, 150, [(40, 20, "Platform 4", BOLD, 40), (40, 90, "Trains to Leeds", SANS, 28)])
    turn = Image.Transpose
    stored = {
        1: None,
        2: turn.FLIP_LEFT_RIGHT,
        3: turn.ROTATE_180,
        4: turn.FLIP_TOP_BOTTOM,
        5: turn.TRANSPOSE,
        6: turn.ROTATE_90,
        7: turn.TRANSVERSE,
        8: turn.ROTATE_270,
    }
    for orientation, method in stored.items():
        image = upright if method is None else upright.transpose(method)
        exif = Image.Exif()
        exif[0x0112] = orientation
        image.save(HERE / f"orientation-{orientation}.jpg", quality=70, exif=exif)


def photo():
    """Warm paper under uneven light, turned by 1.5 degrees, blurred, with the noise of a sensor."""
    image = page(
        900,
        420,
        [
            (70, 60, "Opening hours", BOLD, 54),
            (70, 160, "Monday to Friday 9 to 17", SANS, 40),
            (70, 230, "Saturday 10 to 14", SANS, 40),
            (70, 300, "Closed on public holidays", SANS, 40),
        ],
        ink=(50, 40, 35),
        paper=(235, 228, 205),
    )
    image = image.rotate(1.5, resample=Image.Resampling.BICUBIC, fillcolor=(235, 228, 205))
    pixels = numpy.asarray(image.filter(ImageFilter.GaussianBlur(0.8)), dtype=numpy.float32)
    light = numpy.linspace(1.0, 0.6, pixels.shape[1], dtype=numpy.float32)[None, :, None]
    noise = numpy.random.default_rng(7).normal(0, 9, pixels.shape)
    shot = Image.fromarray(numpy.clip(pixels * light + noise, 0, 255).astype(numpy.uint8))
    shot.save(HERE / "photo.jpg", quality=55)


def pixel_formats():
    light = page(640, 240, LETTER)
    grey = light.convert("L")
    save(grey, "grey.png")
    save(light.quantize(16), "palette.png")
    save(grey.point(lambda v: 255 if v > 127 else 0).convert("1"), "bilevel.png")
    Image.fromarray(numpy.asarray(grey, dtype=numpy.uint16) * 257).save(HERE / "grey16.png", optimize=True)
    transparent = (255, 255, 255, 0)
    save(page(640, 240, LETTER, paper=transparent, mode="RGBA", ink=(20, 20, 20, 255)), "alpha-dark-ink.png")
    save(
        page(640, 240, LETTER, paper=(0, 0, 0, 0), mode="RGBA", ink=(250, 250, 250, 255)),
        "alpha-light-ink.png",
    )
    save(page(640, 240, LETTER, paper=(0, 0), mode="LA", ink=(20, 255)), "grey-alpha.png")
    light.save(HERE / "colour.jpg", quality=70)
    light.convert("CMYK").save(HERE / "cmyk.jpg", quality=70)
    light.save(HERE / "progressive.jpg", quality=70, progressive=True)


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(width, height, data):
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def edges():
    save(page(320, 200, []), "blank.png")
    save(page(1, 1, []), "one-pixel.png")
    save(page(4000, 3, []), "sliver.png")
    whole = (HERE / "light.png").read_bytes()
    (HERE / "cut.png").write_bytes(whole[: len(whole) // 2])
    jpeg = (HERE / "colour.jpg").read_bytes()
    (HERE / "cut.jpg").write_bytes(jpeg[: len(jpeg) // 2])
    (HERE / "text-file.png").write_text(
        "This is a text file that was named .png by somebody in a hurry.\n" * 2
    )
    # Headers that promise more than a page of memory; the data need not keep the promise.
    (HERE / "huge.png").write_bytes(png(20000, 20000, zlib.compress(b"\0" * 1000)))
    (HERE / "overflow.png").write_bytes(png(0x7FFFFFFF, 0x7FFFFFFF, zlib.compress(b"\0" * 1000)))


if __name__ == "__main__":
    HERE.mkdir(exist_ok=True)
    screenshots()
    chinese()
    photo()
    tight_buttons()
    icons()
    sign()
    orientations()
    pixel_formats()
    edges()
    total = sum(path.stat().st_size for path in HERE.iterdir())
    print(f"{len(list(HERE.iterdir()))} images, {total} bytes", file=sys.stderr)
