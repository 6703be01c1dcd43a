# Shared by the scripts in tools/. Sourced by bash with `set -euo pipefail`.

root_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)

say() { printf '\n\033[1m==> %s\033[0m\n' "$*" | if [ -t 1 ]; then cat; else sed 's/\x1b\[[0-9]*m//g'; fi; }
note() { printf '    %s\n' "$*"; }
die() { printf 'error: %s\n' "$*" >&2; exit 1; }

# Runs a command as root: directly, or through sudo when we are somebody else.
as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif command -v sudo > /dev/null; then
        sudo "$@"
    else
        die "'$*' needs root, and there is no sudo: run this script as root once, or install the packages it names"
    fi
}

# Package names of lists, without their reasons.
package_names() { sed -e 's/#.*//' -e '/^[[:space:]]*$/d' "$@" | awk '{print $1}' | sort -u; }

is_installed() { [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2> /dev/null)" = installed ]; }

# install_packages LIST...: what tools/packages/LIST.txt name and this machine lacks.
install_packages() {
    local lists=() missing=() name
    for name in "$@"; do lists+=("$root_dir/tools/packages/$name.txt"); done
    for name in $(package_names "${lists[@]}"); do
        is_installed "$name" || missing+=("$name")
    done
    if [ ${#missing[@]} -eq 0 ]; then
        note "all packages of tools/packages/{$(IFS=,; echo "$*")}.txt are installed"
        return
    fi
    note "installing with apt-get: ${missing[*]}"
    as_root apt-get update -qq
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" > /dev/null
}

# Processors to use.
processors() { nproc; }

# Waits until COMMAND succeeds, for at most 20 seconds.
wait_for() {
    local tries
    for tries in $(seq 200); do
        if "$@" > /dev/null 2>&1; then return 0; fi
        sleep 0.1
    done
    return 1
}

# is_like_a_disk FOLDER: programs start there, and files keep a user's extended attributes (tmpfs: since Linux 6.6).
is_like_a_disk() {
    local probe status=0
    probe=$(mktemp -p "$1" 2> /dev/null) || return 1
    { cp /bin/true "$probe" && chmod 755 "$probe" && "$probe" &&
        python3 -c 'import os, sys; os.setxattr(sys.argv[1], "user.probe", b"1")' "$probe"; } 2> /dev/null || status=1
    rm -f "$probe"
    return "$status"
}

# Where tests that make and delete files by the hundred thousand do so: in memory, if there is plenty of it, because on a
# disk the deleting can take longer than the tests. TMPDIR decides where it is set.
scratch_parent() {
    local plenty=$((12 * 1024 * 1024)) room free  # KiB
    if [ -n "${TMPDIR:-}" ]; then echo "$TMPDIR"; return; fi
    room=$(df --output=avail -k /dev/shm 2> /dev/null | tail -n 1)
    free=$(sed -nE 's/^MemAvailable: +([0-9]+) kB/\1/p' /proc/meminfo)
    if [ "${room:-0}" -ge "$plenty" ] && [ "${free:-0}" -ge "$plenty" ] && is_like_a_disk /dev/shm; then
        echo /dev/shm
    else
        echo /tmp
    fi
}

# Ends this shell's background jobs; for traps. Succeeds where there are none: `kill` without a process exits with 2, which
# under `set -e` would become the exit code of a script that did well.
end_jobs() {
    local process
    for process in $(jobs -p); do kill "$process" 2> /dev/null || true; done
}
