// Depthwise causal convolution: y_t = act(bias + Σ_d weight_(taps−1−d) x_(t−d)) over the tokens of t's
// document. A ring of the last `taps` rows stays in the first-level cache; the backward recomputes what the
// activation saw.
#pragma once
#include "fused_plan.hpp"
#include "rows.hpp"

namespace molt::MOLT_ISA {

/// 1 / (1 + e^−x), without overflow.
template <class V>
MOLT_INLINE V sigmoid(V x) {
    const V zero{};
    const V e = exponential(x < zero ? x : zero - x);
    const V one = zero + 1;
    return (x < zero ? e : one) / (one + e);
}

/// The rows of the last `rows` tokens, by position.
template <class T>
struct Ring {
    T *base;
    long rows, width;
    MOLT_INLINE T *at(long position) const { return base + ((position + rows) % rows) * width; }
};

template <class T>
MOLT_INLINE void readToken(const ConvPlan<T> &c, long batch, long position, T *to) {
    if (position >= 0) {
        readRow(c.x.kind, c.x.data, batch * c.xBatch + position * c.x.stride, c.channels, to);
        fill(to + c.channels, c.padded - c.channels, T(0));
    } else if (c.initial) {
        const T *from = c.initial + (batch * (c.taps - 1) + position + c.taps - 1) * c.padded;
        for (long i = 0; i < c.padded; ++i) to[i] = from[i];
    } else {
        fill(to, c.padded, T(0));
    }
}

template <class T>
MOLT_INLINE bool startsAt(const ConvPlan<T> &c, long batch, long position) {
    return c.starts && position >= 0 && c.starts[batch * c.length + position];
}

/// Loads the rows before token `from` that its document still has, and says how many.
template <class T>
MOLT_INLINE long history(const ConvPlan<T> &c, long batch, long from, const Ring<T> &ring) {
    long known = 0;
    while (known < c.taps - 1 && !startsAt(c, batch, from - known)) {
        ++known;
        readToken(c, batch, from - known, ring.at(from - known));
    }
    return known;
}

/// to = bias + Σ_d weight·x over `known` earlier rows and the token's own.
template <class T>
MOLT_INLINE void weighRows(const ConvPlan<T> &c, const Ring<T> &ring, long t, long known, T *to) {
    const T *last = c.weight + (c.taps - 1) * c.padded;
    if (known == 3) {
        const T *x0 = ring.at(t), *x1 = ring.at(t - 1), *x2 = ring.at(t - 2), *x3 = ring.at(t - 3);
        const T *w1 = last - c.padded, *w2 = w1 - c.padded, *w3 = w2 - c.padded;
        for (long i = 0; i < c.padded; i += lanes<T>) {
            Vec<T> sum = load(c.bias + i) + load(w3 + i) * load(x3 + i);
            sum += load(w2 + i) * load(x2 + i);
            sum += load(w1 + i) * load(x1 + i);
            store(to + i, sum + load(last + i) * load(x0 + i));
        }
        return;
    }
    const T *rows[largestTaps];
    for (long d = 0; d <= known; ++d) rows[d] = ring.at(t - d);
    for (long i = 0; i < c.padded; i += lanes<T>) {
        Vec<T> sum = load(c.bias + i);
        for (long d = known; d >= 0; --d) sum += load(last - d * c.padded + i) * load(rows[d] + i);
        store(to + i, sum);
    }
}

template <class T>
void convolve(const ConvPlan<T> &c, long batch, long block, T *scratch) {
    const Ring<T> ring{scratch, c.taps, c.padded};
    T *row = scratch + c.taps * c.padded;
    const long from = block * c.block, to = least(from + c.block, c.length);
    long known = history(c, batch, from, ring);
    for (long t = from; t < to; ++t) {
        if (startsAt(c, batch, t)) known = 0;
        readToken(c, batch, t, ring.at(t));
        weighRows(c, ring, t, known, row);
        if (c.silu)
            for (long i = 0; i < c.padded; i += lanes<T>) {
                const Vec<T> v = load(row + i);
                store(row + i, v * sigmoid(v));
            }
        writeRow(c.y.kind, c.y.data, (batch * c.length + t) * c.y.stride, c.channels, row);
        known = least(known + 1, c.taps - 1);
    }
}

/// The gradient that the final state sends to position `position`, if that is of the last document.
template <class T>
MOLT_INLINE void addFinalGradient(const ConvPlan<T> &c, long batch, long position, T *row) {
    const long slot = position - (c.length - c.taps + 1);
    if (!c.dFinal || slot < 0) return;
    for (long t = position + 1; t < c.length; ++t)
        if (startsAt(c, batch, t)) return;
    const T *from = c.dFinal + (batch * (c.taps - 1) + slot) * c.padded;
    for (long i = 0; i < c.padded; ++i) row[i] += from[i];
}

/// Sends the finished gradient of a position out, if this block owns it.
template <class T>
MOLT_INLINE void retire(const ConvPlan<T> &c, long batch, long from, long to, long position, T *row) {
    if (position >= to || (position < from && (from > 0 || position < 1 - c.taps))) return;
    addFinalGradient(c, batch, position, row);
    if (position >= 0) {
        writeRow(c.dx.kind, c.dx.data, (batch * c.length + position) * c.dx.stride, c.channels, row);
    } else if (c.dInitial) {
        T *out = c.dInitial + (batch * (c.taps - 1) + position + c.taps - 1) * c.padded;
        for (long i = 0; i < c.padded; ++i) out[i] = row[i];
    }
}

/// One token of the backward: what the activation saw is recomputed; dx and, for owned tokens, dweight gather.
template <class T>
MOLT_INLINE void convolveTokenBackward(
    const ConvPlan<T> &c, const Ring<T> &x, const Ring<T> &dx, long t, long known, const T *dy, bool owned,
    T *partial) {
    const T *inputs[largestTaps], *weights[largestTaps];
    T *gradients[largestTaps], *taps[largestTaps];
    for (long d = 0; d <= known; ++d) {
        inputs[d] = x.at(t - d), gradients[d] = dx.at(t - d);
        weights[d] = c.weight + (c.taps - 1 - d) * c.padded, taps[d] = partial + (c.taps - 1 - d) * c.padded;
    }
    T *bias = partial + c.taps * c.padded;
    for (long i = 0; i < c.padded; i += lanes<T>) {
        Vec<T> value = load(c.bias + i);
        for (long d = known; d >= 0; --d) value += load(weights[d] + i) * load(inputs[d] + i);
        Vec<T> gradient = load(dy + i);
        if (c.silu) {
            const Vec<T> s = sigmoid(value);
            gradient *= s + value * s * (T(1) - s);
        }
        for (long d = known; d >= 0; --d) {
            store(gradients[d] + i, load(gradients[d] + i) + gradient * load(weights[d] + i));
            if (owned) store(taps[d] + i, load(taps[d] + i) + gradient * load(inputs[d] + i));
        }
        if (owned) store(bias + i, load(bias + i) + gradient);
    }
}

template <class T>
void convolveBackward(const ConvPlan<T> &c, long batch, long block, T *scratch) {
    const Ring<T> x{scratch, c.taps, c.padded}, dx{scratch + c.taps * c.padded, c.taps, c.padded};
    T *dy = scratch + 2 * c.taps * c.padded;
    T *partial = c.partial + (batch * c.blocks + block) * (c.taps + 1) * c.padded;
    fill(partial, (c.taps + 1) * c.padded, T(0));
    fill(dx.base, c.taps * c.padded, T(0));
    fill(dy, c.padded, T(0));
    const long from = block * c.block, to = least(from + c.block, c.length);
    const long end = least(to + c.taps - 1, c.length);  // later tokens still send gradients into this block
    long known = history(c, batch, from, x);
    for (long t = from; t < end; ++t) {
        if (startsAt(c, batch, t)) known = 0;
        readToken(c, batch, t, x.at(t));
        fill(dx.at(t), c.padded, T(0));
        readRow(c.dy.kind, c.dy.data, batch * c.dyBatch + t * c.dy.stride, c.channels, dy);
        convolveTokenBackward(c, x, dx, t, known, dy, t < to, partial);
        retire(c, batch, from, to, t - c.taps + 1, dx.at(t - c.taps + 1));
        known = least(known + 1, c.taps - 1);
    }
    for (long position = end - c.taps + 1; position < end; ++position)
        retire(c, batch, from, to, position, dx.at(position));
}

}  // namespace molt::MOLT_ISA
