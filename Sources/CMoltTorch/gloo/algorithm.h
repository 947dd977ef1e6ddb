// ProcessGroupGloo.hpp names these types but the wheel leaves Gloo's headers out; it uses them through pointers alone.
#pragma once
#include <cstdint>
#include <string>
