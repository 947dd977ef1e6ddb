// Backward of the state-space dual form, the second and third pass: the gradients of one tile.
#pragma once
#include "ssd_backward.hpp"

namespace molt::MOLT_ISA {

/// Per token: what passes it. Sums over the tile's pairs, from the entering state, into the leaving one.
template <class T>
struct TokenSums {
    T pairs[largestTile];    // Σ_{i ≥ t > j} M_ij,  M_ij = (C·Bᵀ)_ij L_ij dt_j ⟨dy_i, x_j⟩
    T columns[largestTile];  // Σ_i M_ij / dt_j
    Vec<T> entering[largestTile],
        leaving[largestTile];  // enter_i ⟨dy_i H, C_i⟩ and leave_j ⟨x_j dS, B_j⟩, lane by lane
};

/// pairs_ij = ⟨dy_i, x_j⟩ for i ≥ j.
template <class T>
MOLT_INLINE void pairProducts(const SSDShape &s, const Decays<T> &d, const BackwardScratch<T> &w) {
    const long q = s.paddedTile, p = s.paddedWidth;
    forPanels<T>(d.rows, [&](auto width, long j) __attribute__((always_inline)) {
        for (long i = j; i < d.rows; i += MOLT_TILE_ROWS) {
            Block<T, width.value> block{};
            accumulate(block, s.width, w.dy + i * p, Left<false>{p}, w.flipped + j, q);
            forBlock(block, [&](int r, int v, Vec<T> value) __attribute__((always_inline)) {
                store(w.pairs + (i + r) * q + j + v * lanes<T>, value);
            });
        }
    });
}

/// Fills `weights` as in the forward, adds to dScores, and sums M over the segments from the last row upwards.
template <class T>
MOLT_INLINE void weighPairs(
    const SSDShape &s, const Decays<T> &d, const T *scores, T *dScores, const BackwardScratch<T> &w,
    TokenSums<T> &sums) {
    const long q = s.paddedTile;
    fill(sums.columns, d.rows, T(0));
    for (long i = d.tokens - 1; i >= 0; --i) {
        Vec<T> passing{};
        for (long j = 0; j < d.rows; j += lanes<T>) {
            const long at = i * q + j;
            if (j > i) {
                store(w.weights + at, Vec<T>{});
                continue;
            }
            Vec<T> column = load(sums.columns + j), dt = load(d.dt + j), weight{};
            if (j + lanes<T> > d.first[i]) {
                const Mask<T> valid = within<T>(j, d.first[i], i);
                Vec<T> decay = d.pair(i, j), score = load(scores + at) * decay, pair = load(w.pairs + at);
                weight = valid ? score * dt : Vec<T>{};
                column += valid ? score * pair : Vec<T>{};
                store(dScores + at, load(dScores + at) + (valid ? pair * decay * dt : Vec<T>{}));
                store(sums.columns + j, column);
            }
            store(w.weights + at, weight);
            passing += within<T>(j, 0, i - 1) ? column * dt : Vec<T>{};
        }
        sums.pairs[i] = sum<T>(passing);
    }
}

/// dx of a tile: through the pairs, through the leaving state (unless `dState` is null) and through D.
template <class T>
MOLT_INLINE void inputGradient(
    const SSDShape &s, const Decays<T> &d, const T *keysFlipped, const T *dState, T skip,
    const BackwardScratch<T> &w) {
    const long q = s.paddedTile, p = s.paddedWidth, n = s.paddedState;
    forPanels<T>(d.rows, [&](auto width, long j) __attribute__((always_inline)) {
        for (long i = 0; i < p; i += MOLT_TILE_ROWS) {
            Block<T, width.value> block{};
            if (dState) {
                accumulate(block, s.state, dState + i * n, Left<false>{n}, keysFlipped + j, q);
                forBlock(block, [&](int, int v, Vec<T> &value) __attribute__((always_inline)) {
                    value *= load(d.step + j + v * lanes<T>);
                });
            }
            accumulate(
                block, most(d.tokens - j, 0L), w.dy + j * p + i, Left<true>{p}, w.weights + j * q + j, q);
            forBlock(block, [&](int r, int v, Vec<T> value) __attribute__((always_inline)) {
                store(w.flipped + (i + r) * q + j + v * lanes<T>, value);
            });
        }
    });
    transpose(p, d.rows, w.flipped, q, w.dx, p);
    for (long i = 0; i < d.tokens * p; i += lanes<T>) store(w.dx + i, load(w.dx + i) + skip * load(w.dy + i));
}

/// gradient_i += scale2_i·t_i with t_i = scale_i·(rows_i · state), and sums_i gathers t_i∘other_i: dC and dB
/// through the state.
template <class T>
MOLT_INLINE void stateGradient(
    const SSDShape &s, long first, long last, const T *rows, const T *state, const T *scale, const T *scale2,
    const T *other, T *gradient, Vec<T> *sums) {
    const long p = s.paddedWidth, n = s.paddedState;
    first = first / MOLT_TILE_ROWS * MOLT_TILE_ROWS;
    forPanels<T>(n, [&](auto width, long column) __attribute__((always_inline)) {
        for (long i = first; i < last; i += MOLT_TILE_ROWS) {
            Block<T, width.value> block{};
            accumulate(block, s.width, rows + i * p, Left<false>{p}, state + column, n);
            forBlock(block, [&](int r, int v, Vec<T> value) __attribute__((always_inline)) {
                const long at = (i + r) * n + column + v * lanes<T>;
                value *= scale[i + r];
                sums[i + r] += value * load(other + at);
                store(gradient + at, load(gradient + at) + (scale2 ? value * scale2[i + r] : value));
            });
        }
    });
}

/// Sends the sums per token to ddt and to the partial sums of dA and dD.
template <class T>
MOLT_INLINE void tokenGradients(
    const SSDBackward<T> &f, long batch, long head, long tile, const Decays<T> &d, const TokenSums<T> &sums,
    double throughGradient, const T *pairs) {
    const SSDShape &s = f.shape;
    double fromEntering[largestTile], da = 0, dd = 0, entering = 0, leaving = 0;
    for (long t = d.tokens - 1; t >= 0; --t) fromEntering[t] = entering += double(sum<T>(sums.entering[t]));
    T *ddt = f.ddt + (batch * s.length + tile * s.tile) * s.heads + head;
    for (long t = 0; t < d.tokens; ++t) {
        const T direct = sum<T>(sums.leaving[t]);
        const double a = double(sums.pairs[t]) + fromEntering[t] + leaving + throughGradient;
        leaving += double(direct) * double(d.dt[t]);
        ddt[t * s.heads] = T(double(sums.columns[t]) + double(direct) + a * double(f.a[head]));
        da += a * double(d.dt[t]);
        dd += double(pairs[t * s.paddedTile + t]);
    }
    f.da[(batch * s.tiles + tile) * s.heads + head] = da;
    if (f.dd) f.dd[(batch * s.tiles + tile) * s.heads + head] = dd;
}

template <class T>
MOLT_INLINE double inner(long count, const T *a, const T *b) {
    double total = 0;
    for (long i = 0; i < count; i += lanes<T> * 16) {
        Vec<T> part{};
        for (long j = i; j < least(count, i + lanes<T> * 16); j += lanes<T>) part += load(a + j) * load(b + j);
        total += double(sum<T>(part));
    }
    return total;
}

template <class T>
void ssdGradients(const SSDBackward<T> &f, long batch, long group, long tile, T *scratch) {
    const SSDShape &s = f.shape;
    const BackwardScratch<T> w(s, scratch);
    const long q = s.paddedTile, p = s.paddedWidth, n = s.paddedState, size = p * n, from = tile * s.tile;
    const long at = piece<T>(s, batch, group, tile), each = s.headsPerGroup();
    const T *keys = f.keys + at * q * n, *queries = f.queries + at * q * n;
    Decays<T> d;
    TokenSums<T> sums;
    const long end = least(f.lastHead, (group + 1) * each);
    for (long head = most(f.firstHead, group * each); head < end; ++head) {
        const long slot = ((batch * (f.lastHead - f.firstHead) + head - f.firstHead) * s.tiles + tile) * size;
        const T *state = tile > 0 || f.initial ? f.states + slot : nullptr;
        const T *dState = tile + 1 < s.tiles || f.dFinal ? f.dStates + slot : nullptr;
        setDecays(f, batch, head, tile, d);
        readTile(s.kind, f.x.data, f.x.at(batch, from, head), f.x.token, d.tokens, s.width, d.rows, p, w.x);
        readTile(s.kind, f.dy.data, f.dy.at(batch, from, head), f.dy.token, d.tokens, s.width, d.rows, p, w.dy);
        transpose(d.rows, p, w.x, p, w.flipped, q);
        pairProducts(s, d, w);
        weighPairs(s, d, f.scores + at * q * q, f.dScores + at * q * q, w, sums);
        for (long t = 0; t < d.rows; ++t) sums.entering[t] = sums.leaving[t] = Vec<T>{};
        if (state)
            stateGradient<T>(
                s, 0, d.carried, w.dy, state, d.enter, nullptr, queries, f.dQueries + at * q * n,
                sums.entering);
        if (dState)
            stateGradient<T>(
                s, d.lastStart, d.tokens, w.x, dState, d.leave, d.dt, keys, f.dKeys + at * q * n, sums.leaving);
        inputGradient(s, d, f.keysFlipped + at * q * n, dState, f.d ? f.d[head] : T(0), w);
        for (long i = 0; i < d.tokens; ++i)
            writeRow(s.kind, f.dx.data, f.dx.at(batch, from + i, head), s.width, w.dx + i * p);
        const double through =
            state && dState && d.through != 0 ? double(d.through) * inner(size, state, dState) : 0;
        tokenGradients(f, batch, head, tile, d, sums, through, w.pairs);
    }
}

/// dC += dScores·B, dB += dScoresᵀ·C; then both go out.
template <class T>
void ssdFinish(const SSDBackward<T> &f, long batch, long group, long tile, T *) {
    const SSDShape &s = f.shape;
    const long q = s.paddedTile, n = s.paddedState, count = s.tokens(tile), from = tile * s.tile;
    const long at = piece<T>(s, batch, group, tile);
    T *dKeys = f.dKeys + at * q * n, *dQueries = f.dQueries + at * q * n;
    const T *dScores = f.dScores + at * q * q, *keys = f.keys + at * q * n, *queries = f.queries + at * q * n;
    forPanels<T>(n, [&](auto width, long column) __attribute__((always_inline)) {
        auto add = [&](long steps, const T *left, auto shape, const T *right, T *to)
                       __attribute__((always_inline)) {
                           Block<T, width.value> block{};
                           accumulate(block, steps, left, shape, right + column, n);
                           forBlock(block, [&](int r, int v, Vec<T> value) __attribute__((always_inline)) {
                               T *element = to + r * n + column + v * lanes<T>;
                               store(element, load(element) + value);
                           });
                       };
        for (long i = 0; i < count; i += MOLT_TILE_ROWS) {
            const long steps = least(i + MOLT_TILE_ROWS, count);
            add(steps, dScores + i * q, Left<false>{q}, keys, dQueries + i * n);
            add(count - i, dScores + i * q + i, Left<true>{q}, queries + i * n, dKeys + i * n);
        }
    });
    for (long i = 0; i < count; ++i) {
        writeRow(s.kind, f.dc.data, f.dc.at(batch, from + i, group), s.state, dQueries + i * n);
        writeRow(s.kind, f.db.data, f.db.at(batch, from + i, group), s.state, dKeys + i * n);
    }
}

}  // namespace molt::MOLT_ISA
