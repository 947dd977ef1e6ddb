// How the elements of a tensor are stored; kernels compute in float (f32, bf16) or double (f64).
#pragma once
#include <stdint.h>

namespace molt {
enum class Element : int { f32, f64, bf16 };
}
