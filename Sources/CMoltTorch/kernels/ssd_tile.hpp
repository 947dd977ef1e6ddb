// One tile of the state-space dual form for one head. Glossary (subscripts are tokens of the tile):
//   s_i      inclusive sum of a = dt·A; kept as hi + lo so that differences of long sums keep their digits
//   L_ij     e^(s_i − s_j) for i ≥ j in one document, else 0
//   enter_i  e^(s_i) while no document has started in the tile: how much of the entering state token i sees
//   leave_j  e^(s_last − s_j) in the tile's last document: how much of token j the leaving state keeps
#pragma once
#include "product.hpp"
#include "rows.hpp"
#include "ssd_plan.hpp"

namespace molt::MOLT_ISA {

inline constexpr long largestTile = 256;

template <class T>
struct Decays {
    T hi[largestTile], lo[largestTile], dt[largestTile];
    T enter[largestTile], leave[largestTile], step[largestTile];  // step = leave·dt
    short first[largestTile];  // first token of token i's document, within the tile
    long tokens, rows;         // valid rows, and their number padded
    long carried;              // tokens before the first document start
    long lastStart;            // where the tile's last document starts
    T through;                 // how much of the entering state leaves

    /// `dt` and `starts` point at the tile's first token.
    void set(const T *dtFrom, long dtStride, T a, const unsigned char *starts, long count) {
        tokens = count;
        rows = roundUp(count, padding<T>);
        carried = count;
        lastStart = 0;
        double total = 0;
        for (long t = 0; t < count; ++t) {
            if (starts && starts[t]) {
                if (carried == count) carried = t;
                lastStart = t;
            }
            dt[t] = dtFrom[t * dtStride];
            total += double(dt[t]) * double(a);
            hi[t] = T(total);
            lo[t] = T(total - double(hi[t]));
            first[t] = short(lastStart);
        }
        for (long t = count; t < rows; ++t) {
            dt[t] = 0, hi[t] = hi[count - 1], lo[t] = lo[count - 1], first[t] = short(t);
        }
        const Vec<T> zero{};
        for (long t = 0; t < rows; t += lanes<T>) {
            Vec<T> h = load(hi + t), l = load(lo + t);
            Vec<T> in = exponential(h < zero ? h : zero);
            in = in + in * l;
            Vec<T> rest = (hi[count - 1] - h) + (lo[count - 1] - l);
            Vec<T> out = exponential(rest < zero ? rest : zero);
            out = within<T>(t, lastStart, count - 1) ? out : zero;
            store(enter + t, within<T>(t, 0, carried - 1) ? in : zero);
            store(leave + t, out);
            store(step + t, out * load(dt + t));
        }
        through = carried == count ? enter[count - 1] : T(0);
    }

    /// L_ij for the registers of columns at j.
    MOLT_INLINE Vec<T> pair(long i, long j) const {
        const Vec<T> zero{};
        Vec<T> difference = (hi[i] - load(hi + j)) + (lo[i] - load(lo + j));
        return exponential(difference < zero ? difference : zero);
    }
};

template <class T>
MOLT_INLINE long piece(const SSDShape &s, long batch, long group, long tile) {
    return (batch * s.groups + group) * s.tiles + tile;
}

/// B and C of a tile in the computing type, Bᵀ, and the lower triangle of C·Bᵀ.
template <class T>
MOLT_INLINE void scoreTile(
    const SSDShape &s, const SSDView &b, const SSDView &c, long batch, long group, long tile, T *keys,
    T *queries, T *flipped, T *scores) {
    const long q = s.paddedTile, n = s.paddedState, count = s.tokens(tile), rows = roundUp(count, padding<T>);
    const long from = tile * s.tile;
    readTile(s.kind, b.data, b.at(batch, from, group), b.token, count, s.state, rows, n, keys);
    readTile(s.kind, c.data, c.at(batch, from, group), c.token, count, s.state, rows, n, queries);
    transpose(rows, n, keys, n, flipped, q);
    forPanels<T>(rows, [&](auto width, long j) __attribute__((always_inline)) {
        for (long i = j; i < rows; i += MOLT_TILE_ROWS) {
            Block<T, width.value> block{};
            accumulate(block, s.state, queries + i * n, Left<false>{n}, flipped + j, q);
            forBlock(block, [&](int r, int v, Vec<T> value) __attribute__((always_inline)) {
                store(scores + (i + r) * q + j + v * lanes<T>, value);
            });
        }
    });
}

/// rows[i] *= factor[i]
template <class T>
MOLT_INLINE void scaleRows(long count, long width, const T *factor, T *rows) {
    for (long i = 0; i < count; ++i)
        for (long j = 0; j < width; j += lanes<T>)
            store(rows + i * width + j, load(rows + i * width + j) * factor[i]);
}

}  // namespace molt::MOLT_ISA
