// Prints what every thread of this process is doing, without a debugger.
#pragma once
#include <stdint.h>

// To be called once, before other threads exist: installs the handler by which threads are asked, and one for SIGQUIT that does nothing, so
// that others can see that this program knows what SIGQUIT means. Returns 0 or an error number.
int32_t molt_stacks_prepare(void);

// Writes the stack of each thread but the caller's to `descriptor`. To be called from a thread, not from a handler.
void molt_stacks_write(int32_t descriptor);
