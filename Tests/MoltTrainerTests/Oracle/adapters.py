"""What peft makes of adapters on small models of transformers: the oracle of `PEFTTests`.

    adapters.py make FOLDER     writes FOLDER/<case>: an adapter that peft saved, and oracle.safetensors beside it
                                with weight/NAME of the model under the names of checkpoints, tokens and logits
    adapters.py check FOLDER    loads FOLDER/<case>/ours with peft, and prints how far the logits are from those
"""
import json
import pathlib
import shutil
import sys
import warnings

import torch
from peft import LoraConfig, PeftModel, PromptEncoderConfig, PromptTuningConfig, get_peft_model
from safetensors.torch import load_file, save_file

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "Tests/MoltModelsTests/Oracle"))
from cases import CASES  # noqa: E402
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


def base(name):
    model = MODELS[name].build().eval()
    with torch.no_grad():
        for key, parameter in model.named_parameters():
            parameter.copy_(weight(key, parameter.shape))
    return model


def logits(model, ids):
    with torch.no_grad():
        return model(input_ids=ids, use_cache=False).logits[:, -ids.shape[1]:]


def make(folder):
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
