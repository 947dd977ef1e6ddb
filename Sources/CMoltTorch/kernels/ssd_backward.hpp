// Backward of the state-space dual form. Nothing but the inputs is kept from the forward; states are
// recomputed. Three passes: states entering the tiles and gradients of the states leaving them (per head), the
// gradients of a tile (its heads in order, so sums over heads have one order), and the part of dB and dC that
// goes through C·Bᵀ. Gradients of a_t are segment sums: everything that passes token t is added up, nothing is
// subtracted.
#pragma once
#include "ssd_tile.hpp"

namespace molt::MOLT_ISA {

template <class T>
struct BackwardScratch {
    T *x, *dy, *flipped, *pairs, *weights, *dx, *state;
    BackwardScratch(const SSDShape &s, T *base) {
        const long matrix = s.paddedTile * s.paddedWidth, square = s.paddedTile * s.paddedTile;
        x = base;
        dy = x + matrix;
        flipped = dy + matrix;
        dx = flipped + matrix;
        pairs = dx + matrix;
        weights = pairs + square;
        state = weights + square;
    }
    static long size(const SSDShape &s) {
        return 4 * s.paddedTile * s.paddedWidth + 2 * s.paddedTile * s.paddedTile +
               s.paddedWidth * s.paddedState;
    }
};

template <class T>
void ssdPrepareBackward(const SSDBackward<T> &f, long batch, long group, long tile, T *) {
    const SSDShape &s = f.shape;
    const long at = piece<T>(s, batch, group, tile), rows = s.paddedTile, matrix = rows * s.paddedState;
    scoreTile(
        s, f.b, f.c, batch, group, tile, f.keys + at * matrix, f.queries + at * matrix,
        f.keysFlipped + at * matrix, f.scores + at * rows * rows);
}

template <class T>
MOLT_INLINE void setDecays(const SSDBackward<T> &f, long batch, long head, long tile, Decays<T> &d) {
    const SSDShape &s = f.shape;
    const long row = batch * s.length + tile * s.tile;
    d.set(f.dt + row * s.heads + head, s.heads, f.a[head], f.starts ? f.starts + row : nullptr, s.tokens(tile));
}

/// to = through·from + leftᵀ·right over the tile's rows [first, last): states in [width, state] layout.
template <class T>
MOLT_INLINE void advance(
    const SSDShape &s, T through, const T *from, long first, long last, const T *left, const T *right, T *to) {
    const long p = s.paddedWidth, n = s.paddedState;
    forPanels<T>(n, [&](auto width, long column) __attribute__((always_inline)) {
        for (long i = 0; i < p; i += MOLT_TILE_ROWS) {
            Block<T, width.value> block;
            forBlock(block, [&](int r, int v, Vec<T> &value) __attribute__((always_inline)) {
                value = load(from + (i + r) * n + column + v * lanes<T>) * through;
            });
            accumulate(block, last - first, left + first * p + i, Left<true>{p}, right + first * n + column, n);
            forBlock(block, [&](int r, int v, Vec<T> value) __attribute__((always_inline)) {
                store(to + (i + r) * n + column + v * lanes<T>, value);
            });
        }
    });
}

/// What the pass over states of one head works on.
template <class T>
struct HeadStates {
    T *states, *dStates;
    long outer;  // where the head's states lie in [batch, heads, width, state]
    HeadStates(const SSDBackward<T> &f, long batch, long head) {
        const SSDShape &s = f.shape;
        const long slot = (batch * (f.lastHead - f.firstHead) + head - f.firstHead) * s.tiles;
        states = f.states + slot * s.paddedWidth * s.paddedState;
        dStates = f.dStates + slot * s.paddedWidth * s.paddedState;
        outer = (batch * s.heads + head) * s.width * s.state;
    }
};

/// The state entering the next tile.
template <class T>
MOLT_INLINE void stepForward(
    const SSDBackward<T> &f, long batch, long head, long tile, Decays<T> &d, const BackwardScratch<T> &w) {
    const SSDShape &s = f.shape;
    const long p = s.paddedWidth, n = s.paddedState;
    T *state = HeadStates<T>(f, batch, head).states + tile * p * n;
    setDecays(f, batch, head, tile, d);
    readTile(s.kind, f.x.data, f.x.at(batch, tile * s.tile, head), f.x.token, d.tokens, s.width, d.rows, p, w.x);
    scaleRows(d.tokens, p, d.step, w.x);
    const T *keys = f.keys + piece<T>(s, batch, head / s.headsPerGroup(), tile) * s.paddedTile * n;
    advance(s, d.through, state, d.lastStart, d.tokens, w.x, keys, state + p * n);
}

/// The gradient of the state leaving the tile before; for the first tile, of the initial state.
template <class T>
MOLT_INLINE void stepBackward(
    const SSDBackward<T> &f, long batch, long head, long tile, Decays<T> &d, const BackwardScratch<T> &w) {
    const SSDShape &s = f.shape;
    const long p = s.paddedWidth, n = s.paddedState;
    const HeadStates<T> at(f, batch, head);
    setDecays(f, batch, head, tile, d);
    readTile(
        s.kind, f.dy.data, f.dy.at(batch, tile * s.tile, head), f.dy.token, d.tokens, s.width, d.rows, p, w.dy);
    scaleRows(d.carried, p, d.enter, w.dy);
    const T *queries = f.queries + piece<T>(s, batch, head / s.headsPerGroup(), tile) * s.paddedTile * n;
    T *to = tile > 0 ? at.dStates + (tile - 1) * p * n : w.state;
    advance(s, d.through, at.dStates + tile * p * n, 0, d.carried, w.dy, queries, to);
    for (long i = 0; tile == 0 && i < s.width; ++i)
        for (long j = 0; j < s.state; ++j) f.dInitial[at.outer + i * s.state + j] = w.state[i * n + j];
}

template <class T>
void ssdStates(const SSDBackward<T> &f, long batch, long firstHead, long lastHead, T *scratch) {
    const SSDShape &s = f.shape;
    const BackwardScratch<T> w(s, scratch);
    const long p = s.paddedWidth, n = s.paddedState;
    for (long head = firstHead; head < lastHead; ++head) {
        const HeadStates<T> at(f, batch, head);
        T *last = at.dStates + (s.tiles - 1) * p * n;
        fill(at.states, p * n, T(0));
        fill(last, p * n, T(0));
        if (f.initial) readTile(Element::f32, f.initial, at.outer, s.state, s.width, s.state, p, n, at.states);
        if (f.dFinal) readTile(Element::f32, f.dFinal, at.outer, s.state, s.width, s.state, p, n, last);
    }
    Decays<T> d;
    for (long tile = 0; tile + 1 < s.tiles; ++tile)
        for (long head = firstHead; head < lastHead; ++head) stepForward(f, batch, head, tile, d, w);
    for (long tile = s.tiles - 1; tile >= (f.dInitial ? 0 : 1); --tile)
        for (long head = firstHead; head < lastHead; ++head) stepBackward(f, batch, head, tile, d, w);
}

}  // namespace molt::MOLT_ISA
