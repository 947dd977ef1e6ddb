"""Models in files, exchanged with transformers and torch: the oracle of `HuggingFaceTests` and its neighbours.

    exchange.py write FOLDER    what those libraries write for others to read: FOLDER/<case>/ beside
                                FOLDER/<case>.safetensors with tokens and logits
                                FOLDER/<case>.safetensors with tokens and logits; FOLDER/pickles/
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

import megatron  # noqa: E402
import nemo  # noqa: E402
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
    pickles(folder / "pickles")
    megatron.write(folder / "legacy", weight)
    megatron.write_distributed(folder / "distributed", weight)
    megatron.write_damaged(folder / "damaged", weight)
    nemo.write(folder / "nemo", weight)


def state_spaces(case, folder, **saving):
    m, model = case.molt, filled(case)
    folder.mkdir()
    state = {name.replace("embeddings.", "embedding."): value for name, value in model.state_dict().items()}
    state["lm_head.weight"] = state["backbone.embedding.weight"]
    # Strides other than row by row, and a view into a larger storage.
    first = next(name for name in state if name.endswith("out_proj.weight"))
    state[first] = state[first].t().contiguous().t()
    norm = torch.zeros(3, state["backbone.norm_f.weight"].numel())
    norm[1] = state["backbone.norm_f.weight"]
    state["backbone.norm_f.weight"] = norm[1]
    torch.save(state, folder / "pytorch_model.bin", **saving)
    config = {
        "d_model": m["hidden_size"], "n_layer": len(m["pattern"]), "vocab_size": m["vocab_size"],
        "pad_vocab_size_multiple": 1, "rms_norm": True, "residual_in_fp32": True, "fused_add_norm": True,
        "tie_embeddings": True, "ssm_cfg": {
            "layer": "Mamba2", "d_state": m["state_size"], "headdim": m["mamba_head_dim"], "ngroups": m["groups"],
            "d_conv": m["conv_kernel"], "expand": m["mamba_heads"] * m["mamba_head_dim"] / m["hidden_size"]},
        "attn_layer_idx": [i for i, letter in enumerate(m["pattern"]) if letter == "*"],
    }
    if config["attn_layer_idx"]:
        config["attn_cfg"] = {
            "causal": True, "d_conv": m["attention_conv"], "head_dim": m["attention_head_dim"],
            "num_heads": m["attention_heads"], "num_heads_kv": m["kv_heads"], "qkv_proj_bias": False,
            "out_proj_bias": False, "rotary_emb_dim": int(m["attention_head_dim"] * m["rope_fraction"])}
    (folder / "config.json").write_text(json.dumps(config))
    ids = tokens("exchange", (2, LENGTH), m["vocab_size"])
    reference = {"tokens": ids, "logits": logits(model, ids)}
    save_file(reference, f"{folder}.safetensors", {"model": json.dumps(m)})


def pickles(folder):
    folder.mkdir()
    by_name = {case.name: case for case in CASES}
    state_spaces(by_name["mamba2-odd"], folder / "zip")
    state_spaces(by_name["mamba2-odd"], folder / "legacy", _use_new_zipfile_serialization=False)
    state_spaces(by_name["mamba2attn-small"], folder / "attention")
    for name, saving in (("harm", {}), ("harm-legacy", {"_use_new_zipfile_serialization": False})):
        torch.save({"weight": torch.ones(3), "extra": megatron.Harm(f"{folder}/executed")}, folder / f"{name}.pt", **saving)
    types = {
        str(kind).removeprefix("torch."): torch.arange(6).reshape(2, 3).to(kind)
        for kind in (torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.int32, torch.int16,
                     torch.int8, torch.uint8, torch.bool)}
    types["empty"], types["scalar"] = torch.zeros(0, 4), torch.tensor(7.0)
    types["column"] = torch.arange(12.0).reshape(3, 4)[:, 2]
    types["parameter"] = torch.nn.Parameter(torch.ones(2, 2))
    torch.save(types, folder / "types.pt")
    save_file({name: t.detach().contiguous().clone() for name, t in types.items()}, folder / "types.safetensors")


def read(folder):
    from transformers import AutoModelForCausalLM

    if (folder / "megatron").is_dir():
        save_file(megatron.merged(folder / "megatron"), folder / "megatron.safetensors")
    for archive in folder.glob("*.nemo"):
        nemo.merged(archive)
    if (folder / "distributed").is_dir():
        save_file(megatron.distributed(folder / "distributed"), folder / "distributed.safetensors")
    if (folder / "state-spaces").is_dir():
        save_file({name: tensor.clone() for name, tensor in torch.load(
            folder / "state-spaces/pytorch_model.bin", weights_only=True).items()}, folder / "state-spaces.safetensors")
    for place in sorted(path for path in folder.iterdir() if (path / "generation_config.json").exists()):
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
