"""Megatron's indexed data set of version 1 with numpy alone, written from the description of the format.

write PREFIX DTYPE   makes documents of one and of several sequences from a fixed rule
read PREFIX          prints what is in there: one line of token ids a document
"""
import sys

import numpy

CODES = {1: "u1", 2: "i1", 3: "<i2", 4: "<i4", 5: "<i8", 6: "<f8", 7: "<f4", 8: "<u2"}
MAGIC = b"MMIDIDX\x00\x00"
# The lengths of the sequences of each document.
DOCUMENTS = [[5], [1], [3, 4], [0, 7], [2, 2, 2]]


def write(prefix, name):
    code = next(code for code, dtype in CODES.items() if numpy.dtype(dtype).name == name)
    dtype = numpy.dtype(CODES[code])
    lengths = [length for document in DOCUMENTS for length in document]
    tokens = [numpy.arange(length) * 7 % 100 + i for i, length in enumerate(lengths)]
    with open(prefix + ".bin", "wb") as out:
        for sequence in tokens:
            out.write(sequence.astype(dtype).tobytes())
    offsets = numpy.concatenate([[0], numpy.cumsum(lengths)[:-1]]) * dtype.itemsize
    firsts = numpy.cumsum([0] + [len(document) for document in DOCUMENTS])
    with open(prefix + ".idx", "wb") as out:
        out.write(MAGIC + numpy.array([1], "<u8").tobytes() + numpy.array([code], "u1").tobytes())
        out.write(numpy.array([len(lengths), len(firsts)], "<u8").tobytes())
        out.write(numpy.array(lengths, "<i4").tobytes())
        out.write(offsets.astype("<i8").tobytes())
        out.write(firsts.astype("<i8").tobytes())


def read(prefix):
    with open(prefix + ".idx", "rb") as file:
        raw = file.read()
    assert raw[:9] == MAGIC and numpy.frombuffer(raw, "<u8", 1, 9)[0] == 1
    dtype = numpy.dtype(CODES[raw[17]])
    count, ends = (int(number) for number in numpy.frombuffer(raw, "<u8", 2, 18))
    lengths = numpy.frombuffer(raw, "<i4", count, 34)
    offsets = numpy.frombuffer(raw, "<i8", count, 34 + 4 * count)
    firsts = numpy.frombuffer(raw, "<i8", ends, 34 + 12 * count)
    assert len(raw) == 34 + 12 * count + 8 * ends
    data = numpy.memmap(prefix + ".bin", dtype="u1", mode="r")
    print(dtype.name)
    for first, last in zip(firsts, firsts[1:]):
        document = []
        for length, offset in zip(lengths[first:last], offsets[first:last]):
            document += numpy.frombuffer(data, dtype, length, offset).tolist()
        print(*document)


{"write": write, "read": read}[sys.argv[1]](*sys.argv[2:])
