// Squared ReLU, max(a, 0)², and SwiGLU, silu(a)·b; the backward recomputes from the inputs. What is not a number
// stays so.
#pragma once
#include "norm_code.hpp"

namespace molt::MOLT_ISA {

/// Elements that are treated at a time, so that they stay in the first-level cache.
inline constexpr long activationPiece = 1024;

template <class T, class Body>
MOLT_INLINE void forPieces(const ActivationPlan &a, Body body) {
    for (long at = 0; at < a.width; at += activationPiece) {
        const long count = least(activationPiece, a.width - at);
        body(at, count, roundUp(count, lanes<T>));
    }
}
template <class T>
MOLT_INLINE void readPiece(const Rows &rows, long row, long at, long count, long padded, T *to) {
    readRow(rows.kind, rows.data, row * rows.stride + at, count, to);
    fill(to + count, padded - count, T(0));
}

template <class T>
void activate(const ActivationPlan &p, long row, T *scratch) {
    T *a = scratch, *b = a + activationPiece;
    forPieces<T>(p, [&](long at, long count, long padded) {
        readPiece(p.a, row, at, count, padded, a);
        if (p.function == Activation::swiglu) {
            readPiece(p.b, row, at, count, padded, b);
            gateRow(padded, a, b);
        } else {
            for (long i = 0; i < padded; ++i) b[i] = a[i] <= 0 ? T(0) : a[i] * a[i];
        }
        writeRow(p.y.kind, p.y.data, row * p.y.stride + at, count, b);
    });
}

template <class T>
void activateBackward(const ActivationPlan &p, long row, T *scratch) {
    T *a = scratch, *b = a + activationPiece, *dy = b + activationPiece;
    forPieces<T>(p, [&](long at, long count, long padded) {
        readPiece(p.a, row, at, count, padded, a);
        readPiece(p.dy, row, at, count, padded, dy);
        if (p.function == Activation::swiglu) {
            readPiece(p.b, row, at, count, padded, b);
            for (long i = 0; i < padded; i += lanes<T>) {
                const Vec<T> g = load(a + i), s = sigmoid(g), d = load(dy + i);
                store(a + i, d * load(b + i) * (s + g * s * (T(1) - s)));
                store(b + i, d * (g * s));
            }
            writeRow(p.db.kind, p.db.data, row * p.db.stride + at, count, b);
        } else {
            for (long i = 0; i < padded; ++i) a[i] = a[i] <= 0 ? T(0) : 2 * a[i] * dy[i];
        }
        writeRow(p.da.kind, p.da.data, row * p.da.stride + at, count, a);
    });
}

}  // namespace molt::MOLT_ISA
