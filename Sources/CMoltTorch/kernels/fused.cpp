#include "fused.hpp"

#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>

namespace molt {

Tensor paddedVector(const Tensor &vector, int64_t padded, at::ScalarType type) {
    Tensor result = at::zeros({padded}, vector.options().dtype(type));
    result.narrow(0, 0, vector.numel()).copy_(vector.reshape({-1}));
    return result;
}

template <class real>
static void add(const Tensor &partial, Tensor &sum) {
    const int64_t rows = partial.size(0), columns = sum.numel();
    const real *from = partial.const_data_ptr<real>();
    real *to = sum.mutable_data_ptr<real>();
    at::parallel_for(0, columns, 4096, [&](int64_t first, int64_t last) {
        for (int64_t i = first; i < last; ++i) {
            double total = 0;
            for (int64_t r = 0; r < rows; ++r) total += double(from[r * columns + i]);
            to[i] = real(total);
        }
    });
}

Tensor sumInOrder(const Tensor &partial) {
    Tensor sum = at::empty(partial.sizes().slice(1), partial.options());
    partial.scalar_type() == at::kDouble ? add<double>(partial, sum) : add<float>(partial, sum);
    return sum;
}

}  // namespace molt
