// The real-gated linear recurrent unit, channel by channel: r = σ(rg), i = σ(ig), a = exp(−8 r softplus(Λ)),
// h_t = a h_(t−1) + √(1 − a²) i x. A piece of work is a tile of channels of one sequence, walked token by token;
// the backward walks back and recomputes all but h.
#pragma once
#include "activation_code.hpp"

namespace molt::MOLT_ISA {

/// Below this the derivative of √(1 − a²) by 1 − a² is taken at it: 1 / (2 root) stays under 1000.
inline constexpr double smallestRoot = 5e-4;

MOLT_INLINE float root(float x) { return __builtin_sqrtf(x); }
MOLT_INLINE double root(double x) { return __builtin_sqrt(x); }

/// e^x − 1 for x <= 0, exact near zero as well.
MOLT_INLINE FloatVector exponentialMinusOne(FloatVector x) {
    FloatVector p = splat(1.9875691500e-4f);
    p = p * x + 1.3981999507e-3f;
    p = p * x + 8.3334519073e-3f;
    p = p * x + 4.1665795894e-2f;
    p = p * x + 1.6666665459e-1f;
    p = p * x + 5.0000001201e-1f;
    return x > -0.34f ? p * (x * x) + x : exponential(x) - 1.0f;
}
MOLT_INLINE DoubleVector exponentialMinusOne(DoubleVector x) {
    for (long i = 0; i < lanes<double>; ++i) x[i] = __builtin_expm1(x[i]);
    return x;
}

template <class T>
struct Gates {
    Vec<T> input, recurrent, a, root;
};

template <class T>
MOLT_INLINE Gates<T> gatesOf(const T *inputGate, const T *recurrentGate, const T *rate) {
    Gates<T> g;
    g.input = sigmoid(load(inputGate)), g.recurrent = sigmoid(load(recurrentGate));
    const Vec<T> logA = g.recurrent * load(rate) * T(-8);
    g.a = exponential(logA);
    Vec<T> square = Vec<T>{} - exponentialMinusOne(logA * T(2));
    for (long i = 0; i < lanes<T>; ++i) g.root[i] = molt::MOLT_ISA::root(square[i]);
    return g;
}

/// The rows of one token in a tile.
template <class T>
struct RecurrenceTile {
    const RecurrencePlan<T> &plan;
    long batch, at, count;

    MOLT_INLINE long row(long t) const { return batch * plan.length + t; }
    MOLT_INLINE void read(const Rows &rows, long t, T *to) const {
        readRow(rows.kind, rows.data, row(t) * rows.stride + at, count, to);
        fill(to + count, plan.tile - count, T(0));
    }
    MOLT_INLINE void write(const Rows &rows, long t, const T *from) const {
        writeRow(rows.kind, rows.data, row(t) * rows.stride + at, count, from);
    }
    /// Whether nothing comes before the token.
    MOLT_INLINE bool starts(long t) const {
        return t == 0 ? plan.initial == nullptr : plan.starts && plan.starts[row(t)];
    }
    MOLT_INLINE void readState(const T *states, T *to) const {
        for (long i = 0; i < count; ++i) to[i] = states ? states[batch * plan.channels + at + i] : T(0);
        fill(to + count, plan.tile - count, T(0));
    }
    MOLT_INLINE void writeState(T *states, const T *from) const {
        if (states)
            for (long i = 0; i < count; ++i) states[batch * plan.channels + at + i] = from[i];
    }
};

template <class T>
RecurrenceTile<T> tileOf(const RecurrencePlan<T> &plan, long batch, long tile) {
    const long at = tile * plan.tile;
    return {plan, batch, at, least(plan.tile, plan.channels - at)};
}

template <class T>
void recur(const RecurrencePlan<T> &plan, long batch, long index, T *scratch) {
    const RecurrenceTile<T> tile = tileOf(plan, batch, index);
    T *x = scratch, *input = x + plan.tile, *recurrent = input + plan.tile, *h = recurrent + plan.tile;
    tile.readState(plan.initial, h);
    for (long t = 0; t < plan.length; ++t) {
        tile.read(plan.x, t, x);
        tile.read(plan.inputGate, t, input);
        tile.read(plan.recurrentGate, t, recurrent);
        const bool starts = tile.starts(t);
        for (long i = 0; i < plan.tile; i += lanes<T>) {
            const Gates<T> g = gatesOf(input + i, recurrent + i, plan.rate + tile.at + i);
            const Vec<T> fresh = g.input * load(x + i);
            store(h + i, starts ? fresh : g.a * load(h + i) + g.root * fresh);
        }
        tile.write(plan.y, t, h);
        if (plan.h.data) tile.write(plan.h, t, h);
    }
    tile.writeState(plan.final, h);
}

template <class T>
void recurBackward(const RecurrencePlan<T> &plan, long batch, long index, T *scratch) {
    const RecurrenceTile<T> tile = tileOf(plan, batch, index);
    T *x = scratch, *input = x + plan.tile, *recurrent = input + plan.tile, *before = recurrent + plan.tile;
    T *dy = before + plan.tile, *carry = dy + plan.tile, *rate = carry + plan.tile;
    tile.readState(plan.dFinal, carry);
    fill(rate, plan.tile, T(0));
    for (long t = plan.length - 1; t >= 0; --t) {
        tile.read(plan.x, t, x);
        tile.read(plan.inputGate, t, input);
        tile.read(plan.recurrentGate, t, recurrent);
        tile.read(plan.dy, t, dy);
        const bool starts = tile.starts(t);
        if (!starts && t == 0) tile.readState(plan.initial, before);
        if (!starts && t > 0) tile.read(plan.h, t - 1, before);
        for (long i = 0; i < plan.tile; i += lanes<T>) {
            const Gates<T> g = gatesOf(input + i, recurrent + i, plan.rate + tile.at + i);
            const Vec<T> dh = load(dy + i) + load(carry + i), value = load(x + i);
            Vec<T> dFresh = dh, dRecurrent{}, dCarry{};
            if (!starts) {
                const Vec<T> held = g.root > T(smallestRoot) ? g.root : splat(T(smallestRoot));
                const Vec<T> dLog =
                    dh * load(before + i) * g.a - dh * g.input * value * (g.a * g.a) / held;
                dRecurrent = dLog * load(plan.rate + tile.at + i) * T(-8);
                store(rate + i, load(rate + i) + dLog * g.recurrent * T(-8));
                dFresh = dh * g.root, dCarry = dh * g.a;
            }
            store(carry + i, dCarry);
            store(x + i, dFresh * g.input);
            store(input + i, dFresh * value * g.input * (T(1) - g.input));
            store(recurrent + i, dRecurrent * g.recurrent * (T(1) - g.recurrent));
        }
        tile.write(plan.dx, t, x);
        tile.write(plan.dInputGate, t, input);
        tile.write(plan.dRecurrentGate, t, recurrent);
    }
    tile.writeState(plan.dInitial, carry);
    tile.writeState(plan.partial, rate);
}

}  // namespace molt::MOLT_ISA
