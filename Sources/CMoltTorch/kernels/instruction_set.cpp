#include "instruction_set.hpp"

#include <ATen/Version.h>
#include <torch/library.h>

namespace molt {

InstructionSet instructionSet() {
    static const InstructionSet chosen = [] {
        const std::string name = at::get_cpu_capability();
        const bool avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                            __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
        const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
        if (name == "AVX512" && avx512) return InstructionSet::avx512;
        if ((name == "AVX512" || name == "AVX2") && avx2) return InstructionSet::avx2;
        return InstructionSet::generic;
    }();
    return chosen;
}

const char *instructionSetName() {
    switch (instructionSet()) {
    case InstructionSet::avx512:
        return "avx512";
    case InstructionSet::avx2:
        return "avx2";
    case InstructionSet::generic:
        break;
    }
    return "generic";
}

}  // namespace molt

// For the numerics record: which copy of the CPU kernels this process uses.
TORCH_LIBRARY_FRAGMENT(molt, library) {
    library.def("instruction_set() -> str", [] { return std::string(molt::instructionSetName()); });
}
