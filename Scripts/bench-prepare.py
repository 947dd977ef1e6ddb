"""Times molt-train prepare beside the tokenizers library on the same JSONL, and measures its memory on a large input.

The corpus is made by rule: words of syllables with Zipf's frequencies, in documents of a few kilobytes. The library
does what a script around it would do: read lines, parse them, encode batches on all cores, write uint16 ids.
"""
import argparse
import datetime
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

os.environ["TOKENIZERS_PARALLELISM"] = "true"

import numpy
import tokenizers


def corpus(path, megabytes):
    random = numpy.random.default_rng(1)
    syllables = [a + b for a in "b d f g k l m n p r s t v z st tr".split() for b in "a e i o u an er is ö".split()]
    words = ["".join(random.choice(syllables, random.integers(1, 5))) for _ in range(50_000)]
    words = numpy.array(words + ["the", "of", "and", "(x)", "=", "1984", "naïve", "日本語", "🙂"])
    frequencies = 1 / numpy.arange(1, len(words) + 1)
    frequencies /= frequencies.sum()
    size = 0
    with open(path, "w", encoding="utf-8") as out:
        while size < megabytes << 20:
            chosen = random.choice(words, 60_000, p=frequencies)
            for part in numpy.split(chosen, sorted(random.integers(0, len(chosen), 150))):
                text = " ".join(part) + ".\n"
                size += out.write(json.dumps({"text": text, "source": "made"}, ensure_ascii=False) + "\n")


def train(path, target):
    tokenizer = tokenizers.Tokenizer(tokenizers.models.BPE())
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = tokenizers.decoders.ByteLevel()
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=32_000, special_tokens=["<s>", "</s>", "<pad>"], show_progress=False,
        initial_alphabet=tokenizers.pre_tokenizers.ByteLevel.alphabet())
    with open(path, encoding="utf-8") as lines:
        texts = [json.loads(line)["text"] for _, line in zip(range(8000), lines)]
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.save(str(target))


def library(path, model, out):
    """Seconds from opening the input to the last byte written."""
    tokenizer = tokenizers.Tokenizer.from_file(str(model))
    began = time.monotonic()
    with open(path, encoding="utf-8") as lines, open(out, "wb") as file:
        batch = []

        def flush():
            for encoding in tokenizer.encode_batch_fast(batch):
                file.write(numpy.array([0, *encoding.ids, 1], dtype="u2").tobytes())
            batch.clear()

        for line in lines:
            batch.append(json.loads(line)["text"])
            if len(batch) == 1000:
                flush()
        flush()
        file.flush()
        os.fsync(file.fileno())
    return time.monotonic() - began


def molt(program, paths, tokenizer, out, *options):
    """Wall seconds of the whole program, its peak memory in bytes and its report; None when it refuses."""
    shutil.rmtree(out, ignore_errors=True)
    command = [program, "prepare", *map(str, paths), "--tokenizer", str(tokenizer), "--out", str(out), "--json", *options]
    began = time.monotonic()
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(command, stdout=output)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.monotonic() - began
        output.seek(0)
        if status != 0:
            return None
        return seconds, usage.ru_maxrss * 1024, json.loads(output.read())


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--molt-train", required=True)
    parser.add_argument("--megabytes", type=int, default=200)
    parser.add_argument("--large", type=int, default=0)
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--folder", default=None, help="where the files lie for the time of the measurement")
    parser.add_argument("--output", default="Benchmarks/prepare")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = pathlib.Path(name)
        data, model = folder / "corpus.jsonl", folder / "tokenizer.json"
        corpus(data, options.megabytes)
        train(data, model)
        size = data.stat().st_size / 1e6
        theirs, ours, own_bytes = [], [], []
        for _ in range(options.repetitions):
            theirs.append(size / library(data, model, folder / "library.bin"))
            result = molt(options.molt_train, [data], model, folder / "out")
            if result:
                ours.append(size / result[0])
            own_bytes.append(size / molt(options.molt_train, [data], "bytes", folder / "out")[0])
        result = {
            "date": datetime.date.today().isoformat(), "machine": f"{os.cpu_count()} cores",
            "command": "Scripts/bench-prepare " + " ".join(sys.argv[3:]), "megabytes": round(size),
            "tokenizers_version": tokenizers.__version__, "tokenizers_mb_per_s": round(max(theirs), 1),
            "molt_mb_per_s": round(max(ours), 1) if ours else None,
            "ratio": round(max(ours) / max(theirs), 2) if ours else None,
            "molt_bytes_mb_per_s": round(max(own_bytes), 1),
        }
        if options.large:
            shutil.rmtree(folder / "out", ignore_errors=True)
            links = []
            while sum(link.stat().st_size for link in links) < options.large * 1e9:
                links.append(folder / f"part-{len(links):04}.jsonl")
                os.link(data, links[-1])
            chosen = model if ours else "bytes"
            seconds, peak, report = molt(options.molt_train, links, chosen, folder / "out", "--validation", "0.01")
            result["large"] = {
                "gigabytes": round(report["report"]["bytes"] / 1e9, 2), "seconds": round(seconds),
                "peak_memory_mb": round(peak / 1e6), "tokenizer": "BPE of 32,000" if ours else "bytes",
                "documents": sum(split["documents"] for split in report["report"]["splits"].values()),
            }
    pathlib.Path(options.output + ".json").write_text(json.dumps(result, indent=2) + "\n")
    pathlib.Path(options.output + ".md").write_text(page(result))
    print(page(result))


def page(result):
    lines = [
        "# Preparing data", "",
        f"`{result['command']}`, {result['machine']}, {result['date']}; JSONL of {result['megabytes']} MB made by rule, "
        "best of the repetitions, reading and writing included.", "",
        "| what | MB/s |", "|---|---|",
        f"| tokenizers {result['tokenizers_version']}, byte-level BPE of 32,000, all cores, with Python around it "
        f"| {result['tokenizers_mb_per_s']} |",
    ]
    if result["ratio"]:
        lines.append(f"| molt data prepare, the same tokenizer ({result['ratio']}×) | {result['molt_mb_per_s']} |")
    else:
        lines.append("| molt data prepare, the same tokenizer | not measured: this build does not read tokenizer.json |")
    lines.append(f"| molt data prepare, bytes | {result['molt_bytes_mb_per_s']} |")
    if "large" in result:
        large = result["large"]
        lines += [
            "", f"{large['gigabytes']} GB (the same file under many names, {large['documents']} documents, tokenizer: "
            f"{large['tokenizer']}) took {large['seconds']} s and at most {large['peak_memory_mb']} MB of memory."]
    return "\n".join(lines) + "\n"


main()
