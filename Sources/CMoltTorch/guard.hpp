// What every file of the shim shares: handles, and the one place where C++ exceptions end.
#pragma once
#include "molt_torch.h"

#include <ATen/core/Tensor.h>
#include <c10/util/Exception.h>

#include <atomic>
#include <exception>
#include <new>
#include <string>
#include <utility>

namespace molt {

extern std::atomic<int64_t> live_tensors;

/// Keeps the sentence for mt_error_message() and returns the status to hand out.
mt_status failed(mt_status status, const char *message) noexcept;
/// Turns the exception that is being handled into a status.
mt_status failed_by_current_exception() noexcept;

/// Runs `body`; whatever it throws becomes a status and a message of this thread.
template <typename Body>
mt_status guarded(Body &&body) noexcept {
    try {
        body();
        return MT_OK;
    } catch (...) {
        return failed_by_current_exception();
    }
}

}  // namespace molt

struct mt_tensor_s {
    at::Tensor value;

    explicit mt_tensor_s(at::Tensor tensor) : value(std::move(tensor)) {
        molt::live_tensors.fetch_add(1, std::memory_order_relaxed);
    }
    ~mt_tensor_s() { molt::live_tensors.fetch_sub(1, std::memory_order_relaxed); }
};

namespace molt {

inline mt_tensor wrap(at::Tensor tensor) {
    return tensor.defined() ? new mt_tensor_s(std::move(tensor)) : nullptr;
}

inline at::Tensor unwrap(mt_tensor handle) {
    return handle == nullptr ? at::Tensor() : handle->value;
}

inline c10::Device device_of(mt_device device) {
    return c10::Device(static_cast<c10::DeviceType>(device.kind), static_cast<c10::DeviceIndex>(device.index));
}

}  // namespace molt
