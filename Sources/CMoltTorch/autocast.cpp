// Mixed precision: matrix products in bf16 or fp16, reductions in fp32, chosen by libtorch's own lists.
#include "guard.hpp"

#include <ATen/autocast_mode.h>

using molt::guarded;

extern "C" {

mt_status mt_autocast_enter(int32_t device_kind, mt_autocast wanted, mt_autocast *previous) {
    return guarded([&] {
        const auto device = static_cast<c10::DeviceType>(device_kind);
        previous->enabled = at::autocast::is_autocast_enabled(device);
        previous->dtype = static_cast<int32_t>(at::autocast::get_autocast_dtype(device));
        at::autocast::set_autocast_dtype(device, static_cast<c10::ScalarType>(wanted.dtype));
        at::autocast::set_autocast_enabled(device, wanted.enabled);
        at::autocast::increment_nesting();
    });
}

mt_status mt_autocast_exit(int32_t device_kind, mt_autocast previous) {
    return guarded([&] {
        const auto device = static_cast<c10::DeviceType>(device_kind);
        // The cache holds casts of parameters; outside the outermost scope an optimizer may change them.
        if (at::autocast::decrement_nesting() == 0) {
            at::autocast::clear_cache();
        }
        at::autocast::set_autocast_enabled(device, previous.enabled);
        at::autocast::set_autocast_dtype(device, static_cast<c10::ScalarType>(previous.dtype));
    });
}

mt_status mt_autocast_clear_cache(void) {
    return guarded([] { at::autocast::clear_cache(); });
}

}  // extern "C"
