"""NeMo's checkpoints, written by Python's own tarfile in the layouts of its save_restore_connector.py: one file of
weights, a folder for each rank, a distributed checkpoint, what they unpack to, and a folder of NeMo 2's.
"""
import argparse
import io
import json
import shutil
import tarfile

import torch
import yaml
from safetensors.torch import save_file

import megatron
from megatron import FFN, GROUPS, HEADS, HIDDEN, KEYS, PATTERN, QUERIES, ROWS, SIZE, STATE, WIDTH

HASH = "0123456789abcdef0123456789abcdef"


def config(ranks=1, stages=1):
    """Of megatron_mamba_config.yaml, the model's section."""
    return {
        "mcore_gpt": True, "micro_batch_size": 1, "tensor_model_parallel_size": ranks,
        "pipeline_model_parallel_size": stages, "virtual_pipeline_model_parallel_size": None,
        "hybrid_override_pattern": PATTERN, "vocab_size": ROWS, "encoder_seq_length": 4096,
        "max_position_embeddings": "${.encoder_seq_length}", "position_embedding_type": "none",
        "num_layers": len(PATTERN), "gated_linear_unit": False, "add_bias_linear": False, "num_query_groups": KEYS,
        # What the converter of Mamba-2 adds, and what the file that it starts from has for another model.
        "mamba_ssm_ngroups": GROUPS, "ngroups_mamba": 8,
        "hidden_size": HIDDEN, "ffn_hidden_size": FFN, "num_attention_heads": QUERIES, "kv_channels": WIDTH,
        "activation": "squared-relu", "normalization": "RMSNorm", "layernorm_epsilon": 1e-5, "init_method_std": 0.02,
        "make_vocab_size_divisible_by": 128, "precision": "bf16",
        "target": "nemo.collections.nlp.models.language_modeling.megatron_mamba_model.MegatronMambaModel",
        "tokenizer": {"library": "megatron", "type": "GPTSentencePieceTokenizer", "model": None, "vocab_file": None,
                      "merge_file": None, "sentencepiece_legacy": False},
        "optim": {"name": "distributed_fused_adam", "betas": [0.9, 0.98]},
    }


def put_config(folder, name, **kind):
    """And the tokenizer: beside it, under a name that the configuration has."""
    values = config(**kind)
    values["tokenizer"]["model"] = f"nemo:{HASH}_{name}"
    (folder / "model_config.yaml").write_text(yaml.safe_dump(values, sort_keys=False))
    (folder / f"{HASH}_{name}").write_bytes(b"\n\x0e\n\x05<unk>\x15\x00\x00\x00\x00\x18\x02")


def state(models):
    """NeMo's names, and the states of Transformer Engine beside them."""
    named = {f"model.{name}": tensor for name, tensor in models.items() if tensor is not None}
    return named | {"model.decoder.layers.2.mlp.linear_fc1._extra_state": io.BytesIO(b"state")}


def pack(folder, path, mode="w:", **options):
    with tarfile.open(path, mode, **options) as tar:
        tar.add(folder, arcname=".")


def write(folder, weight):
    folder.mkdir()
    own = megatron.own_weights(weight)
    for name, ranks, stages in (("plain", 1, 1), ("ranks", 2, 1), ("stages", 2, 2)):
        place = folder / name
        place.mkdir()
        # A name that no field of a header has room for.
        put_config(place, "mt_nlg_plus_multilingual_ja_zh_the_stack_frac_015_256k" + "_long" * 20 + ".model",
                   ranks=ranks, stages=stages)
        for (rank, stage), model in megatron.rank_models(own, ranks, stages, is_old=False).items():
            inner = {1: f"mp_rank_{rank:02d}", 2: f"tp_rank_{rank:02d}_pp_rank_{stage:03d}"}[stages]
            inner = place / (inner if ranks > 1 else ".")
            inner.mkdir(exist_ok=True)
            torch.save(state(model), inner / "model_weights.ckpt")
        pack(place, folder / f"{name}.nemo", format={1: tarfile.PAX_FORMAT, 2: tarfile.GNU_FORMAT}[ranks])
    pack(folder / "plain", folder / "zipped.nemo", "w:gz")
    # As people pack again what they unpacked.
    with tarfile.open(folder / "inner.nemo", "w:") as tar:
        tar.add(folder / "plain", arcname="hybrid")
    shutil.rmtree(folder / "stages")
    place = folder / "harm"
    shutil.copytree(folder / "plain", place)
    torch.save(state({"x": torch.ones(1)}) | {"optimizer": megatron.Harm(f"{folder}/executed")},
               place / "model_weights.ckpt")
    pack(place, folder / "harm.nemo")
    shutil.rmtree(place)

    place = folder / "distributed"
    place.mkdir()
    put_config(place, "tokenizer.model")
    megatron.save_distributed(place / "model_weights", own, "model.")
    pack(place, folder / "distributed.nemo")

    place = folder / "new"
    (place / "context").mkdir(parents=True)
    model = config()
    for key in ("tokenizer", "optim", "activation", "target", "mamba_ssm_ngroups", "ngroups_mamba"):
        del model[key]
    model |= {"_target_": "nemo.collections.llm.gpt.model.ssm.NVIDIAMambaHybridConfig8B", "mamba_num_groups": GROUPS,
              "activation_func": {"_target_": "megatron.core.activations.squared_relu", "_partial_": True},
              "mamba_state_dim": STATE, "mamba_head_dim": SIZE, "mamba_num_heads": HEADS}
    (place / "context/model.yaml").write_text(
        yaml.safe_dump({"_target_": "nemo.collections.llm.gpt.model.ssm.MambaModel", "config": model}))
    (place / "context/a_tokenizer.model").write_bytes(b"\n\x0e\n\x05<unk>\x15\x00\x00\x00\x00\x18\x02")
    megatron.save_distributed(place / "weights", own, "module.")


def read(path):
    """What an archive of ours holds, by the libraries that NeMo reads it with: configuration, weights of all ranks."""
    with tarfile.open(path, "r:") as tar:
        names = [member.name for member in tar.getmembers() if member.isfile()]
        load = lambda name: tar.extractfile(name).read()
        values = yaml.safe_load(load("./model_config.yaml"))
        weights = {name: torch.load(io.BytesIO(load(name)), weights_only=True)
                   for name in names if name.endswith(".ckpt")}
        model = values["tokenizer"].get("model") or ""
        tokenizer = load("./" + model.removeprefix("nemo:")) if model else b""
    return values, weights, tokenizer


def merged(path):
    """Ranks' shares side by side, under Megatron's names, with what else is in the archive."""
    values, weights, tokenizer = read(path)
    assert values["tensor_model_parallel_size"] == len(weights)
    args = argparse.Namespace(**values, swiglu=values["activation"] == "swiglu")
    ranks = [{key.removeprefix("model."): tensor for key, tensor in weights[name].items()} for name in sorted(weights)]
    values |= {"names": sorted(weights), "tokenizer_bytes": tokenizer.hex()}
    save_file(megatron.merge(ranks, args), f"{path}.safetensors", {"config": json.dumps(values)})
