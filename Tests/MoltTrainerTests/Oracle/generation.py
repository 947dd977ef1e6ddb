"""What transformers generates, greedily, with tokenizers that begin and end texts in different ways: the oracle of
`LibraryGenerationTests`.

    generation.py FOLDER    writes FOLDER/<case>: a model as transformers saves it, with its tokenizer beside it; and
                            FOLDER/<case>.json with prompts, the tokens of prompts and what is generated
"""
import json
import pathlib
import sys
import warnings

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors
from transformers import GenerationConfig, PreTrainedTokenizerFast

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "Tests/MoltModelsTests/Oracle"))
from cases import mamba2  # noqa: E402
from numbers_by_name import weight  # noqa: E402

PROMPTS = ["the ox", "line 7: the", "Grüße aus Köln", " ", "a"]
MERGES = [("t", "h"), ("th", "e"), ("o", "x"), ("Ġ", "the"), ("l", "i"), ("n", "e"), ("li", "ne")]
BEGIN, END, OTHER_END, PADDING = "<|begin|>", "<|end|>", "<|eot|>", "<|pad|>"
NEW_TOKENS = 20


def tokenizer(begins, added, folder):
    vocabulary = sorted(pre_tokenizers.ByteLevel.alphabet()) + [a + b for a, b in MERGES]
    own = Tokenizer(models.BPE(vocab={token: i for i, token in enumerate(vocabulary)}, merges=MERGES))
    own.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    own.decoder = decoders.ByteLevel()
    own.add_special_tokens([BEGIN, END, OTHER_END, PADDING])
    if begins:
        own.post_processor = processors.TemplateProcessing(
            single=f"{BEGIN} $A", special_tokens=[(BEGIN, own.token_to_id(BEGIN))])
    more = {} if added is None else {"add_bos_token": added}
    fast = PreTrainedTokenizerFast(
        tokenizer_object=own, bos_token=BEGIN, eos_token=END, pad_token=PADDING, **more)
    fast.save_pretrained(folder)
    config = json.loads((folder / "tokenizer_config.json").read_text())
    for key in ("add_bos_token", "add_eos_token"):
        config.pop(key, None)
    (folder / "tokenizer_config.json").write_text(json.dumps(config | more))
    return PreTrainedTokenizerFast.from_pretrained(folder)


def make(folder, name, begins, added, ends):
    folder.mkdir(parents=True, exist_ok=True)
    own = tokenizer(begins, added, folder)
    # The heads are not tied: a model that is only repeats its last token.
    model = mamba2(name, 32, 4, 16, 16, 1, 2, 8, vocabulary=len(own), tied=False).build().eval()
    with torch.no_grad():
        for key, parameter in model.named_parameters():
            parameter.copy_(weight(key, parameter.shape))
    never = [own.convert_tokens_to_ids(token) for token in (BEGIN, PADDING)]

    def generate(prompt, stops):
        ids = own(prompt, return_tensors="pt").input_ids
        settings = GenerationConfig(
            do_sample=False, max_new_tokens=NEW_TOKENS, eos_token_id=stops, pad_token_id=own.pad_token_id,
            suppress_tokens=never)
        out = model.generate(ids, attention_mask=torch.ones_like(ids), generation_config=settings)[0]
        return ids[0].tolist(), out[ids.shape[1]:].tolist()

    known = [own.eos_token_id, own.convert_tokens_to_ids(OTHER_END)]
    # An end that comes in the middle of the first text, as one of a list.
    if ends:
        known.append(generate(PROMPTS[0], None)[1][7])
    model.config.eos_token_id = known[0]
    model.generation_config = GenerationConfig(eos_token_id=known, pad_token_id=own.pad_token_id)
    model.save_pretrained(folder)
    cases = []
    for prompt in PROMPTS:
        ids, new = generate(prompt, known)
        ended = new[-1] in known
        text = own.decode(new[:-1] if ended else new, skip_special_tokens=True)
        cases.append({"prompt": prompt, "ids": ids, "tokens": new[:-1] if ended else new, "ended": ended, "text": text})
    folder.with_suffix(".json").write_text(json.dumps(cases))


def main():
    warnings.filterwarnings("ignore")
    folder = pathlib.Path(sys.argv[1])
    make(folder / "bare", "bare", False, None, ends=True)
    make(folder / "template", "template", True, None, ends=True)
    make(folder / "added", "added", False, True, ends=False)
    make(folder / "taken", "taken", True, False, ends=False)


if __name__ == "__main__":
    main()
