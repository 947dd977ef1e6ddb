// bfloat16 products on processors that have no instructions for them.
#pragma once
#include "tensors.hpp"

namespace molt {

/// Whether products of bfloat16 matrices are fast here. Where they are not, oneDNN's are four times slower than
/// fp32 ones.
bool multipliesBfloat();

/// The values rounded to bfloat16, held in float: products of such factors are what bfloat16 hardware computes.
Tensor roundedToBfloat(const Tensor &tensor);

/// input · weightᵀ + bias as bfloat16 hardware computes it; see bfloat.cpp.
Tensor linearBfloat(const Tensor &input, const Tensor &weight, const OptionalTensor &bias);

}  // namespace molt
