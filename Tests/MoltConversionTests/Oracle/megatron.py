"""Megatron's legacy checkpoints, written and merged by the rules of its code (mamba_mixer.py, attention.py, mlp.py) in
the plainest way: per-component shares of in_proj and conv1d, queries beside their keys and values, stages that number
their layers from 0.
"""
import argparse
import enum

import numpy
import torch
from safetensors.torch import save_file

PATTERN, HIDDEN, HEADS, SIZE, GROUPS, STATE, QUERIES, KEYS, WIDTH, FFN, ROWS = "M*-M-", 16, 4, 8, 2, 4, 4, 2, 4, 12, 40
INNER, GROUP = HEADS * SIZE, GROUPS * STATE


def shares(tensor, sizes, ranks):
    """Of each component, rows r of `ranks`."""
    parts = [part.chunk(ranks) for part in tensor.split(sizes)]
    return [torch.cat([part[r] for part in parts]).clone() for r in range(ranks)]


def columns(tensor, ranks):
    return [part.clone() for part in tensor.chunk(ranks, 1)]


def together(q, k, v, queries, keys, width):
    share = queries // keys
    rows = []
    for group in range(keys):
        rows += [q[group * share * width:(group + 1) * share * width], k[group * width:(group + 1) * width],
                 v[group * width:(group + 1) * width]]
    return torch.cat(rows)


def own_weights(weight):
    """Under Molt's names."""
    shapes = {"backbone.embeddings.weight": (ROWS, HIDDEN), "backbone.norm_f.weight": (HIDDEN,),
              "lm_head.weight": (ROWS, HIDDEN)}
    for index, letter in enumerate(PATTERN):
        mixer = {
            "M": {"in_proj.weight": (2 * INNER + 2 * GROUP + HEADS, HIDDEN), "conv1d.weight": (INNER + 2 * GROUP, 1, 4),
                  "conv1d.bias": (INNER + 2 * GROUP,), "dt_bias": (HEADS,), "A_log": (HEADS,), "D": (HEADS,),
                  "norm.weight": (INNER,), "out_proj.weight": (HIDDEN, INNER)},
            "*": {"q_proj.weight": (QUERIES * WIDTH, HIDDEN), "k_proj.weight": (KEYS * WIDTH, HIDDEN),
                  "v_proj.weight": (KEYS * WIDTH, HIDDEN), "o_proj.weight": (HIDDEN, QUERIES * WIDTH)},
            "-": {"up_proj.weight": (FFN, HIDDEN), "down_proj.weight": (HIDDEN, FFN)},
        }[letter]
        shapes |= {f"backbone.layers.{index}.mixer.{name}": shape for name, shape in mixer.items()}
        shapes[f"backbone.layers.{index}.norm.weight"] = (HIDDEN,)
    return {name: weight(name, shape) for name, shape in shapes.items()}


class AttnMaskType(enum.Enum):
    causal = 1


# Pickled under the name that Megatron has it.
AttnMaskType.__module__ = "megatron.core.transformer.enums"


def rank_models(own, ranks, stages, is_old):
    """By rank and stage: norms under their own names as in the files of 2024, or in what follows them."""
    files = {(rank, stage): {} for rank in range(ranks) for stage in range(stages)}

    def put(stage, name, parts):
        for rank in range(ranks):
            files[rank, stage][name] = parts[rank]

    everywhere = lambda tensor: [tensor.clone() for _ in range(ranks)]
    put(0, "embedding.word_embeddings.weight", shares(own["backbone.embeddings.weight"], [ROWS], ranks))
    for index, letter in enumerate(PATTERN):
        stage, local = (0, index) if index < 3 or stages == 1 else (1, index - 3)
        mine, theirs = f"backbone.layers.{index}.", f"decoder.layers.{local}."
        get = lambda name: own[mine + "mixer." + name]
        norm = everywhere(own[mine + "norm.weight"])
        if letter == "M":
            put(stage, theirs + ("norm.weight" if is_old else "mixer.in_proj.layer_norm_weight"), norm)
            put(stage, theirs + "mixer.in_proj.weight",
                shares(get("in_proj.weight"), [INNER, INNER, GROUP, GROUP, HEADS], ranks))
            for name in ("conv1d.weight", "conv1d.bias"):
                put(stage, theirs + "mixer." + name, shares(get(name), [INNER, GROUP, GROUP], ranks))
            for name in ("dt_bias", "A_log", "D", "norm.weight"):
                put(stage, theirs + "mixer." + name, shares(get(name), [len(get(name))], ranks))
            put(stage, theirs + "mixer.out_proj.weight", columns(get("out_proj.weight"), ranks))
        elif letter == "*":
            put(stage, theirs + ("input_layernorm.weight" if is_old else "self_attention.linear_qkv.layer_norm_weight"),
                norm)
            fused = together(get("q_proj.weight"), get("k_proj.weight"), get("v_proj.weight"), QUERIES, KEYS, WIDTH)
            put(stage, theirs + "self_attention.linear_qkv.weight", shares(fused, [len(fused)], ranks))
            put(stage, theirs + "self_attention.linear_proj.weight", columns(get("o_proj.weight"), ranks))
        else:
            put(stage, theirs + ("pre_mlp_layernorm.weight" if is_old else "mlp.linear_fc1.layer_norm_weight"), norm)
            put(stage, theirs + "mlp.linear_fc1.weight", shares(get("up_proj.weight"), [FFN], ranks))
            put(stage, theirs + "mlp.linear_fc1._extra_state", [None] * ranks)
            put(stage, theirs + "mlp.linear_fc2.weight", columns(get("down_proj.weight"), ranks))
    put(stages - 1, "decoder.final_norm.weight", everywhere(own["backbone.norm_f.weight"]))
    put(stages - 1, "output_layer.weight", shares(own["lm_head.weight"], [ROWS], ranks))
    return files


def write(folder, weight):
    """As the files of 2024, two stages of two ranks, with what else lies in such files."""
    import sys
    import types

    for name in ("megatron", "megatron.core", "megatron.core.transformer", "megatron.core.transformer.enums"):
        sys.modules[name] = types.ModuleType(name)
    sys.modules["megatron.core.transformer.enums"].AttnMaskType = AttnMaskType
    own = own_weights(weight)
    args = argparse.Namespace(
        num_attention_heads=QUERIES, mamba_num_groups=GROUPS, norm_epsilon=1e-5, squared_relu=True, swiglu=False,
        position_embedding_type="none", params_dtype=torch.bfloat16, mask=AttnMaskType.causal, lr=[1e-4, None])
    for (rank, stage), model in rank_models(own, 2, 2, is_old=True).items():
        place = folder / "release" / f"mp_rank_{rank:02d}_{stage:03d}"
        place.mkdir(parents=True)
        torch.save({
            "args": args, "checkpoint_version": 3.0, "iteration": 0, "model": model,
            "rng_state": [{"np_rng_state": numpy.random.get_state(), "torch_rng_state": torch.get_rng_state()}],
        }, place / "model_optim_rng.pt")
    (folder / "latest_checkpointed_iteration.txt").write_text("release")
    save_file(own, f"{folder}.safetensors")


def merged(folder):
    """Ranks' shares side by side, under Megatron's names."""
    ranks = []
    for place in sorted((folder / "release").iterdir()):
        loaded = torch.load(place / "model_optim_rng.pt", weights_only=False)
        args = loaded["args"]
        ranks.append(loaded["model"])
    assert args.tensor_model_parallel_size == len(ranks)
    return merge(ranks, args)


def merge(ranks, args):
    result = {}
    inner, group = args.mamba_num_heads * args.mamba_head_dim, args.mamba_num_groups * args.mamba_state_dim
    for name in ranks[0]:
        parts = [rank[name] for rank in ranks]
        if name.endswith(("out_proj.weight", "linear_proj.weight", "linear_fc2.weight")):
            result[name] = torch.cat(parts, 1)
        elif name.endswith("layer_norm_weight") or "final_norm" in name:
            assert all(torch.equal(part, parts[0]) for part in parts)
            result[name] = parts[0]
        else:
            sizes = {"in_proj.weight": [inner, inner, group, group, args.mamba_num_heads],
                     "conv1d.weight": [inner, group, group], "conv1d.bias": [inner, group, group]}
            sizes = sizes.get(name.split(".mixer.")[-1], None)
            if sizes is None:
                sizes = [args.ffn_hidden_size] * 2 if "fc1" in name and args.swiglu else [len(parts[0]) * len(parts)]
            local = [part.split([size // len(parts) for size in sizes]) for part in parts]
            result[name] = torch.cat([torch.cat([part[i] for part in local]) for i in range(len(sizes))])
    return {name: tensor.contiguous() for name, tensor in result.items()}


def whole(own):
    """Under the names of a distributed checkpoint: in_proj and conv1d component by component."""
    state = {"embedding.word_embeddings.weight": own["backbone.embeddings.weight"],
             "decoder.final_norm.weight": own["backbone.norm_f.weight"], "output_layer.weight": own["lm_head.weight"]}
    for index, letter in enumerate(PATTERN):
        mine, theirs = f"backbone.layers.{index}.", f"decoder.layers.{index}."
        get = lambda name: own[mine + "mixer." + name]
        norm = own[mine + "norm.weight"]
        if letter == "M":
            state[theirs + "mixer.in_proj.layer_norm_weight"] = norm
            parts = get("in_proj.weight").split([INNER, INNER, GROUP, GROUP, HEADS])
            state |= {f"{theirs}mixer.in_proj.weight.{c}": part for c, part in zip(["z", "x", "B", "C", "dt"], parts)}
            for name in ("conv1d.weight", "conv1d.bias"):
                parts = get(name).split([INNER, GROUP, GROUP])
                state |= {f"{theirs}mixer.{name}.{c}": part for c, part in zip("xBC", parts)}
            for name in ("dt_bias", "A_log", "D", "norm.weight", "out_proj.weight"):
                state[theirs + "mixer." + name] = get(name)
        elif letter == "*":
            fused = together(get("q_proj.weight"), get("k_proj.weight"), get("v_proj.weight"), QUERIES, KEYS, WIDTH)
            state[theirs + "self_attention.linear_qkv.layer_norm_weight"] = norm
            state[theirs + "self_attention.linear_qkv.weight"] = fused
            state[theirs + "self_attention.linear_proj.weight"] = get("o_proj.weight")
        else:
            state[theirs + "mlp.linear_fc1.layer_norm_weight"] = norm
            state[theirs + "mlp.linear_fc1.weight"] = get("up_proj.weight")
            state[theirs + "mlp.linear_fc2.weight"] = get("down_proj.weight")
    return {name: tensor.clone() for name, tensor in state.items()}


def save_distributed(folder, own, prefix=""):
    from torch.distributed import checkpoint

    folder.mkdir(parents=True)
    state = whole(own) | {"optimizer.state.exp_avg.decoder.layers.0.mixer.D": torch.zeros(HEADS)}
    checkpoint.save({prefix + name: tensor for name, tensor in state.items()}, checkpoint_id=folder, no_dist=True)


def write_distributed(folder, weight):
    inner = folder / "iter_0000100"
    save_distributed(inner, own_weights(weight))
    args = argparse.Namespace(num_attention_heads=QUERIES, mamba_num_groups=GROUPS, squared_relu=True)
    torch.save({"args": args, "iteration": 100}, inner / "common.pt")
    (folder / "latest_checkpointed_iteration.txt").write_text("100")


class Harm:
    """What `torch.load` of an unsuspecting user would run."""

    def __init__(self, mark):
        self.mark = mark

    def __reduce__(self):
        import os

        return os.system, (f"touch {self.mark}",)


def write_damaged(folder, weight):
    """Legacy checkpoints that are nearly right, one folder for each flaw; and indexes of distributed ones."""
    own = own_weights(weight)
    args = argparse.Namespace(num_attention_heads=QUERIES, mamba_num_groups=GROUPS, squared_relu=True)

    def legacy(name, change, ranks=1, **others):
        models = rank_models(own, ranks, 1, is_old=False)
        change({rank: models[rank, 0] for rank in range(ranks)})
        for rank in range(ranks):
            place = folder / "legacy" / name / f"mp_rank_{rank:02d}"
            place.mkdir(parents=True)
            torch.save({"args": args, "model": models[rank, 0]} | others, place / "model_optim_rng.pt")

    up, norm = "decoder.layers.1.self_attention.linear_proj.weight", "decoder.final_norm.weight"
    first = "decoder.layers.0."
    legacy("good", lambda ranks: None)
    legacy("shape", lambda ranks: ranks[0].update({up: ranks[0][up][:8]}))
    legacy("type", lambda ranks: ranks[0].update({norm: ranks[0][norm].to(torch.int32)}))
    legacy("half", lambda ranks: ranks[1].update({up: ranks[1][up].half()}), ranks=2)
    legacy("lost", lambda ranks: ranks[1].pop(up), ranks=2)
    legacy("missing", lambda ranks: ranks[0].pop(norm))
    legacy("twice", lambda ranks: ranks[0].update({"module." + up: ranks[0][up]}))
    legacy("extra", lambda ranks: ranks[0].update({first + "mixer.E": torch.zeros(4)}))
    legacy("gap", lambda ranks: [ranks[0].pop(name) for name in list(ranks[0]) if ".layers.2." in name])
    legacy("kinds", lambda ranks: ranks[0].update({first + "mlp.linear_fc1.weight": torch.zeros(12, 16)}))
    legacy("stages", lambda ranks: None, model0={})
    legacy("old", lambda ranks: None, checkpoint_version=1.0)
    legacy("huge", lambda ranks: ranks[0].update({first + "mixer.A_log": torch.zeros(1).expand(1 << 40)}))

    from torch.distributed.checkpoint import metadata
    indexes = folder / "indexes"
    save_distributed(indexes / "good", own)
    torch.save({"args": args, "iteration": 100}, indexes / "good" / "common.pt")

    def index(name, change):
        import pickle
        import shutil

        shutil.copytree(indexes / "good", indexes / name)
        found = pickle.loads((indexes / name / ".metadata").read_bytes())
        change(found, "decoder.final_norm.weight", "embedding.word_embeddings.weight")
        (indexes / name / ".metadata").write_bytes(pickle.dumps(found, protocol=2))

    def stored(found, name, **fields):
        key = next(key for key in found.storage_data if key.fqn == name)
        for field, value in fields.items():
            setattr(found.storage_data[key], field, value)

    def chunks(found, name, *parts):
        """And each lies where the whole does."""
        whole = next(value for key, value in found.storage_data.items() if key.fqn == name)
        entry = found.state_dict_metadata[name]
        entry.chunks = [metadata.ChunkStorageMetadata(torch.Size(at), torch.Size(size)) for at, size in parts]
        for at, _ in parts:
            found.storage_data[metadata.MetadataIndex(name, torch.Size(at), 0)] = whole

    def sized(found, name, *size):
        found.state_dict_metadata[name].size = torch.Size(size)

    index("shape", lambda found, norm, table: sized(found, norm, HIDDEN + 1))
    index("huge", lambda found, norm, table: sized(found, table, 1 << 62, 1 << 62))
    index("large", lambda found, norm, table: [
        sized(found, norm, 1 << 30), chunks(found, norm, ([0], [1 << 30]))])
    index("wide", lambda found, norm, table: [
        sized(found, table, 1 << 30, HIDDEN), sized(found, "output_layer.weight", 1 << 30, HIDDEN)])
    index("hole", lambda found, norm, table: chunks(found, table, ([0, 0], [ROWS // 2, HIDDEN])))
    index("overlap", lambda found, norm, table: chunks(
        found, table, ([0, 0], [ROWS, HIDDEN]), ([1, 0], [ROWS, HIDDEN])))
    index("away", lambda found, norm, table: stored(found, norm, relative_path="../good/__0_0.distcp"))
    index("nowhere", lambda found, norm, table: chunks(found, table, ([3, 0], [ROWS, HIDDEN]))
          or found.storage_data.pop(metadata.MetadataIndex(table, torch.Size([3, 0]), 0)))
    index("beyond", lambda found, norm, table: stored(found, norm, offset=1 << 60))
    index("below", lambda found, norm, table: stored(found, norm, offset=-1))
    index("other", lambda found, norm, table: stored(
        found, norm, offset=next(v for k, v in found.storage_data.items() if k.fqn.endswith("0.mixer.D")).offset,
        length=next(v for k, v in found.storage_data.items() if k.fqn.endswith("0.mixer.D")).length))
    index("harm", lambda found, norm, table: setattr(found, "storage_meta", Harm(f"{folder}/executed")))
    index("missing", lambda found, norm, table: found.state_dict_metadata.pop(norm))
    index("extra", lambda found, norm, table: found.state_dict_metadata.update(
        {"decoder.layers.0.mixer.E": found.state_dict_metadata[norm]}) or found.storage_data.update(
        {metadata.MetadataIndex("decoder.layers.0.mixer.E", torch.Size([0]), 0): next(
            value for key, value in found.storage_data.items() if key.fqn == norm)}))


def distributed(folder):
    """All tensors of a distributed checkpoint, as torch loads them."""
    from torch.distributed import checkpoint

    reader = checkpoint.FileSystemReader(folder / "release")
    state = {name: torch.empty(entry.size, dtype=entry.properties.dtype)
             for name, entry in reader.read_metadata().state_dict_metadata.items()}
    checkpoint.load(state, storage_reader=reader, no_dist=True)
    return state
