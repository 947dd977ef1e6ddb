"""What peft makes of adapters on small models of transformers, and torch of DPO: the oracle of `PEFTTests` and
`PreferenceTests`.

    adapters.py make FOLDER     writes FOLDER/<case>: an adapter that peft saved, and oracle.safetensors beside it
                                with weight/NAME of the model under the names of checkpoints, tokens and logits;
                                and FOLDER/dpo/oracle.safetensors with loss/NAME and gradient/NAME in fp64
    adapters.py check FOLDER    loads FOLDER/<case>/ours with peft, and prints how far the logits are from those
"""
import json
import pathlib
import sys
import warnings

import torch
from peft import LoraConfig, PeftModel, PromptEncoderConfig, PromptTuningConfig, get_peft_model
from safetensors.torch import load_file, save_file

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "Tests/MoltModelsTests/Oracle"))
from cases import CASES  # noqa: E402
from families import double_precision  # noqa: E402
from numbers_by_name import tokens, weight  # noqa: E402

MODELS = {case.name: case for case in CASES}
MLP = ["up_proj", "down_proj"]
ATTENTION = ["q_proj", "k_proj", "v_proj", "o_proj"]


def lora(targets, **more):
    return LoraConfig(task_type="CAUSAL_LM", r=3, lora_alpha=7, target_modules=targets, **more)


# peft adapts no out_proj of Mamba-2 and Nemotron-H, whose fused kernels would pass it by.
ADAPTERS = {
    "lora-mamba2": ("mamba2-odd", lambda: lora(["in_proj"])),
    "lora-nemotron": ("nemotron-biased", lambda: lora(["in_proj", *MLP, *ATTENTION])),
    "dora-nemotron": ("nemotron-small", lambda: lora(["in_proj", *MLP], use_dora=True)),
    "lora-bamba": ("bamba-small", lambda: lora("all-linear")),
    "dora-bamba": ("bamba-groups", lambda: lora(["in_proj", "out_proj", "q_proj"], use_dora=True)),
    "rslora-granite": (
        "granite-experts", lambda: lora(["in_proj", "out_proj", "input_linear"], use_rslora=True)),
    "lora-gemma": ("gemma-small", lambda: lora(["linear_x", "linear_y", "linear_out", "gate_proj", "q_proj"])),
    "prompt-granite": (
        "granite-dense", lambda: PromptTuningConfig(task_type="CAUSAL_LM", num_virtual_tokens=4)),
    "p-tuning-nemotron": (
        "nemotron-small",
        lambda: PromptEncoderConfig(task_type="CAUSAL_LM", num_virtual_tokens=4, encoder_hidden_size=9)),
}


def base(name, seed=""):
    model = MODELS[name].build().eval()
    with torch.no_grad():
        for key, parameter in model.named_parameters():
            parameter.copy_(weight(key, parameter.shape))
            if seed:
                parameter.mul_(1 + 0.1 * weight(seed + key, parameter.shape).to(parameter.dtype))
    return model


def logits(model, ids):
    with torch.no_grad():
        return model(input_ids=ids, use_cache=False).logits[:, -ids.shape[1]:]


def make(folder):
    dpo(folder)
    for case, (name, config) in ADAPTERS.items():
        model = base(name)
        weights = {key: value.detach().clone() for key, value in model.named_parameters()}
        adapted = get_peft_model(model, config()).eval()
        with torch.no_grad():
            for key, parameter in adapted.named_parameters():
                if parameter.requires_grad:
                    change = 0.3 * weight(key, parameter.shape)
                    parameter.copy_(parameter * (1 + change) if "magnitude" in key else change)
        ids = tokens(case, (2, 13), MODELS[name].molt["vocab_size"])
        nemotron = MODELS[name].molt["family"] == "nemotron_h"
        on_disk = lambda key: "backbone." + key.removeprefix("model.") if nemotron and key != "lm_head.weight" else key
        tensors = {f"weight/{on_disk(key)}": value.contiguous() for key, value in weights.items()}
        tensors |= {"tokens": ids, "logits": logits(adapted, ids).contiguous()}
        adapted.save_pretrained(folder / case)
        save_file(tensors, folder / case / "oracle.safetensors", {"model": json.dumps(MODELS[name].molt)})


def dpo(folder, name="bamba-small", beta=0.3, smoothing=0.1, pairs=3, length=14):
    """Section 4 of the paper, with the smoothing of Mitchell (2023), from log-probabilities of whole rows."""
    molt = MODELS[name].molt
    with double_precision():
        policy, reference = base(name).double(), base(name, "reference ").double()
        ids = tokens("dpo", (2 * pairs, length), molt["vocab_size"])
        targets = ids.roll(-1, 1)
        for row in range(2 * pairs):
            targets[row, : 2 + row] = -100
            targets[row, length - 1 - row % 3:] = -100

        def log_probabilities(model):
            scores = model(ids, use_cache=False).logits.log_softmax(-1)
            found = scores.gather(-1, targets.clamp(min=0).unsqueeze(-1)).squeeze(-1)
            return (found * (targets >= 0)).sum(-1)

        ratios = (log_probabilities(policy) - log_probabilities(reference).detach()).reshape(pairs, 2)
        margins = beta * (ratios[:, 0] - ratios[:, 1])
        plain = -torch.nn.functional.logsigmoid(margins)
        smooth = (1 - smoothing) * plain - smoothing * torch.nn.functional.logsigmoid(-margins)
        tensors = {"tokens": ids, "targets": targets, "margins": margins.detach(),
                   "loss/plain": plain.sum().detach(), "loss/smooth": smooth.sum().detach()}
        for kind, loss in [("plain", plain), ("smooth", smooth)]:
            found = torch.autograd.grad(loss.sum(), list(policy.parameters()), retain_graph=True)
            tensors |= {f"gradient/{kind}/{key}": value for (key, _), value in zip(policy.named_parameters(), found)}
        tensors |= {f"weight/{key}": value.detach() for key, value in policy.named_parameters()}
        tensors |= {f"reference/{key}": value.detach() for key, value in reference.named_parameters()}
    (folder / "dpo").mkdir(parents=True, exist_ok=True)
    tensors = {key: value.contiguous() for key, value in tensors.items()}
    save_file(tensors, folder / "dpo/oracle.safetensors", {"model": json.dumps(molt)})


def check(folder):
    for case, (name, _) in ADAPTERS.items():
        oracle = load_file(folder / case / "oracle.safetensors")
        found = logits(PeftModel.from_pretrained(base(name), folder / case / "ours").eval(), oracle["tokens"])
        print(case, (found - oracle["logits"]).abs().max().item(), flush=True)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    torch.manual_seed(0)
    torch.set_num_threads(1)
    {"make": make, "check": check}[sys.argv[1]](pathlib.Path(sys.argv[2]))
