// Small helpers of the tensor side of the kernels.
#pragma once
#include "element.hpp"

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty_like.h>
#include <c10/util/Exception.h>

#include <optional>

namespace molt {

using at::Tensor;
using OptionalTensor = std::optional<Tensor>;

inline bool given(const OptionalTensor &tensor) { return tensor.has_value() && tensor->defined(); }
inline Tensor orUndefined(const OptionalTensor &tensor) { return given(tensor) ? *tensor : Tensor(); }
inline OptionalTensor orNone(const Tensor &tensor) {
    return tensor.defined() ? OptionalTensor(tensor) : std::nullopt;
}

/// float, bfloat16 and double are computed as they come; half goes through float.
inline bool isSupported(at::ScalarType type) {
    return type == at::kFloat || type == at::kBFloat16 || type == at::kDouble || type == at::kHalf;
}
inline at::ScalarType computing(at::ScalarType type) { return type == at::kDouble ? at::kDouble : at::kFloat; }
inline at::ScalarType stored(at::ScalarType type) { return type == at::kHalf ? at::kFloat : type; }
inline Element element(at::ScalarType type) {
    return type == at::kBFloat16 ? Element::bf16 : type == at::kDouble ? Element::f64 : Element::f32;
}

/// The tensor with contiguous rows (its last dimension), whatever its other strides are.
inline Tensor withRows(const Tensor &tensor, at::ScalarType type) {
    Tensor result = tensor.scalar_type() == type ? tensor : tensor.to(type);
    return result.size(-1) <= 1 || result.stride(-1) == 1 ? result : result.contiguous();
}

/// A gradient in the type of what it belongs to.
inline Tensor inTypeOf(const Tensor &argument, const Tensor &gradient) {
    return gradient.defined() ? gradient.to(argument.scalar_type()) : gradient;
}
inline Tensor emptyLike(const OptionalTensor &tensor) {
    return given(tensor) ? at::empty_like(*tensor, at::MemoryFormat::Contiguous) : Tensor();
}

inline void checkShape(const char *function, const char *name, const Tensor &tensor, at::IntArrayRef expected) {
    TORCH_CHECK(
        tensor.sizes() == expected, function, ": ", name, " must have shape ", expected,
        " to fit the other arguments, but has ", tensor.sizes());
}

}  // namespace molt
