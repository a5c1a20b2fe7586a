"""Weights and inputs from a formula, so that golden files need not hold them. The same as ../src/formula.ts.

Element i of the tensor called `name` comes from 32 well-mixed bits: FNV-1a of the name, xor i * 0x9e3779b9, through the
finaliser of MurmurHash3. Their upper 24 bits make a number from -1 to 1, exact in float32.
"""
import math

import numpy as np


def mix(h):
    """The finaliser of MurmurHash3, on an array of uint32."""
    h = (h ^ (h >> np.uint32(16))) * np.uint32(0x85EBCA6B)
    h = (h ^ (h >> np.uint32(13))) * np.uint32(0xC2B2AE35)
    return h ^ (h >> np.uint32(16))


def fnv1a(text):
    h = 0x811C9DC5
    for byte in text.encode():
        h = ((h ^ byte) * 0x01000193) & 0xFFFFFFFF
    return h


def bits(name, count):
    return mix(np.uint32(fnv1a(name)) ^ (np.arange(count, dtype=np.uint32) * np.uint32(0x9E3779B9)))


def uniform(name, count):
    """float64 in [-1, 1), exact in float32."""
    return (bits(name, count) >> np.uint32(8)).astype(np.float64) * 2.0**-23 - 1


def values(name, shape):
    """The tensor of an input or of a parameter, by its name and shape, as float32."""
    count = math.prod(shape)
    u = uniform(name, count)
    last = name.rsplit(".", 1)[-1]
    if last == "running_var" or (last == "weight" and len(shape) == 1):
        u = 1 + 0.5 * u
    elif last == "running_mean" or last == "bias":
        u = 0.25 * u
    elif last.startswith("weight"):
        u = math.sqrt(3 / max(1, math.prod(shape[1:]))) * u  # variance 1 / fan-in
    return u.astype(np.float32).reshape(shape)
