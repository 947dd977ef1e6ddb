"""Makes the demo's fine-tuning data from text that every Debian machine carries.

Each paragraph of a licence becomes a question about how a sentence goes on, and the answer is the licence's own words.
usage: demo-questions.py FOLDER    writes train.jsonl and validation.jsonl there
"""

import json
import pathlib
import re
import sys

TRAIN = ["GPL-2", "GPL-3", "LGPL-2"]
VALIDATION = ["Apache-2.0", "Artistic"]
PAIRS_MAX = 160


def pairs(name):
    path = pathlib.Path("/usr/share/common-licenses") / name
    if not path.exists():
        return
    for paragraph in re.split(r"\n\s*\n", path.read_text(errors="replace")):
        words = paragraph.split()
        if 24 <= len(words) <= 120:
            yield {"prompt": "Q: " + " ".join(words[:12]) + " ...\nA: ", "completion": " ".join(words[12:28]) + "."}


def write(path, names, limit):
    lines = [json.dumps(pair) for name in names for pair in pairs(name)][:limit]
    if not lines:
        sys.exit(f"none of {', '.join(names)} lies under /usr/share/common-licenses")
    path.write_text("\n".join(lines) + "\n")


folder = pathlib.Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)
write(folder / "train.jsonl", TRAIN, PAIRS_MAX)
write(folder / "validation.jsonl", VALIDATION, PAIRS_MAX // 4)
