"""Prints the polynomial by which rows.c computes erfc, and how near it comes: log2 erfc(z) on 0 … 4, zero at 0, fitted so
that the greatest error of erfc itself is least (Lawson's iteration of weighted least squares).

    python3 SDK/Scripts/fit_erfc.py    # with numpy
"""

import math

import numpy as np

DEGREE, END = 8, 4.0

z = (np.cos(np.linspace(0, np.pi, 4000)) + 1) * END / 2
erfc = np.array([math.erfc(value) for value in z])
powers = np.stack([z**k for k in range(1, DEGREE + 1)], 1)
weights = np.ones(len(z))
for _ in range(60):
    scale = erfc * np.sqrt(weights)
    coefficients = np.linalg.lstsq(powers * scale[:, None], np.log2(erfc) * scale, rcond=None)[0]
    error = np.abs(powers @ coefficients - np.log2(erfc)) * erfc * math.log(2)
    weights *= error / error.max() + 1e-12
    weights /= weights.mean()
print("coefficients of z, z², …:", ", ".join(f"{value:.9g}f" for value in coefficients.astype(np.float32)))
print(f"greatest error of erfc: {error.max():.1e}")
