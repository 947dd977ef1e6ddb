// What the tensor sides of the convolution, the norms and the activations share.
#pragma once
#include "fused_plan.hpp"
#include "instruction_set.hpp"
#include "tensors.hpp"

#include <ATen/Parallel.h>
#include <ATen/core/dispatch/Dispatcher.h>

namespace molt {

template <class real>
const FusedCode<real> &fusedCode() {
    if constexpr (std::is_same_v<real, double>)
        return choose(generic::fusedDouble, avx2::fusedDouble, avx512::fusedDouble);
    else
        return choose(generic::fusedFloat, avx2::fusedFloat, avx512::fusedFloat);
}

/// A tensor as a list of rows, without a copy where its strides allow it.
inline Tensor asRows(const Tensor &tensor, at::ScalarType type) {
    return withRows(tensor.reshape({-1, tensor.size(-1)}), type);
}
inline Rows rowsOf(const Tensor &rows) {
    return rows.defined() ? Rows{rows.data_ptr(), rows.stride(-2), element(rows.scalar_type())} : Rows{};
}
template <class real>
real *pointerTo(const Tensor &tensor) {
    return tensor.defined() ? static_cast<real *>(tensor.data_ptr()) : nullptr;
}
inline int64_t paddedTo(int64_t value, int64_t multiple) {
    return (value + multiple - 1) / multiple * multiple;
}

/// A vector as `padded` elements of the computing type, zeros at the end.
Tensor paddedVector(const Tensor &vector, int64_t padded, at::ScalarType type);
/// Adds rows of partial sums up in their order: the same bits whatever the number of threads. float or double
/// in, same out.
Tensor sumInOrder(const Tensor &partial);

/// Runs body(index, scratch) for each index below count, in any order.
template <class real, class Body>
void forEach(int64_t count, int64_t scratch, Body body, int64_t grain = 1) {
    at::parallel_for(0, count, grain, [&](int64_t first, int64_t last) {
        Scratch<real> memory(scratch);
        for (int64_t i = first; i < last; ++i) body(i, memory.get());
    });
}

template <class Signature>
c10::TypedOperatorHandle<Signature> operatorNamed(const char *name) {
    return c10::Dispatcher::singleton().findSchemaOrThrow(name, "").typed<Signature>();
}

/// Calls body(float()) or body(double()) for the type that `type` is computed in.
template <class Body>
auto computingIn(at::ScalarType type, Body body) {
    return computing(type) == at::kDouble ? body(double()) : body(float());
}

}  // namespace molt
