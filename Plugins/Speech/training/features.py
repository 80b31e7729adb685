"""Features as the plugin makes them (Features/FeatureExtractor.swift, StreamingFeatures.swift), in numpy: logarithms of the
power on the mel scale, each band normalised over the utterance or by what was heard so far."""

import math

import numpy as np
import scipy.fft
from transformers.audio_utils import mel_filter_bank

RATE, HOP, WINDOW, TRANSFORM, BANDS = 16000, 160, 400, 512, 80
PREEMPHASIS, GUARD, EPSILON = 0.97, 2.0**-24, 1e-5
# Seconds after which a frame of live sound counts 1/e of a new one.
MEMORY = 30.0

HANN = np.pad(np.hanning(WINDOW), (TRANSFORM - WINDOW) // 2).astype(np.float32)
MEL = mel_filter_bank(TRANSFORM // 2 + 1, BANDS, 0.0, RATE / 2, RATE, norm="slaney", mel_scale="slaney").astype(np.float32)


def warped_mel(factor):
    """Filters that hear a vocal tract longer or shorter by a factor near 1: each at `factor` times its frequency."""
    if factor == 1:
        return MEL
    place = np.minimum(np.arange(len(MEL)) * factor, len(MEL) - 1)
    low = np.minimum(place.astype(int), len(MEL) - 2)
    share = (place - low)[:, None].astype(np.float32)
    return (1 - share) * MEL[low] + share * MEL[low + 1]


def logarithms(samples, mel=MEL):
    """`[frames, bands]` of float32 samples at RATE; a frame for each HOP that is full."""
    count = len(samples) // HOP
    emphasised = samples.astype(np.float32)
    emphasised[1:] -= np.float32(PREEMPHASIS) * samples[:-1]
    padded = np.pad(emphasised, TRANSFORM // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, TRANSFORM)[::HOP][:count]
    spectrum = scipy.fft.rfft(frames * HANN, axis=1)
    power = spectrum.real**2 + spectrum.imag**2
    return np.log(power @ mel + np.float32(GUARD))


def normalised(rows):
    """Each band with mean 0 and deviation 1 over the utterance."""
    rows = rows.astype(np.float64)
    return ((rows - rows.mean(0)) / (rows.std(0, ddof=1) + EPSILON)).astype(np.float32)


def live(rows, block, first):
    """Each band by the mean and deviation of what was heard so far: frames of block b by all up to the end of block
    max(b, first - 1), older ones fading."""
    count = len(rows)
    rows = rows.astype(np.float64)
    # Weights relative to the first frame's, which any frame's mean may be scaled by.
    weights = math.exp(HOP / (RATE * MEMORY)) ** np.arange(count)
    total = np.cumsum(weights)
    mean = np.cumsum(weights[:, None] * rows, 0) / total[:, None]
    square = np.cumsum(weights[:, None] * rows**2, 0) / total[:, None]
    ends = np.minimum(np.maximum((np.arange(count) // block + 1) * block, first * block), count) - 1
    # Of weights that are 1 for the newest frame, as the plugin counts them.
    sizes = (total / weights)[ends][:, None]
    variance = np.maximum(square - mean**2, 0)[ends] * sizes / np.maximum(sizes - 1, 1e-9)
    return ((rows - mean[ends]) / (np.sqrt(variance) + EPSILON)).astype(np.float32)
