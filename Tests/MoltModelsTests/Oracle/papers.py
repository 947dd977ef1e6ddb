"""Models that transformers has no class for, written from their papers: one token after the other, in plain operators.

Mamba-1: Gu and Dao 2023, algorithm 2. Samba: Ren et al. 2024, figure 1. MambaFormer: Park et al. 2024, section 4. S4D:
Gu et al. 2022, section 3. DSS: Gupta et al. 2022, proposition 1 (exponential form). The attention of the Mamba-2 hybrid
is mamba_ssm's, with a convolution before it. Names of parameters are Molt's.
"""
import math
import types

import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn import functional as F


class Norm(nn.Module):
    def __init__(self, width, epsilon):
        super().__init__()
        self.weight, self.epsilon = nn.Parameter(torch.ones(width)), epsilon

    def forward(self, x):
        wide = x.to(torch.float32)
        return self.weight * (wide / (wide.pow(2).mean(-1, keepdim=True) + self.epsilon).sqrt()).to(x.dtype)


class CausalConv(nn.Conv1d):
    def __init__(self, channels, taps, bias=True):
        super().__init__(channels, channels, taps, groups=channels, padding=taps - 1, bias=bias)

    def forward(self, x):
        return super().forward(x.transpose(1, 2))[..., : x.shape[1]].transpose(1, 2)


class Mamba1(nn.Module):
    def __init__(self, m):
        super().__init__()
        d, inner, self.n = m["hidden_size"], m["inner_size"], m["state_size"]
        self.rank = m["time_step_rank"]
        self.in_proj = nn.Linear(d, 2 * inner, bias=False)
        self.conv1d = CausalConv(inner, m["conv_kernel"])
        self.x_proj = nn.Linear(inner, self.rank + 2 * self.n, bias=False)
        self.dt_proj = nn.Linear(self.rank, inner)
        self.A_log, self.D = nn.Parameter(torch.zeros(inner, self.n)), nn.Parameter(torch.ones(inner))
        self.out_proj = nn.Linear(inner, d, bias=False)

    def forward(self, u):
        x, z = self.in_proj(u).chunk(2, -1)
        x = F.silu(self.conv1d(x))
        dt, b, c = self.x_proj(x).split([self.rank, self.n, self.n], -1)
        step = F.softplus(self.dt_proj(dt).to(torch.float32))
        a = -torch.exp(self.A_log.to(torch.float32))
        h, ys = torch.zeros(*x.shape[:1], *a.shape, dtype=step.dtype), []
        for t in range(x.shape[1]):
            h = torch.exp(step[:, t, :, None] * a) * h + (step[:, t] * x[:, t])[..., None] * b[:, t, None, :]
            ys.append((h * c[:, t, None, :]).sum(-1) + self.D * x[:, t])
        return self.out_proj(torch.stack(ys, 1).to(x.dtype) * F.silu(z))


class Attention(nn.Module):
    """Each score written out; rotary positions turn the first channels of a head."""

    def __init__(self, m, window=None):
        super().__init__()
        self.m, self.window = m, window
        d, heads, groups, size = m["hidden_size"], m["attention_heads"], m["kv_heads"], m["attention_head_dim"]
        self.sizes = [heads * size, groups * size, groups * size]
        self.together = m["family"] == "mamba2"
        if self.together:
            self.in_proj = nn.Linear(d, sum(self.sizes), bias=False)
            self.conv1d = CausalConv(sum(self.sizes), m["attention_conv"])
            self.out_proj = nn.Linear(heads * size, d, bias=False)
        else:
            self.q_proj, self.k_proj, self.v_proj = (nn.Linear(d, width, bias=False) for width in self.sizes)
            self.o_proj = nn.Linear(heads * size, d, bias=False)

    def turned(self, x):
        size = int(self.m["attention_head_dim"] * self.m.get("rope_fraction", 0))
        if size == 0:
            return x
        rates = 10000.0 ** (-torch.arange(0, size, 2, dtype=torch.float64) / size)
        angles = torch.arange(x.shape[1], dtype=torch.float64)[:, None] * rates
        cos, sin = angles.cos()[:, None].to(x.dtype), angles.sin()[:, None].to(x.dtype)
        a, b, rest = x[..., : size // 2], x[..., size // 2 : size], x[..., size:]
        return torch.cat([a * cos - b * sin, b * cos + a * sin, rest], -1)

    def forward(self, u):
        size = self.m["attention_head_dim"]
        if self.together:
            q, k, v = self.conv1d(self.in_proj(u)).split(self.sizes, -1)
        else:
            q, k, v = self.q_proj(u), self.k_proj(u), self.v_proj(u)
        q, k, v = (x.reshape(*x.shape[:2], -1, size) for x in (q, k, v))
        q, k = self.turned(q), self.turned(k)
        share, outputs = q.shape[2] // k.shape[2], []
        for t in range(u.shape[1]):
            first = max(0, t + 1 - self.window) if self.window else 0
            keys, values = (x[:, first : t + 1].repeat_interleave(share, 2) for x in (k, v))
            scores = (q[:, t, None] * keys).sum(-1) / math.sqrt(size)
            outputs.append((scores.softmax(1)[..., None] * values).sum(1).reshape(u.shape[0], -1))
        return (self.out_proj if self.together else self.o_proj)(torch.stack(outputs, 1).to(u.dtype))


class MLP(nn.Module):
    def __init__(self, m):
        super().__init__()
        d, f, self.gated = m["hidden_size"], m["ffn_size"], m.get("gated_mlp", False)
        if self.gated:
            self.gate_proj = nn.Linear(d, f, bias=False)
        self.up_proj, self.down_proj = nn.Linear(d, f, bias=False), nn.Linear(f, d, bias=False)

    def forward(self, u):
        if self.gated:
            return self.down_proj(F.silu(self.gate_proj(u)) * self.up_proj(u))
        return self.down_proj(F.gelu(self.up_proj(u)))


class Diagonal(nn.Module):
    """S4D and DSS as the recurrence that their convolution unrolls."""

    def __init__(self, m, pairs):
        super().__init__()
        d, self.factor = m["hidden_size"], 2 if pairs else 1
        modes = m["state_size"] // 2 if pairs else m["state_size"]
        shape = (d, modes) if pairs else (modes,)
        self.log_dt = nn.Parameter(torch.zeros(d))
        self.log_A_real, self.A_imag = nn.Parameter(torch.zeros(shape)), nn.Parameter(torch.zeros(shape))
        self.C, self.D = nn.Parameter(torch.zeros(d, modes, 2)), nn.Parameter(torch.zeros(d))
        self.output_linear = nn.Linear(d, 2 * d)

    def forward(self, u):
        a = torch.complex(-torch.exp(self.log_A_real.double()), self.A_imag.double())
        grown = torch.exp(self.log_dt.double().exp()[:, None] * a)
        write, c = (grown - 1) / a, torch.view_as_complex(self.C.double().contiguous())
        x, ys = torch.zeros(u.shape[0], *grown.shape, dtype=torch.complex128), []
        for t in range(u.shape[1]):
            x = grown * x + write * u[:, t, :, None].double()
            ys.append(self.factor * (x * c).sum(-1).real)
        y = F.gelu(torch.stack(ys, 1).to(u.dtype) + self.D * u)
        first, second = self.output_linear(y).chunk(2, -1)
        return first * torch.sigmoid(second)


class Mamba2(nn.Module):
    def __init__(self, m):
        super().__init__()
        self.h, self.p, self.g, self.n = m["mamba_heads"], m["mamba_head_dim"], m["groups"], m["state_size"]
        inner, d = self.h * self.p, m["hidden_size"]
        mixed = inner + 2 * self.g * self.n
        self.in_proj = nn.Linear(d, inner + mixed + self.h, bias=False)
        self.conv1d = CausalConv(mixed, m["conv_kernel"])
        self.dt_bias, self.A_log, self.D = (nn.Parameter(torch.zeros(self.h)) for _ in range(3))
        self.norm, self.out_proj = Norm(inner, 1e-5), nn.Linear(inner, d, bias=False)

    def forward(self, u):
        inner, group = self.h * self.p, self.g * self.n
        z, mixed, dt = self.in_proj(u).split([inner, inner + 2 * group, self.h], -1)
        x, b, c = F.silu(self.conv1d(mixed)).split([inner, group, group], -1)
        x = x.reshape(*x.shape[:2], self.h, self.p)
        b, c = (v.reshape(*v.shape[:2], self.g, self.n).repeat_interleave(self.h // self.g, 2) for v in (b, c))
        step = F.softplus(dt.to(torch.float32) + self.dt_bias)
        decay = torch.exp(-step * torch.exp(self.A_log.to(torch.float32)))
        h, ys = torch.zeros(u.shape[0], self.h, self.p, self.n, dtype=step.dtype), []
        for t in range(u.shape[1]):
            write = (step[:, t, :, None] * x[:, t])[..., None] * b[:, t, :, None]
            h = decay[:, t, :, None, None] * h + write
            ys.append((h * c[:, t, :, None]).sum(-1) + self.D[:, None] * x[:, t])
        y = torch.stack(ys, 1).reshape(*u.shape[:2], inner) * F.silu(z.to(torch.float32))
        groups = y.reshape(*y.shape[:2], self.g, -1)
        scale = (groups.pow(2).mean(-1, keepdim=True) + 1e-5).rsqrt()
        return self.out_proj((self.norm.weight * (groups * scale).reshape(y.shape)).to(u.dtype))


LAYERS = {
    "M": Mamba2, "1": Mamba1, "*": Attention, "-": MLP, "S": lambda m: Diagonal(m, True),
    "Z": lambda m: Diagonal(m, False), "W": lambda m: Attention(m, m["window"]),
}


class PaperModel(nn.Module):
    def __init__(self, m):
        super().__init__()
        d = m["hidden_size"]
        self.backbone = nn.Module()
        self.backbone.embeddings = nn.Embedding(m["vocab_size"], d)
        self.backbone.layers = nn.ModuleList()
        for letter in m["pattern"]:
            layer = nn.Module()
            layer.norm, layer.mixer = Norm(d, 1e-5), LAYERS[letter](m)
            self.backbone.layers.append(layer)
        self.backbone.norm_f = Norm(d, 1e-5)
        self.lm_head = None if m.get("tied_embeddings") else nn.Linear(d, m["vocab_size"], bias=False)

    def forward(self, ids, use_cache=False):
        x = self.backbone.embeddings(ids)
        for layer in self.backbone.layers:
            x = x + layer.mixer(layer.norm(x))
        x = self.backbone.norm_f(x)
        head = self.lm_head.weight if self.lm_head is not None else self.backbone.embeddings.weight
        return types.SimpleNamespace(logits=F.linear(x, head))

    def save_pretrained(self, folder):
        folder.mkdir(parents=True, exist_ok=True)
        save_file({name: p.detach().clone() for name, p in self.named_parameters()}, folder / "model.safetensors")
