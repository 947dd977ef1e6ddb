// Forward of the state-space dual form. Some heads of a group go through the tiles together, so that what they share
// (B, C and C·Bᵀ of the tile, the rows of x and y that lie side by side) is near when the next head needs it. The
// states between tiles are in [state, width] layout.
#pragma once
#include "ssd_tile.hpp"

namespace molt::MOLT_ISA {

template <class T>
struct ForwardScratch {
    T *x, *weights, *y;
    ForwardScratch(const SSDShape &s, T *base) {
        x = base;
        y = x + s.paddedTile * s.paddedWidth;
        weights = y + s.paddedTile * s.paddedWidth;
    }
    static long size(const SSDShape &s) {
        return 2 * s.paddedTile * s.paddedWidth + s.paddedTile * s.paddedTile;
    }
};

template <class T>
void ssdScores(const SSDForward<T> &f, long batch, long group, long tile, T *scratch) {
    const SSDShape &s = f.shape;
    const long at = f.piece(batch, group, tile), rows = s.paddedTile;
    scoreTile(
        s, f.b, f.c, batch, group, tile, f.keys + at * rows * s.paddedState,
        f.queries + at * rows * s.paddedState, scratch, f.scores + at * rows * rows);
}

/// weights_ij = (C·Bᵀ)_ij L_ij dt_j, with zeros outside of the token's document and above the diagonal.
template <class T>
MOLT_INLINE void weighScores(const Decays<T> &d, long q, const T *scores, T *weights) {
    for (long i = 0; i < d.tokens; ++i) {
        const long end = roundUp(i + MOLT_TILE_ROWS, padding<T>);
        for (long j = 0; j < least(end, d.rows); j += lanes<T>) {
            Vec<T> w{};
            if (j <= i && j + lanes<T> > d.first[i]) {
                w = load(scores + i * q + j) * d.pair(i, j) * load(d.dt + j);
                w = within<T>(j, d.first[i], i) ? w : Vec<T>{};
            }
            store(weights + i * q + j, w);
        }
    }
    for (long i = d.tokens; i < d.rows; ++i) fill(weights + i * q, d.rows, T(0));
}

template <class T>
MOLT_INLINE void outputTile(
    const SSDShape &s, const Decays<T> &d, const T *queries, const T *state, bool carry, T skip,
    const ForwardScratch<T> &w) {
    const long q = s.paddedTile, p = s.paddedWidth, n = s.paddedState;
    forPanels<T>(p, [&](auto width, long column) __attribute__((always_inline)) {
        for (long i = 0; i < d.tokens; i += MOLT_TILE_ROWS) {
            Block<T, width.value> block{};
            if (carry && i < d.carried) {
                accumulate(block, s.state, queries + i * n, Left<false>{n}, state + column, p);
                forBlock(block, [&](int r, int, Vec<T> &value) __attribute__((always_inline)) {
                    value *= d.enter[i + r];
                });
            }
            const long steps = least(i + MOLT_TILE_ROWS, d.tokens);
            accumulate(block, steps, w.weights + i * q, Left<false>{q}, w.x + column, p);
            forBlock(block, [&](int r, int v, Vec<T> value) __attribute__((always_inline)) {
                const long at = (i + r) * p + column + v * lanes<T>;
                store(w.y + at, value + skip * load(w.x + at));
            });
        }
    });
}

/// state = through·state + Bᵀ·(step·x); `x` is scaled in place.
template <class T>
MOLT_INLINE void passState(
    const SSDShape &s, const Decays<T> &d, const T *keys, const ForwardScratch<T> &w, T *state) {
    const long p = s.paddedWidth, n = s.paddedState;
    scaleRows(d.tokens, p, d.step, w.x);
    forPanels<T>(p, [&](auto width, long column) __attribute__((always_inline)) {
        for (long i = 0; i < n; i += MOLT_TILE_ROWS) {
            Block<T, width.value> block;
            forBlock(block, [&](int r, int v, Vec<T> &value) __attribute__((always_inline)) {
                value = load(state + (i + r) * p + column + v * lanes<T>) * d.through;
            });
            accumulate(
                block, d.tokens - d.lastStart, keys + d.lastStart * n + i, Left<true>{n},
                w.x + d.lastStart * p + column, p);
            forBlock(block, [&](int r, int v, Vec<T> value) __attribute__((always_inline)) {
                store(state + (i + r) * p + column + v * lanes<T>, value);
            });
        }
    });
}

/// One tile of one head: writes its y and takes the state from the tile's beginning to its end.
template <class T>
MOLT_INLINE void forwardTile(
    const SSDForward<T> &f, long batch, long head, long tile, Decays<T> &d, const ForwardScratch<T> &w, T *state) {
    const SSDShape &s = f.shape;
    const long q = s.paddedTile, p = s.paddedWidth, n = s.paddedState, from = tile * s.tile;
    const long row = batch * s.length + from, at = f.piece(batch, head / s.headsPerGroup(), tile);
    d.set(
        f.dt + row * s.heads + head, s.heads, f.a[head], f.starts ? f.starts + row : nullptr, s.tokens(tile));
    readTile(s.kind, f.x.data, f.x.at(batch, from, head), f.x.token, d.tokens, s.width, d.rows, p, w.x);
    weighScores(d, q, f.scores + at * q * q, w.weights);
    outputTile(s, d, f.queries + at * q * n, state, tile > 0 || f.initial, f.d ? f.d[head] : T(0), w);
    for (long i = 0; i < d.tokens; ++i)
        writeRow(s.kind, f.y.data, f.y.at(batch, from + i, head), s.width, w.y + i * p);
    passState(s, d, f.keys + at * q * n, w, state);
}

template <class T>
void ssdForward(const SSDForward<T> &f, long batch, long firstHead, long lastHead, T *scratch) {
    const SSDShape &s = f.shape;
    const ForwardScratch<T> w(s, scratch);
    const long p = s.paddedWidth, n = s.paddedState, size = s.width * s.state;
    const long first = batch * s.heads + firstHead, count = lastHead - firstHead;
    T *states = f.states + first * n * p;
    if (f.firstTile == 0) fill(states, count * n * p, T(0));
    for (long k = 0; f.firstTile == 0 && f.initial && k < count; ++k)
        for (long i = 0; i < s.width; ++i)
            for (long j = 0; j < s.state; ++j)
                states[(k * n + j) * p + i] = f.initial[(first + k) * size + i * s.state + j];
    Decays<T> d;
    for (long tile = f.firstTile; tile < f.lastTile; ++tile)
        for (long k = 0; k < count; ++k) forwardTile(f, batch, firstHead + k, tile, d, w, states + k * n * p);
    for (long k = 0; f.lastTile == s.tiles && k < count; ++k)
        for (long i = 0; i < s.width; ++i)
            for (long j = 0; j < s.state; ++j)
                f.final[(first + k) * size + i * s.state + j] = states[(k * n + j) * p + i];
}

}  // namespace molt::MOLT_ISA
