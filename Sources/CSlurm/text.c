#include "molt_slurm.h"
#include "versions.h"

#include <stdlib.h>
#include <string.h>

uint32_t molt_slurm_built_for(void) { return SLURM_VERSION_NUMBER; }

uint32_t molt_slurm_loaded(void) { return (uint32_t)slurm_api_version(); }

void molt_slurm_start(void) {
#if SLURM_VERSION_NUMBER >= SLURM_VERSION_NUM(22, 5, 0)
    slurm_init(NULL);
#endif
}

const char *molt_slurm_error_text(int32_t code) {
    if (code == MOLT_SLURM_NO_REPLY) return "the controller's answer made no sense";
    return slurm_strerror(code);
}

// Out of memory in a helper that can be spared: there is nothing to save.
static void *whole(void *memory) {
    if (!memory) abort();
    return memory;
}

char *molt_copy(const char *text) { return whole(strdup(text ? text : "")); }

char *molt_expand(const char *ranges) {
    if (!ranges || !*ranges) return molt_copy("");
    molt_hostlist hosts = slurm_hostlist_create(ranges);
    if (!hosts) return molt_copy(ranges);
    size_t used = 0, room = 256;
    char *result = whole(malloc(room)), *host;
    result[0] = 0;
    while ((host = slurm_hostlist_shift(hosts))) {
        size_t length = strlen(host);
        while (used + length + 2 > room) result = whole(realloc(result, room *= 2));
        if (used) result[used++] = ',';
        memcpy(result + used, host, length + 1);
        used += length;
        free(host);
    }
    slurm_hostlist_destroy(hosts);
    return result;
}
