#!/usr/bin/env python3
"""Molt beside transformers: forward and backward of a small Mamba-2, measured in turns on the same machine.

    Scripts/bench.py --molt-train .build/release/molt-train [--rounds 3] [--output Benchmarks/results/<name>]

Needs a Python with torch and transformers; Scripts/bench makes one. Each measurement is a process of its own, so that
its peak memory is its own, and the sides take turns, so that what else runs on the machine disturbs them alike. How
much that was is measured too; a disturbed measurement is taken again, --patience times at most. Writes <name>.json and
<name>.md.
"""
import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import time

LAYERS, HIDDEN, VOCABULARY, LENGTH = 4, 768, 1024, 1024
# The share of the machine's processor time that others may take in a measurement that is not taken again.
DISTURBED = 0.05


def measure(body, repetitions):
    """What `molt-train bench` prints too."""
    seconds = []
    for _ in range(repetitions + 1):
        start = time.perf_counter()
        body()
        seconds.append(time.perf_counter() - start)
    return {
        "seconds": seconds[1:],
        "firstSeconds": seconds[0],
        "peakMiB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }


def transformers_step(mode, precision, threads, repetitions):
    import torch
    from transformers import Mamba2Config, Mamba2ForCausalLM

    torch.set_num_threads(threads)
    torch.manual_seed(1)
    model = Mamba2ForCausalLM(Mamba2Config(
        hidden_size=HIDDEN, num_hidden_layers=LAYERS, vocab_size=VOCABULARY, num_heads=2 * HIDDEN // 64, head_dim=64,
        state_size=128, n_groups=1, expand=2, conv_kernel=4, tie_word_embeddings=True, use_cache=False))
    tokens = torch.randint(0, VOCABULARY, (1, LENGTH))
    call = torch.compile(model) if mode == "compiled" else model

    def step():
        model.zero_grad(set_to_none=True)
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"):
            loss = call(input_ids=tokens, labels=tokens).loss
        loss.backward()

    return measure(step, repetitions)


def transformers_scan(backward, precision, threads, repetitions, length):
    """The scan inside of transformers' mixer, called as the mixer calls it."""
    import torch
    from transformers.models.mamba2 import modeling_mamba2

    torch.set_num_threads(threads)
    dtype = torch.bfloat16 if precision == "bf16" else torch.float32
    leaves = [
        torch.randn(1, length, 24, 64, dtype=dtype), torch.rand(1, length, 24) * 0.1, -torch.exp(torch.rand(24) * 2.7),
        torch.randn(1, length, 1, 128, dtype=dtype), torch.randn(1, length, 1, 128, dtype=dtype)]
    skip = torch.ones(24)
    for leaf in leaves:
        leaf.requires_grad_(backward)
    gradient = torch.randn(1, length, 24, 64)

    def run():
        result = modeling_mamba2.mamba2_chunk_scan(*leaves, 256, D=skip)
        y = result[0] if isinstance(result, tuple) else result
        if backward:
            torch.autograd.grad(y, leaves, gradient.to(y.dtype))

    return measure(run, repetitions)


def child(arguments):
    _, what, mode, precision, threads, repetitions, length = arguments
    if what == "train":
        report = transformers_step(mode, precision, int(threads), int(repetitions))
    else:
        report = transformers_scan(what == "scan", precision, int(threads), int(repetitions), int(length))
    print(json.dumps(report))


def processor_seconds():
    """Seconds that all processors have been busy, and that they have had, since the machine started."""
    with open("/proc/stat") as file:
        user, nice, system, idle, waiting, *rest = (int(word) for word in file.readline().split()[1:9])
    busy = user + nice + system + sum(rest)
    ticks = os.sysconf("SC_CLK_TCK")
    return busy / ticks, (busy + idle + waiting) / ticks


def run_once(command):
    busy, had = processor_seconds()
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"error: {' '.join(command)} ended with {done.returncode}\n{done.stderr[-2000:]}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    own = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    busy_after, had_after = processor_seconds()
    report = json.loads(done.stdout[done.stdout.index("{"):])
    report["others"] = max(0.0, busy_after - busy - own) / max(had_after - had, 0.01)
    return report


def run(command, patience):
    """The first undisturbed measurement, or the least disturbed one."""
    tries = []
    while len(tries) < patience and not (tries and tries[-1]["others"] <= DISTURBED):
        tries.append(run_once(command))
    return min(tries, key=lambda report: report["others"])


def summary(reports, length):
    """Over the repetitions of all rounds."""
    seconds = sorted(second for report in reports for second in report["seconds"])
    median = (seconds[(len(seconds) - 1) // 2] + seconds[len(seconds) // 2]) / 2
    return {
        "seconds": median,
        "secondsFastest": seconds[0],
        "tokensPerSecond": length / median,
        "firstSeconds": min(report["firstSeconds"] for report in reports),
        "peakMiB": max(report["peakMiB"] for report in reports),
        "others": max(report["others"] for report in reports),
        "repetitions": len(seconds),
    }


def processor():
    with open("/proc/cpuinfo") as file:
        lines = [line.split(":", 1) for line in file if ":" in line]
    facts = {key.strip(): value.strip() for key, value in lines}
    has = [name for name in ("avx2", "avx512f", "avx512_bf16", "amx_bf16") if name in facts.get("flags", "").split()]
    model = f" (family {facts['cpu family']}, model {facts['model']})" if "cpu family" in facts else ""
    return f"{facts.get('model name', platform.machine())}{model}, {os.cpu_count()} cores, {', '.join(has)}"


def case(options, what, precision, length):
    here = [sys.executable, os.path.abspath(__file__), "--child"]
    threads, repetitions = str(options.threads), str(options.repetitions)
    molt = [options.molt_train, "bench", what, "--precision", precision, "--threads", threads]
    molt += ["--repetitions", repetitions, "--length", str(length)]
    modes = ["eager"] if what != "train" or options.no_compile else ["eager", "compiled"]
    commands = {"Molt": molt}
    for mode in modes:
        commands[f"transformers, {mode}"] = here + [what, mode, precision, threads, repetitions, str(length)]
    reports = {side: [] for side in commands}
    for _ in range(options.rounds):
        for side, command in commands.items():
            reports[side].append(run(command, options.patience))
    row = {"case": what, "precision": precision, "length": length}
    row["sides"] = {side: summary(reports[side], length) for side in commands}
    ours, others = row["sides"]["Molt"], [row["sides"][side] for side in commands if side != "Molt"]
    row["ratio"] = ours["tokensPerSecond"] / max(other["tokensPerSecond"] for other in others)
    row["memory"] = ours["peakMiB"] / min(other["peakMiB"] for other in others)
    return row


def compare(options):
    import torch
    import transformers

    results = {
        "processor": processor(), "threads": options.threads, "date": time.strftime("%Y-%m-%d"),
        "rounds": options.rounds,
        "torch": torch.__version__, "transformers": transformers.__version__, "cases": []}
    cases = [("train", precision, LENGTH) for precision in ("fp32", "bf16")]
    cases += [("scan-forward", "fp32", length) for length in (1024, 2048, 4096, 8192)]
    cases += [("scan", "fp32", length) for length in (1024, 8192)]
    print(table_head(), flush=True)
    for what, precision, length in cases:
        if options.case and what not in options.case:
            continue
        row = case(options, what, precision, length)
        results["cases"].append(row)
        print(table_rows(row), flush=True)
        write(options, results)
    missed = verdict(results["cases"])
    print("\n" + "\n".join(remarks(results["cases"])), flush=True)
    for line in missed:
        print(f"MISSED: {line}", file=sys.stderr)
    return 1 if missed else 0


def write(options, results):
    """After each case, so that an interrupted comparison leaves what it has."""
    if options.output:
        with open(options.output + ".json", "w") as file:
            json.dump(results, file, indent=2, sort_keys=True)
            file.write("\n")
        with open(options.output + ".md", "w") as file:
            file.write(page(results))


def table_head():
    return ("| case | | tokens | side | ms | fastest | tokens/s | first, s | peak MiB | others | Molt is |\n"
            "|---|---|--:|---|--:|--:|--:|--:|--:|--:|--:|")


def table_rows(row):
    lines = []
    ours = row["sides"]["Molt"]
    for side, report in row["sides"].items():
        faster = "" if side == "Molt" else f"{report['seconds'] / ours['seconds']:.2f}×"
        lines.append(
            f"| {row['case']} | {row['precision']} | {row['length']} | {side} | {report['seconds'] * 1000:.1f} "
            f"| {report['secondsFastest'] * 1000:.1f} | {report['tokensPerSecond']:.0f} | {report['firstSeconds']:.2f} "
            f"| {report['peakMiB']} | {report['others'] * 100:.0f} % | {faster} |")
    return "\n".join(lines)


def growth(rows):
    """How many times as long the scan's forward takes for 8 times the tokens; None when it was not measured."""
    seconds = {row["length"]: row["sides"]["Molt"]["seconds"] for row in rows if row["case"] == "scan-forward"}
    return seconds[8192] / seconds[1024] if 1024 in seconds and 8192 in seconds else None


def remarks(rows):
    lines = []
    for row in rows:
        if row["case"] == "train":
            lines.append(
                f"- train, {row['precision']}: {row['ratio']:.2f} times the tokens a second of the better other side, "
                f"{row['memory']:.2f} of the smaller other peak.")
    if growth(rows) is not None:
        lines.append(f"- The scan's forward takes {growth(rows):.1f} times as long for 8 times the tokens.")
    return lines


def verdict(rows):
    """The bars: 1.5 times in fp32, twice in bf16, no more memory; the scan's forward near-linear in length."""
    missed = []
    for row in rows:
        if row["case"] == "train" and row["ratio"] < {"fp32": 1.5, "bf16": 2.0}[row["precision"]]:
            missed.append(f"train {row['precision']} is only {row['ratio']:.2f} times as fast")
        if row["case"] == "train" and row["memory"] > 1:
            missed.append(f"train {row['precision']} takes {row['memory']:.2f} times the memory")
    if (growth(rows) or 0) > 8.8:
        missed.append(f"the scan's forward grows {growth(rows):.1f} times for 8 times the tokens")
    return missed


def page(results):
    missed = verdict(results["cases"])
    counted = sorted({report["repetitions"] for row in results["cases"] for report in row["sides"].values()})
    lines = [
        f"# {results['date']}: {results['processor']}", "",
        f"`make bench`; {results['threads']} threads, torch {results['torch']}, transformers "
        f"{results['transformers']}. Milliseconds are medians of {', '.join(map(str, counted))} repetitions in "
        f"{results['rounds']} processes for each side, the sides in turns. *others* is the largest share of the "
        "machine's processor time that other programs took while a side was measured; they only make it slower.", ""]
    lines += [table_head()] + [table_rows(row) for row in results["cases"]] + [""] + remarks(results["cases"])
    lines += [f"- **Missed:** {line}." for line in missed] if missed else ["- Every bar is met."]
    return "\n".join(lines) + "\n"


def main():
    if len(sys.argv) > 1 and sys.argv[1] == "--child":
        return child(sys.argv[1:])
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--molt-train", required=True)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--repetitions", type=int, default=7)
    parser.add_argument("--patience", type=int, default=3, help="how often a disturbed measurement is taken")
    parser.add_argument("--case", action="append", help="train, scan-forward or scan; all when not given")
    parser.add_argument("--no-compile", action="store_true", help="leave out torch.compile, a minute a round")
    parser.add_argument("--output", help="path of the .json and .md, without the ending")
    return compare(parser.parse_args())


if __name__ == "__main__":
    sys.exit(main())
