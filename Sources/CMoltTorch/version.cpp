#include "guard.hpp"
#include "kernels/bfloat.hpp"
#include "kernels/instruction_set.hpp"

#include <ATen/Context.h>
#include <ATen/Version.h>
#include <torch/headeronly/version.h>

#include <string_view>

static_assert(TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 11, "libtorch 2.11 or later is needed");

extern "C" {

int32_t mt_abi_version(void) {
    return MT_ABI_VERSION;
}

const char *mt_torch_version(void) {
    return TORCH_VERSION;
}

mt_status mt_check_runtime(void) {
    return molt::guarded([] {
        // The first line reads "PyTorch built with:", the release is in the build settings further down.
        const std::string settings = at::show_config();
        constexpr std::string_view key = "TORCH_VERSION=";
        const auto start = settings.find(key);
        if (start == std::string::npos) {
            return;
        }
        const auto begin = start + key.size();
        const std::string running = settings.substr(begin, settings.find_first_of(", \n", begin) - begin);
        const std::string built = TORCH_VERSION;
        TORCH_CHECK(
            running.substr(0, built.size()) == built, "libmolt_torch.so was built for libtorch ", built, " but ",
            running, " was loaded: rebuild it with `make -C Sources/CMoltTorch TORCH=<that libtorch>`");
    });
}

bool mt_has_cuda(void) {
    return at::globalContext().hasCUDA() && mt_cuda_device_count() > 0;
}

int32_t mt_cuda_device_count(void) {
    int32_t count = 0;
    molt::guarded([&] {
        if (at::globalContext().hasCUDA()) {
            count = static_cast<int32_t>(at::detail::getCUDAHooks().deviceCount());
        }
    });
    return count;
}

const char *mt_instruction_set(void) {
    static const std::string name = at::get_cpu_capability();
    return name.c_str();
}

const char *mt_kernel_set(void) {
    return molt::instructionSetName();
}

bool mt_multiplies_bfloat(void) {
    return molt::multipliesBfloat();
}

}  // extern "C"
