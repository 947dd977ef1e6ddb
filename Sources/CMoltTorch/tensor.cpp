// Tensors to and from host memory, and what can be asked of one.
#include "guard.hpp"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <c10/core/DeviceType.h>
#include <c10/core/ScalarType.h>

#include <cstring>

using molt::guarded;
using molt::wrap;

static_assert(static_cast<int>(c10::DeviceType::CPU) == 0 && static_cast<int>(c10::DeviceType::CUDA) == 1);
static_assert(static_cast<int>(c10::DeviceType::Meta) == 14);
static_assert(static_cast<int>(c10::ScalarType::Long) == 4 && static_cast<int>(c10::ScalarType::Float) == 6);
static_assert(static_cast<int>(c10::ScalarType::Bool) == 11 && static_cast<int>(c10::ScalarType::BFloat16) == 15);

namespace {

c10::ScalarType type_of(int32_t dtype) {
    return static_cast<c10::ScalarType>(dtype);
}

at::TensorOptions options(int32_t dtype) {
    return at::TensorOptions().dtype(type_of(dtype));
}

void check_bytes(const at::Tensor &tensor, size_t count) {
    TORCH_CHECK(
        tensor.nbytes() == count, "a buffer of ", count, " bytes cannot hold a tensor of shape ", tensor.sizes(),
        " and ", tensor.nbytes(), " bytes");
}

}  // namespace

extern "C" {

mt_status mt_tensor_empty(const int64_t *shape, size_t rank, int32_t dtype, mt_device device, mt_tensor *out) {
    return guarded([&] {
        *out = wrap(at::empty(at::IntArrayRef(shape, rank), options(dtype).device(molt::device_of(device))));
    });
}

mt_status mt_tensor_from_bytes(
    const void *bytes, size_t count, const int64_t *shape, size_t rank, int32_t dtype, mt_tensor *out) {
    return guarded([&] {
        at::Tensor tensor = at::empty(at::IntArrayRef(shape, rank), options(dtype));
        check_bytes(tensor, count);
        if (count > 0) {
            std::memcpy(tensor.data_ptr(), bytes, count);
        }
        *out = wrap(std::move(tensor));
    });
}

mt_status mt_tensor_over_memory(
    void *bytes, size_t count, const int64_t *shape, size_t rank, int32_t dtype, void (*release)(void *context),
    void *context, mt_tensor *out) {
    return guarded([&] {
        const at::IntArrayRef sizes(shape, rank);
        size_t wanted = c10::elementSize(type_of(dtype));
        for (const int64_t extent : sizes) {
            wanted *= static_cast<size_t>(extent);
        }
        TORCH_CHECK(wanted == count, "a buffer of ", count, " bytes cannot back a tensor of ", wanted, " bytes");
        *out = wrap(at::from_blob(bytes, sizes, [release, context](void *) { release(context); }, options(dtype)));
    });
}

mt_status mt_tensor_copy_to_bytes(mt_tensor tensor, void *bytes, size_t count) {
    return guarded([&] {
        const at::NoGradGuard no_grad;
        check_bytes(tensor->value, count);
        const at::Tensor host = tensor->value.detach().to(at::kCPU).contiguous();
        if (count > 0) {
            std::memcpy(bytes, host.const_data_ptr(), count);
        }
    });
}

mt_status mt_tensor_copy_from_bytes(mt_tensor tensor, const void *bytes, size_t count) {
    return guarded([&] {
        const at::NoGradGuard no_grad;
        check_bytes(tensor->value, count);
        if (count > 0) {
            const at::Tensor source = at::from_blob(
                const_cast<void *>(bytes), tensor->value.sizes(), options(mt_tensor_dtype(tensor)));
            tensor->value.copy_(source);
        }
    });
}

mt_status mt_tensor_data(mt_tensor tensor, void **out) {
    return guarded([&] { *out = tensor->value.data_ptr(); });
}

mt_status mt_tensor_item(mt_tensor tensor, double *out) {
    return guarded([&] { *out = tensor->value.item().toDouble(); });
}

mt_status mt_tensor_item_integer(mt_tensor tensor, int64_t *out) {
    return guarded([&] { *out = tensor->value.item().toLong(); });
}

mt_status mt_tensor_alias(mt_tensor tensor, mt_tensor *out) {
    return guarded([&] { *out = wrap(molt::unwrap(tensor)); });
}

size_t mt_tensor_rank(mt_tensor tensor) {
    return static_cast<size_t>(tensor->value.dim());
}

void mt_tensor_shape(mt_tensor tensor, int64_t *out) {
    const auto sizes = tensor->value.sizes();
    std::copy(sizes.begin(), sizes.end(), out);
}

void mt_tensor_strides(mt_tensor tensor, int64_t *out) {
    const auto strides = tensor->value.strides();
    std::copy(strides.begin(), strides.end(), out);
}

int64_t mt_tensor_count(mt_tensor tensor) {
    return tensor->value.numel();
}

int32_t mt_tensor_dtype(mt_tensor tensor) {
    return static_cast<int32_t>(tensor->value.scalar_type());
}

mt_device mt_tensor_device(mt_tensor tensor) {
    const c10::Device device = tensor->value.device();
    return {static_cast<int32_t>(device.type()), static_cast<int32_t>(device.index())};
}

bool mt_tensor_is_contiguous(mt_tensor tensor) {
    return tensor->value.is_contiguous();
}

bool mt_tensor_is_same(mt_tensor a, mt_tensor b) {
    return a->value.is_same(b->value);
}

void mt_tensor_free(mt_tensor tensor) {
    delete tensor;
}

int64_t mt_live_tensors(void) {
    return molt::live_tensors.load(std::memory_order_relaxed);
}

size_t mt_dtype_size(int32_t dtype) {
    return c10::elementSize(type_of(dtype));
}

}  // extern "C"
