"""What a microphone, a room and a telephone line do to a voice, drawn for each hearing of a sound.

Everything linear is one product in the frequency domain: room, colour of the microphone, band; noise that does not change is
made there too.
"""

import io

import numpy as np
import scipy.fft
import soundfile

from features import RATE

TELEPHONE, CODED = 0.33, 0.05


def resampled(samples, rate, speed=1.0):
    """At RATE, spoken `speed` times as fast and as high, by cutting or filling the spectrum."""
    count = len(samples)
    made = max(1, round(count * RATE / (rate * speed)))
    if made == count:
        return samples
    size = scipy.fft.next_fast_len(count, real=True)
    whole = round(size * made / count)
    spectrum = scipy.fft.rfft(samples, size)
    kept = np.zeros(whole // 2 + 1, np.complex64)
    bins = min(len(spectrum), len(kept))
    kept[:bins] = spectrum[:bins]
    return scipy.fft.irfft(kept, whole)[:made] * np.float32(whole / size)


def decibels(value):
    return np.float32(10 ** (value / 20))


def smooth(points, frequencies):
    """A curve through points that are evenly spread over the logarithm of frequency."""
    place = np.log2(np.maximum(frequencies, 50) / 50) / np.log2(8000 / 50) * (len(points) - 1)
    return np.interp(place, np.arange(len(points)), points)


def room(draw):
    """An impulse response: the direct sound, some early reflections, and noise that dies away."""
    seconds = draw.uniform(0.08, 0.7)
    count = int(seconds * RATE)
    time = np.arange(count, dtype=np.float32) / RATE
    # Sixty decibels down at the end; what comes first is thinner.
    response = draw.standard_normal(count, np.float32) * np.exp(-6.9 * time / seconds) * (1 - np.exp(-time / 0.004))
    for _ in range(draw.integers(1, 7)):
        response[int(draw.uniform(0.001, 0.03) * RATE) % count] += draw.choice([-1, 1]) * draw.uniform(1, 5)
    response *= decibels(-draw.uniform(0, 22)) / max(1e-6, np.sqrt((response**2).sum()))
    response[0] += 1
    return response


def band(draw, frequencies):
    """What a telephone line lets through, with slopes."""
    low, high = draw.uniform(150, 350), draw.uniform(3100, 3700)
    steep = draw.uniform(3, 12)
    with np.errstate(divide="ignore", over="ignore"):
        return 1 / np.sqrt(1 + (low / np.maximum(frequencies, 1)) ** (2 * steep)) / np.sqrt(
            1 + (frequencies / high) ** (4 * steep))


def companded(samples, draw):
    """Eight bits a sample at 8 kHz: G.711's µ-law and A-law, as curves; or fewer bits, as adaptive codecs have it."""
    half = scipy.fft.rfft(samples)
    count = len(samples) // 2
    narrow = scipy.fft.irfft(half[: count // 2 + 1], count) * np.float32(count / len(samples))
    kind = draw.integers(3)
    sign, size = np.sign(narrow), np.minimum(np.abs(narrow), 1)
    if kind == 0:
        coded = np.round(np.log1p(255 * size) / np.log(256) * 127) / 127
        narrow = sign * (256**coded - 1) / 255
    elif kind == 1:
        scale = 1 + np.log(87.6)
        coded = np.where(size < 1 / 87.6, 87.6 * size, 1 + np.log(np.maximum(87.6 * size, 1))) / scale
        coded = np.round(coded * 127) / 127 * scale
        narrow = sign * np.where(coded < 1, coded, np.exp(coded - 1)) / 87.6
    else:
        # Steps that follow the level of 5 ms, as in speech codecs of few bits.
        padded = np.pad(narrow, (0, -count % 40)).reshape(-1, 40)
        step = np.maximum(np.abs(padded).max(1, keepdims=True), 1e-4) / draw.integers(3, 12)
        narrow = (np.round(padded / step) * step).reshape(-1)[:count]
    spectrum = np.zeros(len(half), np.complex64)
    spectrum[: count // 2 + 1] = scipy.fft.rfft(narrow.astype(np.float32))
    return scipy.fft.irfft(spectrum, len(samples)) * np.float32(len(samples) / count)


def coded(samples, draw):
    """Through a file of few bits a second."""
    file = io.BytesIO()
    form, kind = (("MP3", "MPEG_LAYER_III"), ("OGG", "OPUS"), ("OGG", "VORBIS"))[draw.integers(3)]
    soundfile.write(file, samples, RATE, kind, format=form, compression_level=draw.uniform(0.7, 1.0))
    file.seek(0)
    decoded, _ = soundfile.read(file, dtype="float32")
    return np.pad(decoded, (0, max(0, len(samples) - len(decoded))))[: len(samples)]


def noise(draw, count, babble):
    """Noise of level 1 that changes with time: voices of others, hum, clicks, tones, wind."""
    kind = draw.integers(5)
    time = np.arange(count, dtype=np.float32) / RATE
    if kind == 0:
        made = babble(draw, count)
    elif kind == 1:
        base = draw.choice([50, 60]) * draw.uniform(0.99, 1.01)
        made = sum(draw.uniform(0, 1) / (k**0.7) * np.sin(2 * np.pi * k * base * time + draw.uniform(0, 6.28))
                   for k in draw.integers(1, 30, 7))
    elif kind == 2:
        made = np.zeros(count, np.float32)
        for place in draw.integers(0, count, max(1, int(count / RATE * draw.uniform(0.5, 8)))):
            length = min(int(draw.uniform(0.001, 0.05) * RATE), count - place)
            made[place : place + length] += draw.standard_normal(length, np.float32) * np.linspace(1, 0, length) ** 2
    elif kind == 3:
        made = np.zeros(count, np.float32)
        for _ in range(draw.integers(1, 6)):
            start, length = draw.integers(count), int(draw.uniform(0.05, 1.5) * RATE)
            part = time[start : start + length]
            made[start : start + length] += np.sin(2 * np.pi * draw.uniform(200, 3000) * part)
    else:
        level = np.interp(time, np.linspace(0, count / RATE, 12), draw.uniform(0, 1, 12) ** 2).astype(np.float32)
        made = np.cumsum(draw.standard_normal(count, np.float32))
        made = (made - scipy.fft.irfft(scipy.fft.rfft(made)[: 1 + count // 800], count)) * level
    return made / max(1e-6, float(np.sqrt(np.mean(made**2))))


def heard(samples, draw, babble, clean=False):
    """Samples at RATE as they come out of the line, in steps of 16 bits. `babble(draw, count)` speaks in the background."""
    count = len(samples)
    if clean or draw.random() < 0.1:
        level = decibels(-draw.uniform(3, 25)) / max(1e-6, np.abs(samples).max())
        return np.round(samples * level * 32767) / np.float32(32767)
    telephone = draw.random() < TELEPHONE
    response = room(draw) if draw.random() < 0.4 else None
    # Even, and a multiple of four for half the rate of a telephone's.
    size = scipy.fft.next_fast_len(-(-(count + (0 if response is None else len(response))) // 4) * 4, real=True)
    while size % 4:
        size = scipy.fft.next_fast_len(size + 1, real=True)
    frequencies = np.arange(size // 2 + 1) * (RATE / size)
    level = float(np.sqrt(np.mean(samples**2)) + 1e-6)
    spectrum = scipy.fft.rfft(samples / np.float32(level), size)
    if response is not None:
        spectrum *= scipy.fft.rfft(response, size)
    if draw.random() < 0.6:
        # Grey noise of some slope, with a smooth colour.
        shape = decibels(smooth(draw.normal(0, 5, 8), frequencies)) * np.maximum(frequencies, 40) ** -draw.uniform(0, 1.1)
        shape *= 1 / np.sqrt(np.mean(shape**2))
        made = (draw.standard_normal(len(shape), np.float32) + 1j * draw.standard_normal(len(shape), np.float32)) * np.sqrt(
            size / 2) * shape
        spectrum += made.astype(np.complex64) * decibels(-draw.uniform(2, 35))
    if draw.random() < 0.25:
        spectrum += scipy.fft.rfft(noise(draw, count, babble).astype(np.float32), size) * decibels(-draw.uniform(3, 30))
    if draw.random() < 0.6:
        spectrum *= decibels(smooth(draw.normal(0, 4, 7), frequencies)).astype(np.float32)
    if telephone:
        spectrum *= band(draw, frequencies).astype(np.float32)
    elif draw.random() < 0.15:
        spectrum[frequencies > draw.uniform(3500, 7500)] = 0
    samples = scipy.fft.irfft(spectrum, size)
    samples *= decibels(-draw.uniform(0, 20)) / max(1e-6, np.abs(samples).max())
    if draw.random() < 0.1:
        samples = np.clip(samples * decibels(draw.uniform(0, 15)), -np.float32(0.5), np.float32(0.5))
    if telephone and draw.random() < 0.7:
        samples = companded(samples, draw)
    samples = samples[:count]
    if draw.random() < CODED:
        samples = coded(samples, draw)
    return (np.round(samples * 32767) / 32767).astype(np.float32)


def masked(features, draw):
    """SpecAugment (Park et al., 2019): bands and times that are the mean, in place."""
    for _ in range(2):
        width = draw.integers(0, 16)
        start = draw.integers(0, features.shape[1] - width + 1)
        features[:, start : start + width] = 0
    for _ in range(1 + len(features) // 150):
        width = draw.integers(0, min(25, max(2, len(features) // 12)))
        start = draw.integers(0, len(features) - width + 1)
        features[start : start + width] = 0
    return features
