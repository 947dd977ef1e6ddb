# Shared by the set-up scripts: where things lie, and how they talk. Sourced, not run.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
torch_version=2.13.0

# Root's home is closed to the ordinary user that the tests drop to, so root keeps its cache elsewhere.
if [ "$(id -u)" = 0 ]; then default_cache=/var/cache/molt; else default_cache=${XDG_CACHE_HOME:-$HOME/.cache}/molt; fi
cache=${MOLT_CACHE:-$default_cache}

say() { printf '%s\n' "$*" >&2; }

fail() {
    printf 'error: %s\n' "$1" >&2
    shift
    for line in "$@"; do printf '  %s\n' "$line" >&2; done
    exit 1
}

# step "what it does" command...: one line while it runs, its output only when it fails.
step() {
    local what=$1 log status=0 start=$SECONDS
    shift
    log=$(mktemp)
    printf '%s …' "$what" >&2
    "$@" >"$log" 2>&1 &
    local child=$!
    while kill -0 "$child" 2>/dev/null; do
        sleep 1
        [ ! -t 2 ] || printf '\r%s … %s s' "$what" "$((SECONDS - start))" >&2
    done
    wait "$child" || status=$?
    if [ "$status" = 0 ]; then
        [ ! -t 2 ] || printf '\r%s …' "$what" >&2
        printf ' done (%s s)\n' "$((SECONDS - start))" >&2
        rm -f "$log"
    else
        printf ' failed\n' >&2
        tail -n 60 "$log" >&2
        rm -f "$log"
        return "$status"
    fi
}

# The folder that holds include/ and lib/ of libtorch.
torch_folder() {
    if [ -n "${MOLT_TORCH:-}" ]; then printf '%s' "$MOLT_TORCH"; else printf '%s' "$cache/torch-$torch_version/torch"; fi
}
