# SPDX-License-Identifier: Apache-2.0
"""Q6_K and Q8_0 blocks in numpy: quantize f32 rows to the bytes a GGUF stores, and decode those bytes again.

Written from the format descriptions, not from the engine, so that it can judge the engine. All arithmetic is float32
in the order of the reference quantizers; `python3 quant_blocks.py` checks the known blocks.
"""

import zlib

import numpy as np

F32 = np.float32
BLOCK = {"Q8_0": (32, 34), "Q6_K": (256, 210)}  # elements, bytes


def _f16_bytes(values):
    return np.ascontiguousarray(values.astype("<f2")).view(np.uint8).reshape(-1, 2)


def quantize_q8_0(x):
    """x: float32 [n], n a multiple of 32. Returns uint8 [n / 32, 34]: f16 scale, then 32 int8."""
    x = np.asarray(x, F32).reshape(-1, 32)
    d = (np.abs(x).max(1) / F32(127)).astype(F32)
    inverse = np.divide(F32(1), d, out=np.zeros_like(d), where=d != 0)
    scaled = x * inverse[:, None]
    q = np.trunc(scaled + np.copysign(F32(0.5), scaled))  # half away from zero
    return np.hstack([_f16_bytes(d), q.astype(np.int8).view(np.uint8)])


def dequantize_q8_0(blocks):
    """The inverse of quantize_q8_0; returns float32 [n]."""
    d = np.ascontiguousarray(blocks[:, :2]).view("<f2").astype(F32)
    return (d * np.ascontiguousarray(blocks[:, 2:]).view(np.int8)).astype(F32).reshape(-1)


def _search_scales(x):
    """x: [m, 16]. Returns (scales [m], levels [m, 16] in -32..31): the best of 19 trial scales per sub-block."""
    rows = np.arange(len(x))
    extreme = x[rows, np.abs(x).argmax(1)]
    usable = np.abs(extreme) >= F32(1e-15)
    safe = np.where(usable, extreme, F32(1))
    weight = x * x

    def fit(steps):
        inverse = (F32(-1) * F32(steps) / safe).astype(F32)
        level = np.clip(np.rint(inverse[:, None] * x), -32, 31).astype(F32)
        return level, (weight * x * level).sum(1, dtype=F32), (weight * level * level).sum(1, dtype=F32)

    levels, a, b = fit(32)
    scale = np.divide(a, b, out=np.zeros_like(a), where=b > 0)
    best = scale * a
    for trial in list(range(-9, 0)) + list(range(1, 10)):
        candidate, a, b = fit(F32(32) + F32(0.1) * F32(trial))
        better = (b > 0) & (a * a > best * b)
        scale[better] = a[better] / b[better]
        best[better] = scale[better] * a[better]
        levels[better] = candidate[better]
    return np.where(usable, scale, F32(0)), np.where(usable[:, None], levels, F32(0))


def quantize_q6_k(x):
    """x: float32 [n], n a multiple of 256. Returns uint8 [n / 256, 210]: ql, qh, int8 scales, f16 d."""
    x = np.asarray(x, F32).reshape(-1, 16)
    scale, level = _search_scales(x)
    scale, level, x = scale.reshape(-1, 16), level.reshape(-1, 16, 16), x.reshape(-1, 16, 16)
    peak = scale[np.arange(len(scale)), np.abs(scale).argmax(1)]
    alive = np.abs(peak) >= F32(1e-15)
    inverse = (F32(-128) / np.where(alive, peak, F32(1))).astype(F32)
    d = np.where(alive, F32(1) / inverse, F32(0)).astype("<f2")
    sub = np.minimum(127, np.rint(inverse[:, None] * scale)).astype(np.int8)
    step = (d.astype(F32)[:, None] * sub).astype(F32)[:, :, None]
    exact = np.clip(np.rint(np.divide(x, step, out=np.zeros_like(x), where=step != 0)), -32, 31)
    q = (np.where(step != 0, exact, level) + 32).astype(np.uint8).reshape(-1, 2, 4, 32)  # half, group, lane
    low = (q[:, :, :2] & 15) | ((q[:, :, 2:] & 15) << 4)
    high = (q >> 4) << np.array([0, 2, 4, 6], np.uint8)[:, None]
    blocks = np.hstack([low.reshape(-1, 128), np.bitwise_or.reduce(high, axis=2).reshape(-1, 64),
                        sub.view(np.uint8), _f16_bytes(d)])
    blocks[~alive] = 0
    return blocks


def dequantize_q6_k(blocks):
    """The inverse of quantize_q6_k; returns float32 [n]. Order: (d * scale) * level."""
    low = blocks[:, :128].reshape(-1, 2, 2, 32)
    high = blocks[:, 128:192].reshape(-1, 2, 1, 32) >> np.array([0, 2, 4, 6], np.uint8)[:, None]
    low = np.concatenate([low & 15, low >> 4], axis=2)  # [blocks, half, group, lane]
    q = (low | ((high & 3) << 4)).astype(np.int16) - 32
    scales = np.ascontiguousarray(blocks[:, 192:208]).view(np.int8).astype(F32)
    d = np.ascontiguousarray(blocks[:, 208:]).view("<f2").astype(F32)
    return ((d * scales)[:, :, None] * q.reshape(-1, 16, 16).astype(F32)).astype(F32).reshape(-1)


QUANTIZE = {"Q8_0": quantize_q8_0, "Q6_K": quantize_q6_k}
DEQUANTIZE = {"Q8_0": dequantize_q8_0, "Q6_K": dequantize_q6_k}


def lcg(seed, count):
    """The generator of all seeded test values: float32 in [-1, 1). Returns (values, last state)."""
    values, state = np.empty(count, F32), seed
    for i in range(count):
        state = (1664525 * state + 1013904223) % 2**32
        values[i] = ((state >> 8) - 8388608) / 8388608
    return values, state


def self_check():
    """Known blocks: decoding of a byte ramp and encoding of seeded values."""
    def ramp(kind, at):
        block = ((37 * np.arange(BLOCK[kind][1]) + 11) % 256).astype(np.uint8)
        block[at:at + 2] = 0x00, 0x38  # d = 0.5
        return DEQUANTIZE[kind](block[None])

    q8, q6 = ramp("Q8_0", 0), ramp("Q6_K", 208)
    assert q8[[0, 1, 15, 16, 17, 31]].tolist() == [42.5, 61, -64, -45.5, -27, -24] and q8.sum() == -88
    assert q6[[0, 1, 31, 32, 63, 64, 95]].tolist() == [-715.5, 848, -48, 115.5, -290, -1520, 1488]
    assert q6[[96, 127, 128, 160, 200, 255]].tolist() == [-435, 750, -175.5, 335.5, 544.5, -30] and q6.sum() == 2306
    x = lcg(1, 256)[0]
    assert zlib.crc32(quantize_q8_0(x[:32]).tobytes()) == 0x05BA88A3
    assert zlib.crc32(quantize_q6_k(x).tobytes()) == 0x2EE867B6


if __name__ == "__main__":
    self_check()
    print("quant_blocks: all known blocks match")
