"""Random SentencePiece unigram models, small and full of ties, with what the library makes of texts.

    python unigrams.py FOLDER SEED COUNT      NUMBER.model for each, texts.bin and ids.bin: TEXTS for each model
"""
import array
import pathlib
import random
import struct
import sys

import sentencepiece

TEXTS = 40
NORMAL, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE = 1, 2, 3, 4, 5, 6
CHARACTERS = ["a", "b", "c", "\u2581", "-", "\u00e9", "\u5b57", "\U0001f600"]


def varint(number):
    result = bytearray()
    while number > 127:
        result.append(number & 127 | 128)
        number >>= 7
    return bytes(result + bytes([number]))


def bytes_field(number, data):
    return varint(number << 3 | 2) + varint(len(data)) + data


def flag_field(number, value):
    return varint(number << 3) + varint(value)


def score_of(numbers, style):
    """Few different scores make ties, and sums that 32 bits do not hold make them come out by the rounding."""
    if style == "few":
        return -numbers.randint(1, 4) * 0.1
    if style == "equal":
        return -1.3
    if style == "far":
        return -numbers.choice([0.1, 0.2, 0.3, 70.1, 70.2, 5000.3])
    if style == "positive":
        return numbers.randint(-3, 2) * 0.7
    return -numbers.random() * 12


def model(numbers):
    """The file of a model, and its pieces."""
    characters = numbers.sample(CHARACTERS, numbers.randint(2, len(CHARACTERS)))
    style = numbers.choice(["few", "few", "equal", "far", "positive", "any"])
    kinds = [NORMAL] * 12 + [USER_DEFINED] * numbers.choice([0, 2, 2, 6]) + [UNUSED]
    texts = {"".join(numbers.choice(characters) for _ in range(numbers.choice([1, 1, 2, 2, 3, 4, 6])))
             for _ in range(numbers.randint(4, 60))}
    pieces = [("<unk>", 0, UNKNOWN), ("<s>", 0, CONTROL)]
    pieces += [(text, score_of(numbers, style), numbers.choice(kinds)) for text in sorted(texts)]
    has_bytes = numbers.random() < 0.3
    if has_bytes:
        pieces += [(f"<0x{byte:02X}>", 0, BYTE) for byte in range(256)]
    result = b"".join(
        bytes_field(1, bytes_field(1, text.encode()) + b"\x15" + struct.pack("<f", score) + flag_field(3, kind))
        for text, score, kind in pieces)
    result += bytes_field(2, flag_field(3, 1) + flag_field(35, has_bytes))
    normalizer = [flag_field(3, numbers.random() < 0.5), flag_field(4, numbers.random() < 0.5), flag_field(5, 1)]
    return result + bytes_field(3, b"".join(normalizer)), [text for text, _, kind in pieces if kind != BYTE]


def text(numbers, pieces):
    """A few pieces and other characters; now and then many, whose scores add up to large numbers."""
    parts = [
        numbers.choice(pieces) if numbers.random() < 0.8 else numbers.choice([*CHARACTERS, " ", "x", "<s>"])
        for _ in range(600 if numbers.random() < 0.02 else numbers.randint(1, 30))]
    return "".join(parts).encode()


def pack(items):
    return struct.pack("<I", len(items)) + b"".join(
        struct.pack("<I", len(item)) + (item if isinstance(item, bytes) else array.array("I", item).tobytes())
        for item in items)


def main(folder, seed, count):
    folder.mkdir(parents=True, exist_ok=True)
    numbers = random.Random(seed)
    texts, ids = [], []
    for number in range(count):
        data, pieces = model(numbers)
        (folder / f"{number}.model").write_bytes(data)
        processor = sentencepiece.SentencePieceProcessor(model_proto=data)
        for _ in range(TEXTS):
            texts.append(text(numbers, pieces))
            ids.append(processor.encode(texts[-1]))
    (folder / "texts.bin").write_bytes(pack(texts))
    (folder / "ids.bin").write_bytes(pack(ids))


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
