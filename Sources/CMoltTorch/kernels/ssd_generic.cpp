#define MOLT_ISA generic
#define MOLT_REGISTER 16
#include "ssd_code.hpp"
