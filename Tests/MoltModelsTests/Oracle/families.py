"""What transformers computes for small models of every family that it knows: the oracle of `OracleTests`.

    families.py FOLDER      writes FOLDER/<case>.safetensors for each case

A file holds weight/NAME under the names of checkpoints, tokens, logits in fp32 and fp64, gradient/NAME in fp64, and the
losses of 50 steps of AdamW; of 20 where there is no class, and a recurrence written from a paper stands in. Its
metadata say what the same model is in a recipe ("model"), and how far transformers is from fp64 in bf16.
"""
import contextlib
import json
import multiprocessing
import os
import pathlib
import sys

import numpy as np
import torch
from safetensors.torch import save_file
from transformers.models.recurrent_gemma.modeling_recurrent_gemma import RecurrentGemmaRglru

from cases import CASES
from numbers_by_name import tokens, weight
from papers import PaperModel

LENGTH, STEPS, PAPER_STEPS, MANY = 37, 50, 20, 12


@contextlib.contextmanager
def double_precision():
    """Every cast to fp32 inside a model becomes one to fp64: what comes out is exact to its last few digits."""
    saved = torch.float32, torch.float, torch.Tensor.float, torch.get_default_dtype()
    torch.float32 = torch.float = torch.float64
    torch.Tensor.float = torch.Tensor.double
    torch.set_default_dtype(torch.float64)
    RecurrentGemmaRglru._rnn_scan.__defaults__ = (torch.float64,)
    try:
        yield
    finally:
        RecurrentGemmaRglru._rnn_scan.__defaults__ = (saved[0],)
        torch.float32, torch.float, torch.Tensor.float = saved[:3]
        torch.set_default_dtype(saved[3])


def set_weights(model):
    named = dict(model.named_parameters())
    with torch.no_grad():
        for name, parameter in named.items():
            parameter.copy_(weight(name, parameter.shape))
    return named


def loss_of(model, ids):
    logits = model(ids, use_cache=False).logits
    return logits, torch.nn.functional.cross_entropy(
        logits[:, :-1].reshape(-1, logits.shape[-1]).to(torch.float32), ids[:, 1:].reshape(-1))


def relative(found, truth):
    return float((found.double() - truth.double()).norm() / truth.double().norm())


def run(model, ids):
    """Logits and gradients by name."""
    named = set_weights(model)
    model.train()
    logits, loss = loss_of(model, ids)
    loss.backward()
    return logits.detach(), {name: parameter.grad.detach() for name, parameter in named.items()}


def training_losses(model, batches):
    named = set_weights(model)
    model.train()
    still = lambda name, p: p.ndim < 2 or name.endswith(("bias", "A_log", "log_A_real", "A_imag"))
    groups = [
        {"params": [p for n, p in named.items() if not still(n, p)], "weight_decay": 0.1},
        {"params": [p for n, p in named.items() if still(n, p)], "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, lr=2e-3, betas=(0.9, 0.95), eps=1e-8)
    losses = []
    for ids in batches:
        optimizer.zero_grad()
        loss = loss_of(model, ids)[1]
        loss.backward()
        torch.nn.utils.clip_grad_norm_(list(named.values()), 1.0)
        optimizer.step()
        losses.append(loss.item())
    return torch.tensor(losses, dtype=torch.float64)


def on_disk(model, names, folder):
    """The names under which the library writes its parameters."""
    model.save_pretrained(folder)
    from safetensors import safe_open

    with safe_open(f"{folder}/model.safetensors", "pt") as file:
        stored = set(file.keys())
    result = {}
    for name in names:
        written = name if name in stored else "backbone." + name.removeprefix("model.")
        result[name] = written if written in stored else name
    return result


def write(case, folder):
    vocabulary = case.molt["vocab_size"]
    ids = tokens("tokens", (2, LENGTH), vocabulary)
    single = case.build()
    steps = PAPER_STEPS if isinstance(single, PaperModel) else STEPS
    batches = [tokens(f"step {step}", (2, LENGTH), vocabulary) for step in range(steps)]
    logits, gradients = run(single, ids)
    with double_precision():
        exact_logits, exact = run(case.build().double(), ids)
    # More tokens for bf16: what is rounded up here and down there is luck, and evens out.
    many = tokens("many tokens", (MANY, LENGTH), vocabulary)
    with double_precision():
        many_logits, many_exact = run(case.build().double(), many)
    with torch.autocast("cpu", torch.bfloat16):
        rounded_logits, rounded = run(case.build(), many)
    names = on_disk(single, exact.keys(), folder / "saved" / case.name)
    tensors = {"tokens": ids, "logits": logits, "exact_logits": exact_logits}
    tensors |= {"many_tokens": many, "many_logits": many_logits}
    tensors["train_tokens"] = torch.stack(batches)
    tensors["train_losses"] = training_losses(case.build(), batches)
    for name, gradient in exact.items():
        tensors[f"weight/{names[name]}"] = weight(name, gradient.shape)
        tensors[f"gradient/{names[name]}"] = gradient
        tensors[f"many_gradient/{names[name]}"] = many_exact[name]
    flat = lambda gradients: torch.cat([gradients[name].double().reshape(-1) for name in exact])
    metadata = {
        "model": json.dumps(case.molt),
        "bf16_logits": str(relative(rounded_logits, many_logits)),
        "bf16_gradients": str(relative(flat(rounded), flat(many_exact))),
        "fp32_logits": str(relative(logits, exact_logits)),
        "fp32_gradients": str(relative(flat(gradients), flat(exact))),
    }
    part = folder / f".{case.name}.part"
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, part, metadata)
    part.rename(folder / f"{case.name}.safetensors")


def write_number(number, folder):
    write(CASES[number], folder)


if __name__ == "__main__":
    torch.manual_seed(0)
    torch.set_num_threads(1)
    target = pathlib.Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    # One process a core; nothing of torch has run before they part.
    with multiprocessing.get_context("fork").Pool(min(4, os.cpu_count() or 1)) as pool:
        pool.starmap(write_number, [(number, target) for number in range(len(CASES))], chunksize=1)
