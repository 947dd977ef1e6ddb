#define MOLT_ISA avx512
#define MOLT_REGISTER 64
#include "softmax_code.hpp"
