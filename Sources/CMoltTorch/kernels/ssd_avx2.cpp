#define MOLT_ISA avx2
#define MOLT_REGISTER 32
#include "ssd_code.hpp"
