"""Texts for the comparison of tokenizers: languages, code, emoji, runs of spaces, what is not UTF-8; all from a seed."""
import importlib
import pathlib
import random
import sysconfig

LOCALES = "de_DE en_US fr_FR ja_JP zh_CN ru_RU ar_AA el_GR he_IL pl_PL hy_AM ka_GE fa_IR th_TH hi_IN ko_KR vi_VN".split()
BLOCKS = [
    (0x20, 0x7F), (0x80, 0x250), (0x250, 0x370), (0x370, 0x590), (0x590, 0x800), (0x900, 0xE00), (0xE00, 0x1000),
    (0x1000, 0x1200), (0x1200, 0x1700), (0x1700, 0x1E00), (0x1E00, 0x2000), (0x2000, 0x2070), (0x2070, 0x2C00),
    (0x2C00, 0x3000), (0x3000, 0x3400), (0x4E00, 0xA000), (0xA000, 0xAC00), (0xAC00, 0xD7B0), (0xE000, 0xE100),
    (0xF900, 0xFB00), (0xFB00, 0x10000), (0x10000, 0x11000), (0x11000, 0x12000), (0x16000, 0x17000),
    (0x1B000, 0x1C000), (0x1D000, 0x1D800), (0x1E000, 0x1F000), (0x1F000, 0x1FC00), (0x20000, 0x20100),
    (0x2EBF0, 0x2EE60), (0x31350, 0x31400), (0xE0000, 0xE0200), (0x10FF00, 0x110000),
]
PIECES = [
    " ", "  ", "   ", "\t", "\n", "\r\n", "\r", "\n\n", " \n", "\n ", "\u00a0", "\u2003", "\u3000", "\u0085", "\u2028",
    "\u200b", "\u200d", "\ufeff", "\0", "\x01", "\x1c", "\x1f", "\x7f", "'s", "'S", "'t", "'re", "'LL", "'ve", "'d",
    "'\u017f", "\u2019s", "'", "''", "<|endoftext|>", "<|endoftext", "|>", "<|im_start|>", "<|im_end|>", "<s>", "</s>",
    "<s", "s>", "<unk>", "<pad>", "<mask>", "[UNK]", "[MASK]", "\u2581", "\u2581\u2581", "\u2581a", "<0x0A>", "<0x", "1",
    "12", "1234", "12345678", "\u0663", "\u00bd", "\u2167", "\u00b2", "a", "A", "ab", "Hello", "hello", "world", "HELLO",
    "the", "The", "iPhone", "\u00e9", "e\u0301", "\u00e5", "\u212b", "\ufb01", "\u0130", "\u00df", "\u1e9e", "\u03c2",
    "\u5b57", "\u4f60\u597d", "\u3042", "\u30ab\u3099", "\uac00", "\u1100\u1161\u11a8", "\u0928\u093f", "\u0e01\u0e33",
    "\u0627\u0644\u0644\u0647", "\U0001f600", "\U0001f468\u200d\U0001f469\u200d\U0001f467", "\U0001f1e9\U0001f1ea",
    "\U0001f44d\U0001f3fd", "\u2764\ufe0f", "\U000e0041", ".", "...", ",", "!", "?", "-", "--", "_", "__", "/", "//",
    "\\", "#", "@", "$", "%", "^", "&", "*", "(", ")", "{", "}", "[", "]", "=", "==", "+", "<", ">", "~", "`", "|", "\"",
    "\u2026", "\u3002", "\uff01", "\u00bf", "\u0378", "\u0af9", "\u1c89", "\U00010ec2", "\U0001fae9", "\U000323af",
    "\u0301", "\u0323\u0301", "\u0344", "\u0f73", "\u0345", "SPLIT", "word", " word", "Word ", "x" * 40, "ab" * 30,
]


def lorem(locale):
    try:
        return list(importlib.import_module(f"faker.providers.lorem.{locale}").Provider.word_list)
    except (ImportError, AttributeError):
        return []


def sources():
    root = pathlib.Path(sysconfig.get_paths()["stdlib"])
    return sorted(path for path in root.glob("*.py"))


def prose(numbers, words, size):
    parts, length = [], 0
    while length < size:
        count = numbers.randint(3, 18)
        sentence = " ".join(numbers.choice(words) for _ in range(count))
        end = numbers.choice([". ", ". ", "! ", "? ", ".\n", ".\n\n", ", ", "; ", " - ", "\u3002"])
        parts.append(sentence[:1].upper() + sentence[1:] + end)
        length += len(parts[-1].encode())
    return "".join(parts)


def unicode_text(numbers, size):
    parts, length = [], 0
    while length < size:
        low, high = numbers.choice(BLOCKS)
        run = "".join(
            chr(point) for point in (numbers.randrange(low, high) for _ in range(numbers.randint(1, 12)))
            if not 0xD800 <= point <= 0xDFFF)
        parts.append(run + numbers.choice(["", "", " ", "\n"]))
        length += len(parts[-1].encode())
    return "".join(parts)


def spaces(numbers, size):
    parts, length = [], 0
    while length < size:
        parts.append(numbers.choice(["  ", " ", "\t", "\n", "\r\n", "\u00a0", "\u3000"]) * numbers.randint(1, 30))
        parts.append(numbers.choice(["x", "if", "{", "0", "", "\u00e9"]))
        length += len((parts[-2] + parts[-1]).encode())
    return "".join(parts)


def texts(seed, size):
    """About `size` bytes in texts of some kilobytes."""
    numbers = random.Random(seed)
    vocabularies = [words for words in map(lorem, LOCALES) if words]
    files = sources()
    result, length = [], 0
    while length < size:
        kind = numbers.random()
        want = numbers.choice([200, 2000, 8000])
        if kind < 0.45:
            text = prose(numbers, numbers.choice(vocabularies), want)
        elif kind < 0.75:
            code = numbers.choice(files).read_text(errors="replace")
            start = numbers.randrange(max(1, len(code) - want))
            text = code[start:start + want]
        elif kind < 0.9:
            text = unicode_text(numbers, want)
        else:
            text = spaces(numbers, want)
        data = text.encode()
        if numbers.random() < 0.05:
            data = broken(numbers, data)
        result.append(data)
        length += len(data)
    return result


def broken(numbers, data):
    data = bytearray(data)
    for _ in range(numbers.randint(1, 6)):
        at = numbers.randrange(len(data) + 1)
        data[at:at + numbers.randint(0, 2)] = bytes(numbers.randrange(256) for _ in range(numbers.randint(0, 3)))
    return bytes(data)


def hostile(seed, count):
    """Short strings of what tokenizers stumble over."""
    numbers = random.Random(seed + 1)
    result = [b""]
    while len(result) < count:
        kind = numbers.random()
        text = "".join(numbers.choice(PIECES) for _ in range(numbers.randint(1, 12)))
        if kind < 0.2:
            low, high = numbers.choice(BLOCKS)
            text += "".join(chr(point) for point in range(low, min(high, low + 0x1000)) if numbers.random() < 0.004)
        data = text.encode("utf-8", "surrogatepass")
        if kind > 0.9:
            data = broken(numbers, data)
        elif kind > 0.88:
            data = bytes(numbers.randrange(256) for _ in range(numbers.randint(1, 60)))
        result.append(data)
    return result
