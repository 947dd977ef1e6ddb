"""Models in files, exchanged with transformers and torch: the oracle of `HuggingFaceTests` and its neighbours.

    exchange.py write FOLDER    what those libraries write for others to read: FOLDER/<case>/ beside
                                FOLDER/<case>.safetensors with tokens and logits
    exchange.py read FOLDER     loads every FOLDER/<case>/ with transformers, and writes FOLDER/<case>.logits.safetensors
"""
import json
import os
import pathlib
import sys

os.environ |= {"HF_HUB_OFFLINE": "1", "TQDM_DISABLE": "1"}

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "Tests/MoltModelsTests/Oracle"))

import torch  # noqa: E402
from safetensors.torch import load_file, save_file  # noqa: E402

from cases import CASES  # noqa: E402
from numbers_by_name import tokens, weight  # noqa: E402
from papers import PaperModel  # noqa: E402

LENGTH = 23


def filled(case):
    model = case.build()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.copy_(weight(name, parameter.shape))
    return model.eval()


def logits(model, ids):
    with torch.no_grad():
        return model(ids, use_cache=False).logits.contiguous()


def write(folder):
    for case in CASES:
        model = filled(case)
        if isinstance(model, PaperModel):
            continue
        ids = tokens("exchange", (2, LENGTH), case.molt["vocab_size"])
        # Every other one in shards, one in half precision.
        size = "6KB" if len(case.name) % 2 else "5GB"
        reference = {"tokens": ids, "logits": logits(model, ids)}
        model.save_pretrained(folder / case.name, max_shard_size=size)
        save_file(reference, folder / f"{case.name}.safetensors", {"model": json.dumps(case.molt)})


def read(folder):
    from transformers import AutoModelForCausalLM

    for place in sorted(path for path in folder.iterdir() if path.is_dir()):
        model, info = AutoModelForCausalLM.from_pretrained(
            place, attn_implementation="eager", experts_implementation="eager", output_loading_info=True,
            dtype=torch.float32)
        ids = torch.tensor(json.loads((folder / f"{place.name}.json").read_text()))
        odd = [key for key in ("missing_keys", "unexpected_keys", "mismatched_keys", "error_msgs") if info.get(key)]
        save_file({"logits": logits(model.eval(), ids)}, folder / f"{place.name}.logits.safetensors",
                  {"odd": " ".join(f"{key}: {info[key]}" for key in odd)})


if __name__ == "__main__":
    torch.manual_seed(0)
    torch.set_num_threads(1)
    target = pathlib.Path(sys.argv[2])
    target.mkdir(parents=True, exist_ok=True)
    {"write": write, "read": read}[sys.argv[1]](target)
