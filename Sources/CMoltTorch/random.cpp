// The default generators: seeding, and their state as bytes for checkpoints.
#include "guard.hpp"

#include <ATen/Context.h>
#include <ATen/core/Generator.h>
#include <ATen/ops/empty.h>

#include <cstring>
#include <mutex>

using molt::guarded;

namespace {

at::Tensor state_of(mt_device device) {
    at::Generator generator = at::globalContext().defaultGenerator(molt::device_of(device));
    const std::lock_guard lock(generator.mutex());
    return generator.get_state();
}

}  // namespace

extern "C" {

mt_status mt_seed(uint64_t seed) {
    return guarded([&] { at::manual_seed(seed); });
}

mt_status mt_random_state_size(mt_device device, size_t *out) {
    return guarded([&] { *out = state_of(device).nbytes(); });
}

mt_status mt_random_state_get(mt_device device, uint8_t *bytes, size_t count) {
    return guarded([&] {
        const at::Tensor state = state_of(device).contiguous();
        TORCH_CHECK(state.nbytes() == count, "the generator's state has ", state.nbytes(), " bytes, not ", count);
        std::memcpy(bytes, state.const_data_ptr(), count);
    });
}

mt_status mt_random_state_set(mt_device device, const uint8_t *bytes, size_t count) {
    return guarded([&] {
        at::Tensor state = at::empty({static_cast<int64_t>(count)}, at::TensorOptions().dtype(at::kByte));
        std::memcpy(state.data_ptr(), bytes, count);
        at::Generator generator = at::globalContext().defaultGenerator(molt::device_of(device));
        const std::lock_guard lock(generator.mutex());
        generator.set_state(state);
    });
}

}  // extern "C"
