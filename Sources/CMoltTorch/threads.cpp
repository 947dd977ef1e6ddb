// How many threads libtorch uses, and whether it may choose operators whose results vary.
#include "guard.hpp"

#include <ATen/Context.h>
#include <ATen/Parallel.h>

using molt::guarded;

extern "C" {

int32_t mt_threads(void) {
    return at::get_num_threads();
}

mt_status mt_threads_set(int32_t count) {
    return guarded([&] { at::set_num_threads(count); });
}

int32_t mt_interop_threads(void) {
    return static_cast<int32_t>(at::get_num_interop_threads());
}

mt_status mt_interop_threads_set(int32_t count) {
    return guarded([&] { at::set_num_interop_threads(count); });
}

mt_status mt_deterministic_set(bool enabled) {
    return guarded([&] { at::globalContext().setDeterministicAlgorithms(enabled, /*warn_only=*/false); });
}

}  // extern "C"
