"""The models that are compared: what each is in transformers, and the same in a recipe's model section."""
import dataclasses
import typing

import torch
import transformers as hf

from papers import PaperModel


@dataclasses.dataclass
class Case:
    name: str
    molt: dict
    build: typing.Callable


def eager(model_class, config):
    config._attn_implementation = config._experts_implementation = "eager"
    return model_class(config)


def mamba2(name, hidden, heads, size, state, groups, layers, chunk, kernel=4, vocabulary=53, tied=True, **more):
    molt = {
        "family": "mamba2", "pattern": "M" * layers, "hidden_size": hidden, "vocab_size": vocabulary,
        "mamba_heads": heads, "mamba_head_dim": size, "groups": groups, "state_size": state, "chunk_size": chunk,
        "conv_kernel": kernel, "tied_embeddings": tied, **more,
    }

    def build():
        return hf.Mamba2ForCausalLM(hf.Mamba2Config(
            vocab_size=vocabulary, hidden_size=hidden, num_heads=heads, head_dim=size, expand=heads * size // hidden,
            state_size=state, n_groups=groups, num_hidden_layers=layers, conv_kernel=kernel, chunk_size=8,
            layer_norm_epsilon=1e-5, tie_word_embeddings=tied, residual_in_fp32=True,
            use_bias=more.get("mamba_bias", False), use_conv_bias=more.get("conv_bias", True)))

    return Case(name, molt, build)


def nemotron(name, pattern, hidden, heads, size, state, groups, q, kv, head, ffn, vocabulary=61, tied=False,
             activation="relu2", **more):
    molt = {
        "family": "nemotron_h", "pattern": pattern, "hidden_size": hidden, "vocab_size": vocabulary,
        "mamba_heads": heads, "mamba_head_dim": size, "groups": groups, "state_size": state, "chunk_size": 16,
        "attention_heads": q, "kv_heads": kv, "attention_head_dim": head, "ffn_size": ffn, "activation": activation,
        "residual_fp32": False, "tied_embeddings": tied, **more,
    }

    def build():
        # time_step_min: transformers holds the step above it, the released code does not.
        return eager(hf.NemotronHForCausalLM, hf.NemotronHConfig(
            vocab_size=vocabulary, hidden_size=hidden, hybrid_override_pattern=pattern, mamba_num_heads=heads,
            mamba_head_dim=size, ssm_state_size=state, n_groups=groups, conv_kernel=4, chunk_size=8,
            num_attention_heads=q, num_key_value_heads=kv, head_dim=head, intermediate_size=ffn,
            mlp_hidden_act=activation, layer_norm_epsilon=1e-5, tie_word_embeddings=tied,
            mlp_bias=more.get("mlp_bias", False), time_step_min=more.get("time_step_min", 1e-30)))

    return Case(name, molt, build)


def bamba(name, blocks, attention, hidden, heads, state, groups, q, kv, ffn, vocabulary=59, tied=False, expand=2,
          **more):
    size = hidden // q
    molt = {
        "family": "bamba", "pattern": "".join("*-" if i in attention else "M-" for i in range(blocks)),
        "hidden_size": hidden, "vocab_size": vocabulary, "mamba_heads": heads,
        "mamba_head_dim": expand * hidden // heads,
        "groups": groups, "state_size": state, "chunk_size": 16, "attention_heads": q, "kv_heads": kv,
        "attention_head_dim": size, "rope_fraction": 0.5, "ffn_size": ffn, "gated_mlp": True,
        "tied_embeddings": tied, "residual_fp32": False, **more,
    }

    def build():
        return eager(hf.BambaForCausalLM, hf.BambaConfig(
            vocab_size=vocabulary, hidden_size=hidden, intermediate_size=ffn, num_hidden_layers=blocks,
            num_attention_heads=q, num_key_value_heads=kv, rms_norm_eps=1e-5, attn_layer_indices=attention,
            mamba_n_heads=heads, mamba_n_groups=groups, mamba_d_state=state, mamba_d_conv=4, mamba_chunk_size=8,
            mamba_expand=expand,
            mamba_proj_bias=more.get("mamba_bias", False), mamba_conv_bias=more.get("conv_bias", True),
            attention_bias=more.get("attention_bias", False), mlp_bias=more.get("mlp_bias", False),
            tie_word_embeddings=tied, pad_token_id=None,
            rope_parameters={"rope_type": "default", "rope_theta": more.get("rope_theta", 10000.0)}))

    return Case(name, molt, build)


def granite(name, blocks, attention, hidden, heads, state, groups, q, kv, shared, experts=(0, 0, 0), vocabulary=59,
            tied=True, expand=2, **more):
    count, chosen, ffn = experts
    last = "E" if count else "-"
    molt = {
        "family": "granitemoehybrid",
        "pattern": "".join(("*" if i in attention else "M") + last for i in range(blocks)),
        "hidden_size": hidden, "vocab_size": vocabulary, "mamba_heads": heads,
        "mamba_head_dim": expand * hidden // heads,
        "groups": groups, "state_size": state, "chunk_size": 16, "attention_heads": q, "kv_heads": kv,
        "attention_head_dim": hidden // q, "attention_multiplier": 0.23, "ffn_size": 0 if count else shared,
        "gated_mlp": True, "experts": count, "experts_per_token": chosen, "expert_ffn_size": ffn,
        "shared_ffn_size": shared if count else 0, "tied_embeddings": tied, "embedding_multiplier": 3.0,
        "residual_multiplier": 0.22, "logits_scaling": 6.0, "residual_fp32": False, **more,
    }

    def build():
        return eager(hf.GraniteMoeHybridForCausalLM, hf.GraniteMoeHybridConfig(
            vocab_size=vocabulary, hidden_size=hidden, intermediate_size=ffn or 7, num_hidden_layers=blocks,
            num_attention_heads=q, num_key_value_heads=kv, rms_norm_eps=1e-5, embedding_multiplier=3.0,
            residual_multiplier=0.22, logits_scaling=6.0, attention_multiplier=0.23, num_local_experts=count,
            num_experts_per_tok=chosen, shared_intermediate_size=shared,
            position_embedding_type="rope" if "rope_fraction" in more else None, tie_word_embeddings=tied,
            layer_types=["full_attention" if i in attention else "linear_attention" for i in range(blocks)],
            mamba_n_heads=heads, mamba_n_groups=groups, mamba_d_state=state, mamba_chunk_size=8,
            mamba_expand=expand, attention_bias=more.get("attention_bias", False),
            mamba_proj_bias=more.get("mamba_bias", False),
            rope_parameters={"rope_type": "default", "rope_theta": 10000.0}))

    return Case(name, molt, build)


def recurrent_gemma(name, blocks, hidden, width, q, kv, ffn, window, vocabulary=61, tied=True, **more):
    kinds = [("R", "R", "W")[i % 3] for i in range(blocks)]
    molt = {
        "family": "recurrent_gemma", "pattern": "".join(kind + "-" for kind in kinds), "hidden_size": hidden,
        "vocab_size": vocabulary, "lru_width": width, "lru_blocks": q, "attention_heads": q, "kv_heads": kv,
        "attention_head_dim": hidden // q, "window": window, "attention_output_bias": True, "rope_fraction": 0.5,
        "ffn_size": ffn, "activation": "gelu_tanh", "gated_mlp": True, "mlp_bias": True, "norm_eps": 1e-6,
        "norm_plus_one": True, "tied_embeddings": tied, "residual_fp32": False, "logits_softcap": 30.0,
        "embedding_multiplier": float(torch.tensor(hidden ** 0.5, dtype=torch.bfloat16)), **more,
    }

    def build():
        return eager(hf.RecurrentGemmaForCausalLM, hf.RecurrentGemmaConfig(
            vocab_size=vocabulary, hidden_size=hidden, intermediate_size=2 * ffn, num_hidden_layers=blocks,
            num_attention_heads=q, num_key_value_heads=kv, lru_width=width, attention_window_size=window,
            conv1d_width=more.get("conv_kernel", 4), tie_word_embeddings=tied,
            logits_soft_cap=more.get("logits_softcap", 30.0),
            attention_bias=more.get("attention_bias", False), pad_token_id=None))

    return Case(name, molt, build)


def paper(name, family, pattern, hidden, **more):
    molt = {"family": family, "pattern": pattern, "hidden_size": hidden, "vocab_size": 47, "conv_kernel": 4, **more}
    return Case(name, molt, lambda: PaperModel(molt))


def attention(heads, groups, size, **more):
    return {"attention_heads": heads, "kv_heads": groups, "attention_head_dim": size, **more}


CASES = [
    mamba2("mamba2-odd", 21, 6, 7, 5, 3, 3, 16),
    mamba2("mamba2-untied", 20, 5, 8, 16, 1, 2, 8, tied=False, mamba_bias=True),
    mamba2("mamba2-wide", 20, 8, 10, 7, 4, 4, 32, kernel=3, vocabulary=67, conv_bias=False),
    nemotron("nemotron-small", "M-*M-", 20, 6, 8, 5, 3, 6, 2, 7, 33),
    nemotron("nemotron-biased", "M*-M-M-", 24, 4, 6, 9, 2, 4, 1, 10, 17, mlp_bias=True),
    nemotron("nemotron-runs", "MM--M*-", 28, 9, 5, 8, 1, 3, 3, 8, 40, time_step_min=0.05),
    # The feed-forward layers of mamba2-hybrid-8b.
    nemotron("nemotron-gelu", "M-M*-", 20, 6, 7, 6, 3, 4, 2, 5, 26, activation="gelu"),
    bamba("bamba-small", 4, [2], 24, 6, 8, 1, 3, 1, 40),
    bamba("bamba-groups", 3, [0, 2], 20, 10, 5, 2, 5, 1, 27, tied=True),
    bamba("bamba-biased", 3, [1], 32, 4, 7, 4, 2, 2, 31, mamba_bias=True, attention_bias=True,
          attention_output_bias=True, mlp_bias=True, rope_theta=500.0),
    bamba("bamba-expanded", 3, [1], 20, 6, 5, 3, 5, 1, 30, expand=3),
    granite("granite-dense", 4, [1], 24, 6, 8, 1, 4, 2, 40),
    granite("granite-experts", 3, [2], 20, 5, 7, 1, 5, 1, 19, experts=(6, 2, 11)),
    granite("granite-many", 3, [0], 24, 8, 6, 2, 3, 3, 16, experts=(9, 4, 5), tied=False, rope_fraction=1.0,
            attention_bias=True, attention_output_bias=True),
    granite("granite-expanded", 3, [1], 20, 4, 9, 2, 4, 1, 27, expand=3),
    recurrent_gemma("gemma-small", 3, 32, 32, 4, 1, 36, 8),
    recurrent_gemma("gemma-wide", 4, 20, 30, 5, 1, 27, 16, conv_kernel=3),
    recurrent_gemma("gemma-heads", 6, 24, 24, 3, 3, 20, 64, vocabulary=43, attention_bias=True, logits_softcap=5.0),
    recurrent_gemma("gemma-untied", 3, 28, 35, 7, 1, 22, 12, tied=False),
    paper("samba-small", "samba", "1-W-", 20, inner_size=40, time_step_rank=2, state_size=6, window=8, ffn_size=30,
          gated_mlp=True, tied_embeddings=True, **attention(5, 5, 4, rope_fraction=1.0)),
    paper("samba-groups", "samba", "1-W-1-W-", 24, inner_size=30, time_step_rank=5, state_size=3, window=16,
          ffn_size=20, gated_mlp=True, **attention(4, 2, 6, rope_fraction=1.0)),
    paper("samba-narrow", "samba", "W-1-", 21, inner_size=70, time_step_rank=1, state_size=16, window=2, ffn_size=33,
          gated_mlp=True, **attention(3, 1, 8, rope_fraction=0.5)),
    paper("mambaformer-small", "mambaformer", "1*1*1", 20, inner_size=40, time_step_rank=2, state_size=6,
          **attention(5, 5, 4)),
    paper("mambaformer-mlp", "mambaformer", "1*-1*-", 24, inner_size=30, time_step_rank=3, state_size=4, ffn_size=20,
          gated_mlp=True, tied_embeddings=True, **attention(4, 2, 6)),
    paper("mambaformer-wide", "mambaformer", "1*1", 21, inner_size=66, time_step_rank=4, state_size=16,
          **attention(2, 1, 12)),
    paper("s4d-small", "hybrid", "S-S-", 20, state_size=8, ffn_size=30, activation="gelu"),
    paper("s4d-alone", "hybrid", "SS", 21, state_size=2, tied_embeddings=True),
    paper("s4d-wide", "hybrid", "S*S", 24, state_size=32, **attention(3, 1, 8)),
    paper("dss-small", "hybrid", "Z-Z-", 20, state_size=8, ffn_size=30, activation="gelu"),
    paper("dss-alone", "hybrid", "ZZ", 21, state_size=1, tied_embeddings=True),
    paper("dss-wide", "hybrid", "Z*Z", 24, state_size=16, **attention(3, 1, 8)),
    paper("mamba2attn-small", "mamba2", "MM*M", 20, mamba_heads=4, mamba_head_dim=10, groups=1, state_size=8,
          chunk_size=16, tied_embeddings=True, attention_conv=4, **attention(3, 3, 8, rope_fraction=0.5)),
    paper("mamba2attn-groups", "mamba2", "M*", 24, mamba_heads=6, mamba_head_dim=7, groups=3, state_size=5,
          chunk_size=8, attention_conv=3, **attention(4, 2, 6, rope_fraction=1.0)),
    paper("mamba2attn-wide", "mamba2", "*MM", 21, mamba_heads=8, mamba_head_dim=9, groups=2, state_size=6,
          chunk_size=32, attention_conv=2, **attention(2, 1, 16, rope_fraction=0.25)),
]
