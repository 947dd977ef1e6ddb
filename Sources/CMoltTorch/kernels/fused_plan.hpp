// What the tensor side of the convolution, the norms and the activations hands to the code compiled per
// instruction set.
#pragma once
#include "element.hpp"

namespace molt {

/// Rows of a tensor: `count` elements each, `stride` elements apart, stored as `kind`. Null when absent.
struct Rows {
    void *data = nullptr;
    long stride = 0;
    Element kind = Element::f32;
};

inline constexpr long largestTaps = 16;

/// Depthwise causal convolution over tokens. Tokens are cut in blocks, one piece of work each.
/// Rows of `padded` channels: weight [taps], bias, initial, final and their gradients [batch, taps − 1].
template <class real>
struct ConvPlan {
    long batch, length, channels, padded, taps, block, blocks;
    bool silu;
    Rows x, y, dy, dx;     // token rows
    long xBatch, dyBatch;  // elements from one sequence to the next; y and dx are contiguous
    const real *weight, *bias, *initial, *dFinal;
    const unsigned char *starts;
    real *dInitial, *partial;  // partial sums of dweight and dbias [batch·blocks, taps + 1, padded]
};

/// y = x / rms(x) · weight per group of channels, x replaced by x + residual or x · silu(gate) before.
template <class real>
struct NormPlan {
    long rows, width, padded, group, block;
    double epsilon;
    bool roundFirst;  // round x / rms to bfloat16 before the weight
    Rows x, gate, residual, y, total;
    const real *weight;  // [padded]
    real *scale;         // 1 / rms, [rows, groups]
    Rows dy, dTotal, dx, dGate;
    real *partial;  // partial sums of dweight [blocks, padded]
};

/// y = f(a, b) element by element; b only where f has two arguments.
enum class Activation : int { squaredReLU, swiglu };
struct ActivationPlan {
    Activation function;
    long rows, width;
    Rows a, b, y, dy, da, db;
};

/// h_t = a h_(t−1) + √(1 − a²) i x with gates of its own for each token; channels go in tiles, one piece of work each.
template <class real>
struct RecurrencePlan {
    long batch, length, channels, tile;
    Rows x, inputGate, recurrentGate, y, h;  // rows of tokens; h only where y is rounded
    const real *rate;                        // softplus(Λ), padded to whole tiles
    const real *initial, *dFinal;            // [batch, channels]
    const unsigned char *starts;
    real *final;
    Rows dy, dx, dInputGate, dRecurrentGate;
    real *dInitial, *partial;  // partial sums of d rate [batch, channels]
};

/// Mamba-1's scan: a state for every channel. Parameters and states are rows of `padded` channels, one a state number.
template <class real>
struct SelectivePlan {
    long batch, length, channels, padded, state, tile, block, blocks;
    Rows x, step, y;
    const real *a, *d;        // [state, padded], [padded]
    const real *b, *c;        // [batch·length, state]
    const real *initial, *dFinal;
    const unsigned char *starts;
    real *kept, *final;       // [batch, blocks, state, padded], [batch, state, padded]
    Rows dy, dx, dStep;
    real *dB, *dC;            // partial sums [tiles, batch·length, state]
    real *dA, *dD, *dInitial; // partial sums [batch, state, padded], [batch, channels]; the last is whole
};

template <class real>
struct FusedCode {
    long padding;
    void (*convolve)(const ConvPlan<real> &, long batch, long block, real *scratch);
    void (*convolveBackward)(const ConvPlan<real> &, long batch, long block, real *scratch);
    void (*normalize)(const NormPlan<real> &, long block, real *scratch);
    void (*normalizeBackward)(const NormPlan<real> &, long block, real *scratch);
    void (*activate)(const ActivationPlan &, long row, real *scratch);
    void (*activateBackward)(const ActivationPlan &, long row, real *scratch);
    double (*crossEntropy)(real *row, long count, long target, real weight, bool gradient);
    double (*cappedCrossEntropy)(
        real *row, long count, long target, real weight, bool gradient, real cap, real *slope);
    void (*recur)(const RecurrencePlan<real> &, long batch, long tile, real *scratch);
    void (*recurBackward)(const RecurrencePlan<real> &, long batch, long tile, real *scratch);
    void (*select)(const SelectivePlan<real> &, long batch, long tile, real *scratch);
    void (*selectBackward)(const SelectivePlan<real> &, long batch, long tile, real *scratch);
};

namespace generic {
extern const FusedCode<float> fusedFloat;
extern const FusedCode<double> fusedDouble;
}  // namespace generic
namespace avx2 {
extern const FusedCode<float> fusedFloat;
extern const FusedCode<double> fusedDouble;
}  // namespace avx2
namespace avx512 {
extern const FusedCode<float> fusedFloat;
extern const FusedCode<double> fusedDouble;
}  // namespace avx512

}  // namespace molt
