// y = x / rms(x) · weight, per group of channels: rms² = mean(x²) + epsilon. Before that x may become x +
// residual, or x · silu(gate) (Mamba-2's order: the gate comes before the norm). Statistics in the computing
// type.
#pragma once
#include "convolution_code.hpp"

namespace molt::MOLT_ISA {

template <class T>
MOLT_INLINE void readPadded(const Rows &rows, long row, long count, long padded, T *to) {
    readRow(rows.kind, rows.data, row * rows.stride, count, to);
    fill(to + count, padded - count, T(0));
}
template <class T>
MOLT_INLINE void writeTo(const Rows &rows, long row, long count, const T *from) {
    writeRow(rows.kind, rows.data, row * rows.stride, count, from);
}

/// Σ a_i b_i; groups need not be a multiple of the lanes.
template <class T>
MOLT_INLINE T dot(long count, const T *a, const T *b) {
    Vec<T> part[4] = {};
    long i = 0;
    for (; i + 4 * lanes<T> <= count; i += 4 * lanes<T>)
        for (long k = 0; k < 4; ++k) part[k] += load(a + i + k * lanes<T>) * load(b + i + k * lanes<T>);
    T total = sum<T>((part[0] + part[1]) + (part[2] + part[3]));
    for (; i < count; ++i) total += a[i] * b[i];
    return total;
}

template <class T>
MOLT_INLINE void gateRow(long padded, const T *gate, T *row) {
    for (long i = 0; i < padded; i += lanes<T>) {
        const Vec<T> g = load(gate + i);
        store(row + i, load(row + i) * (g * sigmoid(g)));
    }
}

template <class T>
void normalize(const NormPlan<T> &n, long block, T *scratch) {
    T *row = scratch, *other = row + n.padded;
    const long groups = n.width / n.group;
    for (long r = block * n.block; r < least((block + 1) * n.block, n.rows); ++r) {
        readPadded(n.x, r, n.width, n.padded, row);
        if (n.residual.data) {
            readPadded(n.residual, r, n.width, n.padded, other);
            for (long i = 0; i < n.padded; ++i) row[i] += other[i];
            writeTo(n.total, r, n.width, row);
        }
        if (n.gate.data) {
            readPadded(n.gate, r, n.width, n.padded, other);
            gateRow(n.padded, other, row);
        }
        for (long g = 0; g < groups; ++g) {
            T *part = row + g * n.group;
            const double mean = double(dot(n.group, part, part)) / double(n.group);
            const T scale = T(1 / __builtin_sqrt(mean + n.epsilon));
            n.scale[r * groups + g] = scale;
            for (long i = 0; i < n.group; ++i) part[i] *= scale;
        }
        if (n.roundFirst)
            for (long i = 0; i < n.width; ++i) row[i] = T(widen(narrow(float(row[i]))));
        for (long i = 0; i < n.width; ++i) row[i] *= n.weight[i];
        writeTo(n.y, r, n.width, row);
    }
}

/// dx, dgate and dweight's partial sum from x and gate as they came; with a residual, x is the saved sum.
template <class T>
void normalizeBackward(const NormPlan<T> &n, long block, T *scratch) {
    T *x = scratch, *gate = x + n.padded, *row = gate + n.padded, *dy = row + n.padded;
    T *partial = n.partial + block * n.padded;
    const long groups = n.width / n.group;
    fill(partial, n.padded, T(0));
    for (long r = block * n.block; r < least((block + 1) * n.block, n.rows); ++r) {
        readPadded(n.x, r, n.width, n.padded, x);
        readPadded(n.dy, r, n.width, n.padded, dy);
        for (long i = 0; i < n.padded; ++i) row[i] = x[i];
        if (n.gate.data) {
            readPadded(n.gate, r, n.width, n.padded, gate);
            gateRow(n.padded, gate, row);
        }
        for (long g = 0; g < groups; ++g) {
            const long at = g * n.group;
            const T scale = n.scale[r * groups + g];
            for (long i = at; i < at + n.group; ++i) {
                row[i] *= scale;
                partial[i] += dy[i] * row[i];
                dy[i] *= n.weight[i];
            }
            const T mean = dot(n.group, dy + at, row + at) / T(n.group);
            for (long i = at; i < at + n.group; ++i) dy[i] = scale * (dy[i] - row[i] * mean);
        }
        if (n.gate.data) {
            for (long i = 0; i < n.padded; i += lanes<T>) {
                const Vec<T> g = load(gate + i), s = sigmoid(g), d = load(dy + i);
                store(gate + i, d * load(x + i) * (s + g * s * (T(1) - s)));
                store(dy + i, d * (g * s));
            }
            writeTo(n.dGate, r, n.width, gate);
        }
        if (n.dTotal.data) {
            readPadded(n.dTotal, r, n.width, n.padded, x);
            for (long i = 0; i < n.padded; ++i) dy[i] += x[i];
        }
        writeTo(n.dx, r, n.width, dy);
    }
}

}  // namespace molt::MOLT_ISA
