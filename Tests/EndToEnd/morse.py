"""Sound with Morse code in it, which the plugin of SDK/Examples/Morse reads: real speech to it, and made in a moment."""

import io
import math
import struct
import wave

import checkout

LIBRARY = checkout.ROOT / "SDK" / "Examples" / "Morse" / ".build" / "release" / "libMorse.so"
RATE = 8000
CODE = {
    "A": ".-", "B": "-...", "C": "-.-.", "D": "-..", "E": ".", "F": "..-.", "G": "--.", "H": "....", "I": "..",
    "J": ".---", "K": "-.-", "L": ".-..", "M": "--", "N": "-.", "O": "---", "P": ".--.", "Q": "--.-", "R": ".-.",
    "S": "...", "T": "-", "U": "..-", "V": "...-", "W": ".--", "X": "-..-", "Y": "-.--", "Z": "--..",
}


def pcm(text, rate=RATE, words_per_minute=20, channels=1):
    """16-bit little-endian samples of `text`: a tone of 600 Hz."""
    dot = round(1.2 / words_per_minute * rate)
    tone = [round(12000 * math.sin(2 * math.pi * 600 * i / rate)) for i in range(3 * dot)]
    samples = []
    for word in text.split():
        for letter in word:
            for mark in CODE[letter]:
                samples += tone[:dot if mark == "." else 3 * dot] + [0] * dot
            samples += [0] * 2 * dot
        samples += [0] * 4 * dot
    samples = [sample for sample in samples for _ in range(channels)]
    return struct.pack(f"<{len(samples)}h", *samples)


def sound(text, rate=RATE, **options):
    """The same as a WAVE file."""
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(options.get("channels", 1))
        writer.setsampwidth(2)
        writer.setframerate(rate)
        writer.writeframes(pcm(text, rate, **options))
    return file.getvalue()


def plugin(**fields):
    """Its element of a registry; fails where it is not built."""
    if not LIBRARY.exists():
        raise AssertionError(
            f"{LIBRARY.relative_to(checkout.ROOT)} is missing; build it by: swift build -c release --package-path "
            "SDK/Examples/Morse")
    return checkout.plugin(LIBRARY, "morse", "audio", ("audio/wav",), "1.0.0", **fields)
