// Which copy of the kernels runs. libtorch's own choice is taken (ATEN_CPU_CAPABILITY lowers it), so one word
// describes both.
#pragma once
#include <cstdint>
#include <memory>
#include <new>

namespace molt {

enum class InstructionSet { generic, avx2, avx512 };
InstructionSet instructionSet();
const char *instructionSetName();

template <class Code>
const Code &choose(const Code &generic, const Code &avx2, const Code &avx512) {
    switch (instructionSet()) {
    case InstructionSet::avx512:
        return avx512;
    case InstructionSet::avx2:
        return avx2;
    case InstructionSet::generic:
        break;
    }
    return generic;
}

/// Working memory of one thread, aligned to a cache line.
template <class real>
class Scratch {
public:
    explicit Scratch(int64_t count)
        : base(static_cast<real *>(::operator new(sizeof(real) * (count + 16), std::align_val_t(64)))) {}
    ~Scratch() { ::operator delete(base, std::align_val_t(64)); }
    Scratch(const Scratch &) = delete;
    Scratch &operator=(const Scratch &) = delete;
    real *get() const { return base; }

private:
    real *base;
};

}  // namespace molt
