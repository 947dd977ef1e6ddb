// One row of logits: its loss, and in place its gradient.
#pragma once
#include "activation_code.hpp"

namespace molt::MOLT_ISA {

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

template <class T>
constexpr FusedCode<T> fusedCode() {
    return {padding<T>,           convolve<T>, convolveBackward<T>, normalize<T>,
            normalizeBackward<T>, activate<T>, activateBackward<T>, crossEntropy<T>};
}
extern const FusedCode<float> fusedFloat = fusedCode<float>();
extern const FusedCode<double> fusedDouble = fusedCode<double>();

}  // namespace molt::MOLT_ISA
