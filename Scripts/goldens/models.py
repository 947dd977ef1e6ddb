"""Golden logits, loss and gradients of tiny Mamba-2 and Nemotron-H models, computed by transformers in fp32.

Recipe: pip install torch==2.13.0 transformers==5.23.0 safetensors; python3 Scripts/goldens/models.py
Writes Tests/MoltModelsTests/Golden/{mamba2,nemotron_h}.json. Sizes are odd on purpose and groups are more than one.
"""
import json
import pathlib
import tempfile

import torch
from safetensors import safe_open
from transformers import Mamba2Config, Mamba2ForCausalLM, NemotronHConfig, NemotronHForCausalLM

import synthetic

golden = pathlib.Path(__file__).resolve().parents[2] / "Tests/MoltModelsTests/Golden"


def mamba2():
    return Mamba2ForCausalLM(
        Mamba2Config(
            vocab_size=37, hidden_size=21, num_heads=6, head_dim=7, expand=2, state_size=5, n_groups=3,
            num_hidden_layers=3, conv_kernel=4, chunk_size=8, layer_norm_epsilon=1e-5, tie_word_embeddings=True,
            residual_in_fp32=True, use_cache=False))


def nemotron_h():
    # time_step_min: transformers clamps the step from below by it, the released code does not.
    return NemotronHForCausalLM(
        NemotronHConfig(
            vocab_size=37, hidden_size=20, hybrid_override_pattern="M-*M-", mamba_num_heads=6, mamba_head_dim=8,
            ssm_state_size=5, n_groups=3, conv_kernel=4, chunk_size=8, num_attention_heads=6, num_key_value_heads=2,
            head_dim=7, intermediate_size=33, mlp_hidden_act="relu2", layer_norm_epsilon=1e-5, use_cache=False,
            time_step_min=1e-30, tie_word_embeddings=False, attn_implementation="eager"))


def on_disk(model) -> dict[str, list[int]]:
    """Names and shapes as the library itself writes them."""
    with tempfile.TemporaryDirectory() as folder:
        model.save_pretrained(folder)
        with safe_open(f"{folder}/model.safetensors", "pt") as file:
            return {name: list(file.get_slice(name).get_shape()) for name in file.keys()}


def write(name: str, model):
    disk = on_disk(model)
    names = {}
    for key, parameter in model.named_parameters():
        stored = key if key in disk else "backbone." + key.removeprefix("model.")
        if stored not in disk:
            raise SystemExit(f"{key} is not in the file: {sorted(disk)}")
        names[stored] = parameter
        parameter.data.copy_(synthetic.weight(stored, parameter.shape))
    tokens = synthetic.tokens("tokens", (2, 19), 37)
    model.train()
    logits = model(tokens).logits
    loss = torch.nn.functional.cross_entropy(logits[:, :-1].reshape(-1, 37), tokens[:, 1:].reshape(-1))
    loss.backward()
    content = {
        "parameters": disk,
        "loss": loss.item(),
        "logits": synthetic.packed(logits),
        "gradients": {key: synthetic.packed(parameter.grad) for key, parameter in names.items()},
    }
    path = golden / f"{name}.json"
    path.write_text(json.dumps(content, indent=1) + "\n")
    print(name, loss.item(), len(names), path.stat().st_size)


if __name__ == "__main__":
    torch.manual_seed(0)
    write("mamba2", mamba2())
    write("nemotron_h", nemotron_h())
