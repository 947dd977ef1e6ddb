// Rows of a tensor in and out of the computing type.
#pragma once
#include "element.hpp"
#include "vector.hpp"

namespace molt::MOLT_ISA {

MOLT_INLINE float widen(uint16_t bits) {
    union {
        uint32_t u;
        float f;
    } both = {uint32_t(bits) << 16};
    return both.f;
}
/// To nearest, ties to even; what is not a number stays so.
MOLT_INLINE uint16_t narrow(float value) {
    union {
        float f;
        uint32_t u;
    } both = {value};
    uint32_t rounded = (both.u + 0x7FFFu + ((both.u >> 16) & 1u)) >> 16;
    return uint16_t(value != value ? 0x7FC0u : rounded);
}

/// Any kind but bf16 means: already in the computing type.
template <class T>
MOLT_INLINE void readRow(Element kind, const void *base, long offset, long count, T *to) {
    if (kind == Element::bf16) {
        const uint16_t *from = static_cast<const uint16_t *>(base) + offset;
        for (long i = 0; i < count; ++i) to[i] = T(widen(from[i]));
    } else {
        const T *from = static_cast<const T *>(base) + offset;
        for (long i = 0; i < count; ++i) to[i] = from[i];
    }
}
template <class T>
MOLT_INLINE void writeRow(Element kind, void *base, long offset, long count, const T *from) {
    if (kind == Element::bf16) {
        uint16_t *to = static_cast<uint16_t *>(base) + offset;
        for (long i = 0; i < count; ++i) to[i] = narrow(float(from[i]));
    } else {
        T *to = static_cast<T *>(base) + offset;
        for (long i = 0; i < count; ++i) to[i] = from[i];
    }
}
/// Reads `rows` rows of `count` into rows of `width`, and fills up to `padded` rows with zeros.
template <class T>
MOLT_INLINE void readTile(
    Element kind, const void *base, long offset, long rowStride, long rows, long count, long padded, long width,
    T *to) {
    for (long i = 0; i < rows; ++i) {
        readRow(kind, base, offset + i * rowStride, count, to + i * width);
        fill(to + i * width + count, width - count, T(0));
    }
    fill(to + rows * width, (padded - rows) * width, T(0));
}

}  // namespace molt::MOLT_ISA
