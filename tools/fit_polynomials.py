# SPDX-License-Identifier: Apache-2.0
"""Fits the polynomials of src/kernels/cpu/vector_math.h and prints their float32 coefficients.

Remez exchange on the relative error, in 50 digits. Needs only mpmath.
"""
import struct

import mpmath as mp

mp.mp.dps = 50


def remez(target, basis, weight, low, high, rounds=12):
    """Coefficients c minimising max |(sum c_i basis_i(x) - target(x)) * weight(x)| on [low, high]."""
    count = len(basis)
    points = [low + (high - low) * (1 - mp.cos(mp.pi * i / count)) / 2 for i in range(count + 1)]
    for _ in range(rounds):
        rows = [[b(x) for b in basis] + [(-1) ** i / weight(x)] for i, x in enumerate(points)]
        solution = mp.lu_solve(mp.matrix(rows), mp.matrix([target(x) for x in points]))
        coefficients = list(solution)[:count]

        def error(x):
            return (sum(c * b(x) for c, b in zip(coefficients, basis)) - target(x)) * weight(x)

        grid = [low + (high - low) * i / mp.mpf(2000) for i in range(2001)]
        values = [error(x) for x in grid]
        extrema, start = [], 0
        for i in range(1, len(grid) + 1):  # the largest error of each run of one sign
            if i == len(grid) or values[i] * values[start] < 0:
                extrema.append(max(range(start, i), key=lambda k: abs(values[k])))
                start = i
        if len(extrema) < count + 1:
            break
        while len(extrema) > count + 1:
            extrema.pop(0 if abs(values[extrema[0]]) < abs(values[extrema[-1]]) else -1)
        points = [grid[k] for k in extrema]
    return coefficients, max(abs(v) for v in values)


def show(name, coefficients, error):
    print(f"{name}: max relative error {mp.nstr(error, 3)} before rounding to float32")
    for c in coefficients:
        single = struct.unpack("<f", struct.pack("<f", float(c)))[0]
        print(f"  {single:.9e}F")


def main():
    half_ln2 = mp.log(2) / 2 * mp.mpf("1.001")
    # exp(r) = 1 + r + r^2 q(r)
    exp_fit = remez(lambda r: mp.exp(r) - 1 - r, [lambda r, k=k: r ** (k + 2) for k in range(5)],
                    lambda r: 1 / mp.exp(r), -half_ln2, half_ln2)
    show("exp, q of degree 4", *exp_fit)
    # tanh(x) = x + x^3 p(x^2), 0 < x <= 0.625
    tanh_fit = remez(lambda x: mp.tanh(x) - x, [lambda x, k=k: x ** (2 * k + 3) for k in range(5)],
                     lambda x: 1 / mp.tanh(x), mp.mpf("1e-6"), mp.mpf("0.625"))
    show("tanh, p of degree 4", *tanh_fit)
    ln2_high = mp.mpf(struct.unpack("<f", struct.pack("<I", 0x3F317200))[0])
    print(f"ln2 high {float(ln2_high):.10e}, low {float(mp.log(2) - ln2_high):.10e}")
    print(f"log2(e) {float(1 / mp.log(2)):.10e}")


if __name__ == "__main__":
    main()
