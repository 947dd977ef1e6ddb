"""Weights and tokens by formula: the same on every machine, and spread so that every path of a model matters."""
import pathlib
import sys

import numpy as np
import torch

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[3] / "Scripts/goldens"))
from synthetic import uniform  # noqa: E402


def center_and_spread(name, shape):
    last = name.rsplit(".", 2)[-2:]
    if name.endswith(("log_dt", "log_A_real")):
        return (-3.0, 1.5) if name.endswith("log_dt") else (-0.7, 0.5)
    if name.endswith("A_imag"):
        return 6.0, 6.0
    if name.endswith("A_log"):
        return 1.4, 1.3
    if name.endswith(("dt_bias", "dt_proj.bias")):
        return -2.0, 2.0
    if name.endswith(".D"):
        return 1.0, 0.5
    if name.endswith("recurrent_param"):
        return -4.0, 2.0
    if name.endswith("bias"):
        return 0.0, 0.5
    if "norm" in last[0]:
        return (0.1, 0.3) if "pre_norm" in last[0] or "final_norm" in last[0] else (1.0, 0.3)
    if last[0] in ("conv1d", "conv_1d"):
        return 0.0, 0.5
    if last[0] in ("embeddings", "embed_tokens"):
        return 0.0, 1.0
    return 0.0, 1.7 / shape[-1] ** 0.5


def weight(name, shape):
    center, spread = center_and_spread(name, list(shape))
    values = center + spread * uniform(name, int(np.prod(list(shape))))
    return torch.from_numpy(values.astype(np.float32)).reshape(list(shape))


def tokens(name, shape, vocabulary):
    """From 1 on: some families give the first row of the embeddings no gradient."""
    unit = (uniform(name, int(np.prod(shape))) + 1) / 2
    return torch.from_numpy((1 + unit * (vocabulary - 1)).astype(np.int64)).reshape(shape)
