"""Trains small tokenizers of every kind that the families use, and writes what their libraries make of the texts.

    python cases.py FOLDER SEED MEGABYTES HOSTILE      one folder for each tokenizer; see `write` for the files
"""
import array
import base64
import collections
import json
import pathlib
import struct
import sys

import corpus
import sentencepiece
import tiktoken
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

GPT2 = r"'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
LLAMA3 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|"
          r"\s*[\r\n]+|\s+(?!\S)|\s+")
CL100K = (r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$|"
          r"\s*[\r\n]|\s+(?!\S)|\s")
QWEN = LLAMA3.replace("{1,3}", "")
TEKKEN = (r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|"
          r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|"
          r"\s*[\r\n]+|\s+(?!\S)|\s+")
O200K = TEKKEN.replace("]+|", "]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|", 1).replace("]*|\\p{N}|", "]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\\p{N}{1,3}|")
DEEPSEEK = (r"[!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|"
            r"\s*[\r\n]+|\s+(?!\S)|\s+")
WORDS = r"\w+|[^\w\s]+|[\d\s]|\s+(?=\S)"
ALPHABET = sorted(pre_tokenizers.ByteLevel.alphabet())
BYTES = [f"<0x{byte:02X}>" for byte in range(256)]


def split(pattern, behavior="isolated", **options):
    return pre_tokenizers.Split(Regex(pattern), behavior, **options)


def train(sample, model, size=1500, **parts):
    tokenizer = Tokenizer(model)
    for name, part in parts.items():
        if name in ("normalizer", "pre_tokenizer", "decoder", "post_processor"):
            setattr(tokenizer, name, part)
    specials = parts.get("specials", ["<|endoftext|>"])
    options = parts.get("options", {})
    kinds = {"BPE": trainers.BpeTrainer, "Unigram": trainers.UnigramTrainer, "WordPiece": trainers.WordPieceTrainer,
             "WordLevel": trainers.WordLevelTrainer}
    trainer = kinds[type(model).__name__](vocab_size=size, special_tokens=specials, show_progress=False, **options)
    tokenizer.train_from_iterator(sample, trainer)
    return tokenizer


def byte_level(sample, *steps, normalizer=None, size=1500, prefix=False, regex=False, **changes):
    last = pre_tokenizers.ByteLevel(add_prefix_space=prefix, use_regex=regex)
    parts = dict(
        pre_tokenizer=pre_tokenizers.Sequence([*steps, last]) if steps else last, decoder=decoders.ByteLevel(),
        options={"initial_alphabet": ALPHABET})
    if normalizer is not None:
        parts["normalizer"] = normalizer
    return change(train(sample, models.BPE(), size, **parts), **changes)


def change(tokenizer, added=(), **settings):
    """The same tokenizer with other settings in its file: of `model`, or whole parts of it."""
    tokenizer.add_tokens([token for token in added])
    data = json.loads(tokenizer.to_str())
    for name, value in settings.items():
        (data if name in ("pre_tokenizer", "normalizer", "decoder", "post_processor") else data["model"])[name] = value
    return Tokenizer.from_str(json.dumps(data))


def spaces_and_bytes(sample, **options):
    """Characters with a sign for the space, as SentencePiece has them; all bytes are tokens."""
    return train(
        sample, models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True), 2000,
        pre_tokenizer=pre_tokenizers.Metaspace(**options), specials=["<unk>", "<s>", "</s>", *BYTES],
        options={"limit_alphabet": 300})


def hugging_face(sample, charsmap):
    template = processors.TemplateProcessing(
        single="<|im_start|> $A <|im_end|>", special_tokens=[("<|im_start|>", 1), ("<|im_end|>", 2)])
    llama2 = {"type": "Sequence", "normalizers": [
        {"type": "Prepend", "prepend": "\u2581"},
        {"type": "Replace", "pattern": {"String": " "}, "content": "\u2581"}]}
    unspaced = {"type": "Sequence", "decoders": [
        {"type": "Replace", "pattern": {"String": "\u2581"}, "content": " "}, {"type": "ByteFallback"}, {"type": "Fuse"},
        {"type": "Strip", "content": " ", "start": 1, "stop": 0}]}
    odd = [
        AddedToken("<mask>", lstrip=True, special=True), AddedToken("<pad>", rstrip=True, special=True),
        AddedToken("word", single_word=True), AddedToken("SPLIT", lstrip=True, rstrip=True, normalized=False),
        AddedToken("Hello", normalized=True), AddedToken("  ", normalized=False), AddedToken("\u00e9", normalized=True),
        AddedToken("hello", normalized=False, single_word=True), "<|im_end|>", AddedToken("ab", normalized=True)]
    runs = [AddedToken(" " * count, normalized=True) for count in range(2, 25)]
    yield "gpt2", byte_level(sample, regex=True)
    yield "gpt2-prefix", byte_level(sample, regex=True, prefix=True)
    yield "neox", byte_level(sample, regex=True, normalizer=normalizers.NFC(), added=runs)
    llama3 = byte_level(sample, split(LLAMA3), added=["<|im_start|>", "<|im_end|>"], ignore_merges=True)
    llama3.post_processor = processors.Sequence([processors.ByteLevel(trim_offsets=False), template])
    yield "llama3", llama3
    yield "qwen", byte_level(sample, split(QWEN), normalizer=normalizers.NFC(), added=["<|im_start|>", "<|im_end|>"])
    yield "granite", byte_level(sample, split(CL100K))
    yield "tekken", byte_level(sample, split(TEKKEN), size=3000)
    yield "o200k", byte_level(sample, split(O200K), ignore_merges=True)
    yield "deepseek", byte_level(sample, split(r"\p{N}{1,3}"), split("[\u4e00-\u9fa5\u3040-\u309f\u30a0-\u30ff]+"), split(DEEPSEEK))
    yield "starcoder", byte_level(sample, pre_tokenizers.Digits(individual_digits=True), regex=True)
    yield "falcon", byte_level(
        sample, pre_tokenizers.Punctuation("contiguous"), pre_tokenizers.Digits(),
        split("[0-9][0-9][0-9]"), normalizer=normalizers.NFKC(), regex=True)
    yield "words", byte_level(sample, split(WORDS, "merged_with_previous"), normalizer=normalizers.NFKD())
    yield "inverted", byte_level(sample, split(r"[\s\d]+", "merged_with_next", invert=True))
    plain = spaces_and_bytes(sample, prepend_scheme="always")
    yield "llama2", change(plain, pre_tokenizer=None, normalizer=llama2, decoder=unspaced)
    yield "llama2-first", change(
        plain, pre_tokenizer={"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "first", "split": False},
        decoder=unspaced)
    yield "metaspace", change(
        plain, decoder={"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "always", "split": True})
    yield "gemma", change(
        plain, normalizer={"type": "Replace", "pattern": {"String": " "}, "content": "\u2581"},
        pre_tokenizer={"type": "Split", "pattern": {"String": " "}, "behavior": "MergedWithPrevious", "invert": False},
        decoder={"type": "Sequence", "decoders": unspaced["decoders"][:3]}, fuse_unk=False)
    yield "added", byte_level(sample, regex=True, normalizer=normalizers.Lowercase(), added=odd)
    yield "added-plain", byte_level(sample, split(LLAMA3), added=odd)
    yield "clip", train(
        sample, models.BPE(unk_token="<unk>", end_of_word_suffix="</w>", continuing_subword_prefix="##"),
        normalizer=normalizers.Sequence([normalizers.NFD(), normalizers.Lowercase(), normalizers.StripAccents()]),
        pre_tokenizer=pre_tokenizers.Whitespace(), specials=["<unk>"], decoder=decoders.BPEDecoder("</w>"),
        options={"limit_alphabet": 100, "end_of_word_suffix": "</w>", "continuing_subword_prefix": "##"})
    yield "unknown", train(
        sample, models.BPE(unk_token="<unk>", fuse_unk=True), pre_tokenizer=pre_tokenizers.WhitespaceSplit(),
        normalizer=normalizers.Strip(), specials=["<unk>"], options={"limit_alphabet": 60})
    yield "wordpiece", train(
        sample, models.WordPiece(unk_token="[UNK]"), pre_tokenizer=pre_tokenizers.BertPreTokenizer(),
        specials=["[UNK]", "[MASK]"], decoder=decoders.WordPiece(), options={"limit_alphabet": 100})
    yield "wordlevel", train(
        sample, models.WordLevel(unk_token="[UNK]"), 800, specials=["[UNK]"],
        pre_tokenizer=pre_tokenizers.Sequence([pre_tokenizers.Punctuation("removed"), pre_tokenizers.Whitespace()]))
    unigram = train(
        frequent(sample), models.Unigram(), 4000, specials=["<unk>", "<s>", "</s>"], options={"unk_token": "<unk>"},
        normalizer=normalizers.Sequence([normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")]),
        pre_tokenizer=pre_tokenizers.Metaspace(), decoder=decoders.Metaspace())
    yield "unigram", unigram
    vocabulary = json.loads(unigram.to_str())["model"]["vocab"] + [[name, -20.0] for name in BYTES]
    yield "unigram-bytes", change(
        unigram, vocab=vocabulary, byte_fallback=True, decoder=unspaced,
        normalizer={"type": "Precompiled", "precompiled_charsmap": charsmap})


def tiktokens(sample):
    source = json.loads(byte_level(sample, split(LLAMA3), size=3000).to_str())
    characters = dict(zip(map(chr, byte_characters()), range(256)))
    tokens = [token for token in source["model"]["vocab"] if token != "<|endoftext|>"]
    ranks = {bytes(characters[character] for character in token): rank for rank, token in enumerate(tokens)}
    specials = {"<|endoftext|>": len(ranks), "<|im_start|>": len(ranks) + 7}
    gpt2 = GPT2.replace("\\p{L}+", "\\p{L}++")
    for name, pattern in [("cl100k", CL100K), ("o200k", O200K), ("gpt2", gpt2), ("words", r"\w+'?\w*|[^\w\s]+|\s+$|\s")]:
        encoding = tiktoken.Encoding(name, pat_str=pattern, mergeable_ranks=ranks, special_tokens=specials)
        yield f"tiktoken-{name}", encoding


def byte_characters():
    points, extra = [], 0x100
    for byte in range(256):
        if 0x21 <= byte <= 0x7E or 0xA1 <= byte <= 0xAC or 0xAE <= byte <= 0xFF:
            points.append(byte)
        else:
            points.append(extra)
            extra += 1
    return points


def frequent(sample):
    """The texts without rare characters, which would fill a vocabulary."""
    known = {character for character, count in collections.Counter("".join(sample)).items() if count > 5}
    return ["".join(filter(known.__contains__, text)) for text in sample]


def sentence_pieces(folder, sample):
    path = folder / "sample.txt"
    path.write_text("\n".join(line.replace("\0", "") for text in frequent(sample) for line in text.split("\n")))
    common = dict(input=str(path), vocab_size=4000, character_coverage=1.0, minloglevel=2, num_threads=2, max_sentence_length=100000,
                  hard_vocab_limit=False, input_sentence_size=4000, shuffle_input_sentence=False)
    for name, options in {
        "bpe": dict(model_type="bpe", byte_fallback=True, normalization_rule_name="identity",
                    remove_extra_whitespaces=False, split_digits=True),
        "bpe-nmt": dict(model_type="bpe", user_defined_symbols=["<|im_start|>", "ab", "hello", "\u2581\u2581"]),
        "unigram": dict(model_type="unigram", user_defined_symbols=["<mask>", "word", "12"]),
        "unigram-symbols": dict(
            model_type="unigram", normalization_rule_name="identity", remove_extra_whitespaces=False,
            user_defined_symbols=["a", "--", "the", "\u2581the", "\u2581\u2581", ". ", "==", "{", "\u4f60", "\u00e9", "return"]),
        "unigram-bytes": dict(model_type="unigram", byte_fallback=True, add_dummy_prefix=False,
                              normalization_rule_name="nfkc_cf", allow_whitespace_only_pieces=True),
        "suffix": dict(model_type="bpe", treat_whitespace_as_suffix=True, control_symbols=["<ctrl>"]),
    }.items():
        target = folder / f"sp-{name}"
        target.mkdir(exist_ok=True)
        sentencepiece.SentencePieceTrainer.train(model_prefix=str(target / "tokenizer"), **common, **options)
        yield f"sp-{name}", sentencepiece.SentencePieceProcessor(model_file=str(target / "tokenizer.model"))


def pack(items):
    """The number of items, then for each its length and its 32-bit numbers or bytes."""
    parts = [struct.pack("<I", len(items))]
    for item in items:
        body = item if isinstance(item, bytes) else array.array("I", item).tobytes()
        parts += [struct.pack("<I", len(item)), body]
    return b"".join(parts)


def write(folder, name, texts, encode, decode):
    target = folder / name
    target.mkdir(exist_ok=True)
    ids = [encode(text) for text in texts]
    (target / "ids.bin").write_bytes(pack(ids))
    (target / "decoded.bin").write_bytes(pack([decode(list_) for list_ in ids]))


def main(folder, seed, megabytes, count):
    folder.mkdir(parents=True, exist_ok=True)
    sample = [text.decode("utf-8", "replace") for text in corpus.texts(7, 400_000)]
    texts = corpus.hostile(seed, count) + corpus.texts(seed, int(megabytes * 1e6))
    (folder / "texts.bin").write_bytes(pack(texts))
    strings = [text.decode("utf-8", "replace") for text in texts]
    charsmap = ""
    for name, processor in sentence_pieces(folder, sample):
        write(folder, name, texts, processor.encode, lambda ids: processor.decode(ids).encode())
        if name == "sp-unigram":
            proto = processor.serialized_model_proto()
            charsmap = base64.b64encode(normalizer_spec(proto)).decode()
    for name, tokenizer in hugging_face(sample, charsmap):
        write(
            folder, name, strings, lambda text: tokenizer.encode(text, add_special_tokens=True).ids,
            lambda ids: tokenizer.decode(ids, skip_special_tokens=True).encode())
        tokenizer.save(str(folder / name / "tokenizer.json"))
    for name, encoding in tiktokens(sample):
        def encode(text):
            try:
                return encoding.encode(text.decode(), allowed_special="all", disallowed_special=())
            except UnicodeDecodeError:
                return encoding._encode_bytes(text)
        write(folder, name, texts, encode, encoding.decode_bytes)
        (folder / name / "tokenizer.tiktoken").write_bytes(b"".join(
            base64.b64encode(token) + b" %d\n" % rank for token, rank in encoding._mergeable_ranks.items()))
        (folder / name / "tokenizer.tiktoken.json").write_text(json.dumps(
            {"pattern": encoding._pat_str, "special_tokens": encoding._special_tokens}))


def normalizer_spec(proto):
    """The precompiled map in a model file: field 2 of field 3."""
    def fields(data):
        at = 0
        while at < len(data):
            key, at = varint(data, at)
            if key & 7 == 0:
                value, at = varint(data, at)
            elif key & 7 == 2:
                size, at = varint(data, at)
                value, at = data[at:at + size], at + size
            else:
                size = 4 if key & 7 == 5 else 8
                value, at = data[at:at + size], at + size
            yield key >> 3, value

    def varint(data, at):
        value = shift = 0
        while True:
            byte = data[at]
            value |= (byte & 127) << shift
            shift, at = shift + 7, at + 1
            if byte < 128:
                return value, at
    spec = next(value for number, value in fields(proto) if number == 3)
    return next(value for number, value in fields(spec) if number == 2)


main(pathlib.Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4]))
