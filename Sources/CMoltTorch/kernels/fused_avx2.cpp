#define MOLT_ISA avx2
#define MOLT_REGISTER 32
#include "softmax_code.hpp"
