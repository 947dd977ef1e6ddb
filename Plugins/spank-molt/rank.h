// Between the hooks, which run as root, and what runs with the user's rights: Slurm is known here and there alone.
#pragma once
#include "molt.h"

#include <slurm/spank.h>

bool molt_get(void *spank, const char *name, char *value, size_t size);  // a variable of the job
void molt_start_rank(spank_t spank, struct molt_job *job, const struct molt_settings *settings);
