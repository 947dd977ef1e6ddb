"""Golden numbers of torch.optim.AdamW: seven steps over two parameter groups, gradients by formula.

Recipe: pip install torch==2.13.0; python3 Scripts/goldens/adamw.py. Writes Tests/MoltOptimTests/Golden/adamw.json.
"""
import json
import pathlib

import torch

import synthetic

golden = pathlib.Path(__file__).resolve().parents[2] / "Tests/MoltOptimTests/Golden"


def main():
    shapes = {"matrix": [7, 5], "vector": [11]}
    values = {k: torch.nn.Parameter(torch.from_numpy(synthetic.uniform(k, v[0] * (v[1:] or [1])[0])).float().reshape(v))
              for k, v in shapes.items()}
    optimizer = torch.optim.AdamW(
        [{"params": [values["matrix"]], "weight_decay": 0.1}, {"params": [values["vector"]], "weight_decay": 0.0}],
        lr=1e-2, betas=(0.9, 0.95), eps=1e-8, fused=False, foreach=False)
    for step in range(7):
        for group in optimizer.param_groups:
            group["lr"] = 1e-2 * (step + 1) / 7
        for key, value in values.items():
            unit = synthetic.uniform(f"{key}.gradient.{step}", value.numel())
            value.grad = torch.from_numpy(unit).float().reshape(value.shape)
        optimizer.step()
    state = {key: optimizer.state[value] for key, value in values.items()}
    content = {
        "values": {key: synthetic.packed(value) for key, value in values.items()},
        "exp_avg": {key: synthetic.packed(state[key]["exp_avg"]) for key in values},
        "exp_avg_sq": {key: synthetic.packed(state[key]["exp_avg_sq"]) for key in values},
    }
    (golden / "adamw.json").write_text(json.dumps(content, indent=1) + "\n")


if __name__ == "__main__":
    main()
