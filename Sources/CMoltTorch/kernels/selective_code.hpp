// Mamba-1's selective scan: h_t = exp(Δ_t A) h_(t−1) + Δ_t x_t B_t, y_t = C_t·h_t + D x_t, for every channel with a
// state of its own. A piece of work is a tile of channels of one sequence. The forward keeps the state before each
// block of tokens; the backward makes a block's states again and walks back through them.
#pragma once
#include "recurrence_code.hpp"

namespace molt::MOLT_ISA {

/// One sequence's part of a tile of channels.
template <class T>
struct SelectiveTile {
    const SelectivePlan<T> &plan;
    long batch, index, at, count;

    MOLT_INLINE long row(long t) const { return batch * plan.length + t; }
    MOLT_INLINE void read(const Rows &rows, long t, T *to) const {
        readRow(rows.kind, rows.data, row(t) * rows.stride + at, count, to);
        fill(to + count, plan.tile - count, T(0));
    }
    MOLT_INLINE void write(const Rows &rows, long t, const T *from) const {
        writeRow(rows.kind, rows.data, row(t) * rows.stride + at, count, from);
    }
    /// Rows of `plan.state` tiles: parameters and states of the tile's channels.
    MOLT_INLINE const T *decay(long n) const { return plan.a + n * plan.padded + at; }
    MOLT_INLINE T *kept(long block) const {
        return plan.kept + ((batch * plan.blocks + block) * plan.state) * plan.padded + at;
    }
    MOLT_INLINE bool starts(long t) const { return t > 0 && plan.starts && plan.starts[row(t)]; }
};

template <class T>
SelectiveTile<T> selectiveTile(const SelectivePlan<T> &plan, long batch, long index) {
    const long at = index * plan.tile;
    return {plan, batch, index, at, least(plan.tile, plan.channels - at)};
}

/// From the state before a token to the state after it; both may be the same memory.
template <class T>
MOLT_INLINE void advance(
    const SelectiveTile<T> &tile, long t, const T *x, const T *step, const T *before, T *after) {
    const T *b = tile.plan.b + tile.row(t) * tile.plan.state;
    const bool starts = tile.starts(t);
    for (long n = 0; n < tile.plan.state; ++n)
        for (long i = 0; i < tile.plan.tile; i += lanes<T>) {
            const Vec<T> dt = load(step + i), write = dt * load(x + i) * b[n];
            const Vec<T> kept = exponential(dt * load(tile.decay(n) + i)) * load(before + n * tile.plan.tile + i);
            store(after + n * tile.plan.tile + i, starts ? write : kept + write);
        }
}

template <class T>
MOLT_INLINE void copyStates(const SelectivePlan<T> &plan, const T *from, long fromRow, T *to, long toRow) {
    for (long n = 0; n < plan.state; ++n)
        for (long i = 0; i < plan.tile; ++i) to[n * toRow + i] = from[n * fromRow + i];
}

/// Scratch: x, Δ, y, and the state [state, tile].
template <class T>
void select(const SelectivePlan<T> &plan, long batch, long index, T *scratch) {
    const SelectiveTile<T> tile = selectiveTile(plan, batch, index);
    T *x = scratch, *step = x + plan.tile, *y = step + plan.tile, *h = y + plan.tile;
    const long sequence = batch * plan.state * plan.padded + tile.at;
    if (plan.initial)
        copyStates(plan, plan.initial + sequence, plan.padded, h, plan.tile);
    else
        fill(h, plan.state * plan.tile, T(0));
    for (long t = 0; t < plan.length; ++t) {
        if (plan.kept && t % plan.block == 0)
            copyStates(plan, h, plan.tile, tile.kept(t / plan.block), plan.padded);
        tile.read(plan.x, t, x);
        tile.read(plan.step, t, step);
        advance(tile, t, x, step, h, h);
        const T *c = plan.c + tile.row(t) * plan.state;
        for (long i = 0; i < plan.tile; i += lanes<T>) {
            Vec<T> sum = load(plan.d + tile.at + i) * load(x + i);
            for (long n = 0; n < plan.state; ++n) sum += load(h + n * plan.tile + i) * c[n];
            store(y + i, sum);
        }
        tile.write(plan.y, t, y);
    }
    copyStates(plan, h, plan.tile, plan.final + sequence, plan.padded);
}

/// What gathers over a tile's tokens.
template <class T>
struct SelectiveSums {
    T *state, *decay, *skip;  // [state, tile] twice, [tile]
};

template <class T>
MOLT_INLINE void selectTokenBackward(
    const SelectiveTile<T> &tile, long t, const T *h, const T *before, T *x, T *step, const T *dy,
    const SelectiveSums<T> &sums) {
    const SelectivePlan<T> &plan = tile.plan;
    const long at = tile.row(t) * plan.state, rows = plan.batch * plan.length * plan.state;
    const T *b = plan.b + at, *c = plan.c + at;
    T *db = plan.dB + tile.index * rows + at, *dc = plan.dC + tile.index * rows + at;
    const bool starts = tile.starts(t);
    for (long n = 0; n < plan.state; ++n) db[n] = dc[n] = 0;
    for (long i = 0; i < plan.tile; i += lanes<T>) {
        const Vec<T> dt = load(step + i), value = load(x + i), gradient = load(dy + i);
        Vec<T> dStep{}, dWrite{};
        for (long n = 0; n < plan.state; ++n) {
            const long place = n * plan.tile + i;
            const Vec<T> dh = load(sums.state + place) + gradient * c[n];
            dc[n] += sum<T>(gradient * load(h + place));
            db[n] += sum<T>(dh * dt * value);
            dWrite += dh * b[n];
            if (starts) {
                store(sums.state + place, Vec<T>{});
                continue;
            }
            const Vec<T> a = load(tile.decay(n) + i), kept = exponential(dt * a) * dh;
            const Vec<T> dLog = kept * load(before + place);
            dStep += dLog * a;
            store(sums.decay + place, load(sums.decay + place) + dLog * dt);
            store(sums.state + place, kept);
        }
        store(sums.skip + i, load(sums.skip + i) + gradient * value);
        store(step + i, dStep + dWrite * value);
        store(x + i, dWrite * dt + gradient * load(plan.d + tile.at + i));
    }
}

/// Scratch: x, Δ, dy, d D, d state, d A, and the states of a block with the one before it.
template <class T>
void selectBackward(const SelectivePlan<T> &plan, long batch, long index, T *scratch) {
    const SelectiveTile<T> tile = selectiveTile(plan, batch, index);
    const long size = plan.state * plan.tile, sequence = batch * plan.state * plan.padded + tile.at;
    T *x = scratch, *step = x + plan.tile, *dy = step + plan.tile, *skip = dy + plan.tile;
    const SelectiveSums<T> sums{skip + plan.tile, skip + plan.tile + size, skip};
    T *states = sums.decay + size;
    fill(skip, plan.tile, T(0));
    fill(sums.decay, size, T(0));
    if (plan.dFinal)
        copyStates(plan, plan.dFinal + sequence, plan.padded, sums.state, plan.tile);
    else
        fill(sums.state, size, T(0));
    for (long block = plan.blocks - 1; block >= 0; --block) {
        const long from = block * plan.block, to = least(from + plan.block, plan.length);
        copyStates(plan, tile.kept(block), plan.padded, states, plan.tile);
        for (long t = from; t < to; ++t) {
            tile.read(plan.x, t, x);
            tile.read(plan.step, t, step);
            advance(tile, t, x, step, states + (t - from) * size, states + (t - from + 1) * size);
        }
        for (long t = to - 1; t >= from; --t) {
            tile.read(plan.x, t, x);
            tile.read(plan.step, t, step);
            tile.read(plan.dy, t, dy);
            const T *before = states + (t - from) * size;
            selectTokenBackward(tile, t, before + size, before, x, step, dy, sums);
            tile.write(plan.dx, t, x);
            tile.write(plan.dStep, t, step);
        }
    }
    copyStates(plan, sums.decay, plan.tile, plan.dA + sequence, plan.padded);
    for (long i = 0; i < tile.count; ++i) plan.dD[batch * plan.channels + tile.at + i] = skip[i];
    if (plan.dInitial) copyStates(plan, sums.state, plan.tile, plan.dInitial + sequence, plan.padded);
}

}  // namespace molt::MOLT_ISA
