#include "documents.hpp"

#include <ATen/ops/zeros.h>

namespace molt {

Tensor documentStarts(const Tensor &documents) {
    if (!documents.defined()) return {};
    TORCH_CHECK(!documents.is_floating_point(), "seq_idx must hold integers, but is ", documents.scalar_type());
    const Tensor ids = documents.to(at::kLong).contiguous();
    Tensor starts = at::zeros(ids.sizes(), ids.options().dtype(at::kByte));
    const int64_t *id = ids.const_data_ptr<int64_t>();
    uint8_t *start = starts.mutable_data_ptr<uint8_t>();
    const int64_t length = ids.size(1);
    for (int64_t b = 0; b < ids.size(0); ++b)
        for (int64_t t = 1; t < length; ++t)
            start[b * length + t] = id[b * length + t] != id[b * length + t - 1];
    return starts;
}

}  // namespace molt
