#pragma once
#include "tensors.hpp"

namespace molt {
/// One byte per token of seq_idx [batch, length]: 1 where a document starts, that is, where it differs from the
/// token before. The first token never counts: an initial state is its document's. Undefined gives undefined.
Tensor documentStarts(const Tensor &documents);
}  // namespace molt
