"""Weights and tokens by formula, so that golden files need not carry them.

The Swift side of the formula is `SyntheticWeights` in Tests/MoltModelsTests; change both or neither.
"""
import base64

import numpy as np
import torch


def uniform(name: str, count: int) -> np.ndarray:
    """`count` numbers in [-1, 1), the same on every machine: a 32-bit hash of the index and of the name."""
    seed = np.uint32(2166136261)
    with np.errstate(over="ignore"):
        for byte in name.encode():
            seed = np.uint32((int(seed) ^ byte) * 16777619 & 0xFFFFFFFF)
        x = np.arange(count, dtype=np.uint32) * np.uint32(2654435761) + seed
        x ^= x >> np.uint32(16)
        x *= np.uint32(0x85EBCA6B)
        x ^= x >> np.uint32(13)
        x *= np.uint32(0xC2B2AE35)
        x ^= x >> np.uint32(16)
    return x.astype(np.float64) / 2.0**31 - 1.0


def center_and_spread(name: str, shape: list[int]) -> tuple[float, float]:
    last = name.rsplit(".", 2)[-2:]
    if name.endswith("A_log"):
        return 1.4, 1.3
    if name.endswith("dt_bias"):
        return -2.0, 2.0
    if name.endswith(".D"):
        return 1.0, 0.5
    if "norm" in last[0]:
        return 1.0, 0.3
    if last[0] == "conv1d":
        return 0.0, 0.5
    if last[0] == "embeddings":
        return 0.0, 1.0
    return 0.0, 1.7 / shape[-1] ** 0.5


def weight(name: str, shape) -> torch.Tensor:
    shape = list(shape)
    center, spread = center_and_spread(name, shape)
    values = center + spread * uniform(name, int(np.prod(shape)))
    return torch.from_numpy(values.astype(np.float32)).reshape(shape)


def tokens(name: str, shape, vocabulary: int) -> torch.Tensor:
    unit = (uniform(name, int(np.prod(shape))) + 1) / 2
    return torch.from_numpy((unit * vocabulary).astype(np.int64)).reshape(shape)


def packed(tensor: torch.Tensor) -> dict:
    """A tensor as its shape and its little-endian fp32 bytes in base 64."""
    raw = tensor.detach().to(torch.float32).contiguous().numpy().astype("<f4").tobytes()
    return {"shape": list(tensor.shape), "fp32": base64.b64encode(raw).decode()}
