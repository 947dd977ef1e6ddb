#define MOLT_ISA generic
#define MOLT_REGISTER 16
#include "softmax_code.hpp"
