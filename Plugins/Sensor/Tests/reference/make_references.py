#!/usr/bin/env python3
"""Writes the small CSV files of the tests, and what numpy and scipy make of them (expected.json).

    python3 -m pip install numpy scipy
    python3 Tests/reference/make_references.py

Every number is read back from the CSV file, so that both sides start from the same decimals.
"""

import json
from pathlib import Path

import numpy as np
from scipy import signal, stats

HERE = Path(__file__).parent
ZERO_PADDED = 2  # at least; see Spectrum.choose


def crest(frequencies, squares, index):
    """The parabola through three logarithms: frequency and height of its crest."""
    left, centre, right = np.log(squares[index - 1 : index + 2])
    offset = 0.5 * (left - right) / (left - 2 * centre + right)
    step = frequencies[1] - frequencies[0]
    return frequencies[index] + offset * step, np.exp(centre - 0.25 * (left - right) * offset)


def length_of_transform(rows):
    length = 2
    while length < ZERO_PADDED * rows:
        length *= 2
    return length


def strongest(frequencies, squares, variance, duration):
    maxima = signal.argrelmax(squares)[0]
    maxima = maxima[frequencies[maxima] >= 2 / duration - 1e-12]
    frequency, squared = crest(frequencies, squares, maxima[np.argmax(squares[maxima])])
    return {"frequency": frequency, "amplitude": np.sqrt(squared), "strength": min(1, squared / 2 / variance)}


def fourier(values, interval):
    """scipy.signal.welch over one segment is the windowed, detrended periodogram; 'spectrum' scales to A²/2."""
    return welch(values, interval, len(values))


def welch(values, interval, rows):
    length = length_of_transform(rows)
    frequencies, powers = signal.welch(
        values, 1 / interval, window="hann", nperseg=rows, noverlap=0, nfft=length, detrend="linear",
        scaling="spectrum")
    segments = values[: len(values) // rows * rows].reshape(-1, rows)
    variance = np.mean(signal.detrend(segments, axis=1) ** 2)
    return strongest(frequencies, 2 * powers, variance, (rows - 1) * interval)


def lomb_scargle(times, values):
    slope, level = np.polyfit(times, values, 1)
    detrended = values - slope * times - level
    span = times[-1] - times[0]
    frequencies = np.arange(1, 5 * len(times) // 2 + 1) / (5 * span)
    powers = signal.lombscargle(times, detrended, 2 * np.pi * frequencies)
    return strongest(frequencies, powers * 4 / len(times), np.mean(detrended**2), span)


def moments(times, values):
    slope = np.polyfit(times, values, 1)[0]
    return {
        "mean": np.mean(values), "standardDeviation": np.std(values, ddof=1), "slope": slope,
        "minimum": [times[np.argmin(values)], np.min(values)],
        "maximum": [times[np.argmax(values)], np.max(values)],
    }


def peaks(times, values, most):
    found, _ = signal.find_peaks(values, distance=max(1, len(values) // 100))
    found = found[np.argsort(-values[found], kind="stable")][:most]
    return [[times[i], values[i]] for i in found]


def are_outliers(times, values):
    slope, level = np.polyfit(times, values, 1)
    detrended = values - slope * times - level
    scale = stats.median_abs_deviation(detrended) / 0.6745
    return np.abs(detrended - np.median(detrended)) > 6 * scale


def without_outliers(times, values):
    keep = ~are_outliers(times, values)
    return np.interp(times, times[keep], values[keep])


def write(name, header, columns, form):
    path = HERE / name
    np.savetxt(path, np.column_stack(columns), fmt=form, delimiter=",", header=header, comments="")
    return np.loadtxt(path, delimiter=",", skiprows=1).T


def main():
    random = np.random.default_rng(20240501)
    expected = {}

    rows, interval = 375, 0.02
    times = np.arange(rows) * interval
    oscillating = 1.5 * np.sin(2 * np.pi * 7.3 * times) + 0.2 * random.standard_normal(rows) + 0.1 * times
    noise = 9.81 + 0.05 * random.standard_normal(rows)
    spiked = -0.8 * times + 0.3 * np.sin(2 * np.pi * 0.9 * times + 1) + 0.02 * random.standard_normal(rows)
    spiked[[100, 222]] += [12, -9]
    columns = write("even.csv", "time (s),ax (m/s²),noise,spiked [g]", [times, oscillating, noise, spiked], "%.4f")
    expected["even"] = {
        name: moments(columns[0], values)
        | {"peaks": peaks(columns[0], values, 5), "outliers": int(np.sum(are_outliers(columns[0], values)))}
        | ({} if name == "noise" else {"oscillation": fourier(without_outliers(columns[0], values), interval)})
        for name, values in zip(["ax", "noise", "spiked"], columns[1:])
    }

    times = np.unique(np.round(random.uniform(0, 40, 300), 3))
    values = 2 + 0.7 * np.sin(2 * np.pi * 1.234 * times + 0.4) + 0.2 * random.standard_normal(len(times))
    times, values = write("uneven.csv", "t,level", [times, values], ["%.3f", "%.5f"])
    times -= times[0]
    expected["uneven"] = moments(times, values) | {"oscillation": lomb_scargle(times, values)}

    rows, interval = 1024, 0.01
    times = np.arange(rows) * interval
    values = np.sin(2 * np.pi * 11.7 * times) + 2 * random.standard_normal(rows)
    times, values = write("stretches.csv", "t,x", [times, values], ["%.2f", "%.4f"])
    expected["stretches"] = moments(times, values) | {"oscillation": welch(values, interval, 256)}

    (HERE / "expected.json").write_text(json.dumps(expected, indent=1) + "\n")


main()
