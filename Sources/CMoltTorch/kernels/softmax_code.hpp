// One row of logits: its loss, and in place its gradient.
#pragma once
#include "selective_code.hpp"

namespace molt::MOLT_ISA {

/// x becomes c · tanh(x / c), and `slope` (where given) the derivative.
template <class T>
MOLT_INLINE void capRow(T *row, long count, T cap, T *slope) {
    for (long i = 0; i < count; i += lanes<T>) {
        T part[lanes<T>];
        const long some = least(lanes<T>, count - i);
        for (long k = 0; k < lanes<T>; ++k) part[k] = k < some ? row[i + k] : T(0);
        const Vec<T> x = load(part), size = x < T(0) ? x : Vec<T>{} - x;
        const Vec<T> e = exponentialMinusOne(size * (T(2) / cap));  // tanh |x| = −e / (e + 2)
        const Vec<T> t = (x < T(0) ? e : Vec<T>{} - e) / (e + T(2));
        store(part, t * cap);
        for (long k = 0; k < some; ++k) row[i + k] = part[k];
        store(part, T(1) - t * t);
        if (slope)
            for (long k = 0; k < some; ++k) slope[i + k] = part[k];
    }
}

/// weight · (log Σ e^x − x_target); with `gradient` the row becomes weight · (softmax − one at the target).
template <class T>
double crossEntropy(T *row, long count, long target, T weight, bool gradient) {
    if (weight == 0) {
        if (gradient) fill(row, count, T(0));
        return 0;
    }
    T largest = row[0];
    for (long i = 1; i < count; ++i) largest = most(largest, row[i]);
    const double wanted = double(row[target]);
    const long whole = count / lanes<T> * lanes<T>;
    double total = 0;
    for (long from = 0; from < whole; from += 64 * lanes<T>) {  // short sums in T, long ones in double
        Vec<T> part{};
        for (long i = from; i < least(whole, from + 64 * lanes<T>); i += lanes<T>) {
            const Vec<T> e = exponential(load(row + i) - largest);
            if (gradient) store(row + i, e);
            part += e;
        }
        total += double(sum<T>(part));
    }
    T rest[lanes<T>];
    for (long i = 0; i < lanes<T>; ++i) rest[i] = whole + i < count ? row[whole + i] - largest : T(0);
    store(rest, exponential(load(rest)));
    for (long i = whole; i < count; ++i) {
        total += double(rest[i - whole]);
        if (gradient) row[i] = rest[i - whole];
    }
    if (gradient) {
        const T scale = T(double(weight) / total);
        for (long i = 0; i < count; ++i) row[i] *= scale;
        row[target] -= weight;
    }
    return double(weight) * (__builtin_log(total) + double(largest) - wanted);
}

/// The same of c · tanh(row / c); `slope` has room for a row.
template <class T>
double cappedCrossEntropy(T *row, long count, long target, T weight, bool gradient, T cap, T *slope) {
    capRow(row, count, cap, gradient ? slope : nullptr);
    const double loss = crossEntropy(row, count, target, weight, gradient);
    if (gradient)
        for (long i = 0; i < count; ++i) row[i] *= slope[i];
    return loss;
}

template <class T>
constexpr FusedCode<T> fusedCode() {
    return {padding<T>,           convolve<T>, convolveBackward<T>, normalize<T>,       normalizeBackward<T>,
            activate<T>,          activateBackward<T>, crossEntropy<T>, cappedCrossEntropy<T>, recur<T>,
            recurBackward<T>,     select<T>,           selectBackward<T>};
}
extern const FusedCode<float> fusedFloat = fusedCode<float>();
extern const FusedCode<double> fusedDouble = fusedCode<double>();

}  // namespace molt::MOLT_ISA
