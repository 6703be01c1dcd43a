#!/bin/bash
# install.sh DIR: puts gbuild into DIR/bin and on the PATH of later steps. What a cache brought is taken as it is.
set -euo pipefail
source_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
[ $# -eq 1 ] || { echo "usage: install.sh DIR" >&2; exit 2; }
mkdir -p "$1"
directory=$(cd "$1" && pwd)

if ! "$directory/bin/gbuild" version > /dev/null 2>&1; then
    source "$source_dir/tools/lib/common.sh"
    install_packages build
    made=$(mktemp -d)
    "$source_dir/tools/package" -o "$made" tarball
    tar -xzf "$made"/gbuild-*.tar.gz -C "$directory" --strip-components=1
    rm -rf "$made"
fi
# Ubuntu 24.04 lets only programs with a profile make user namespaces. A runner is root's, so one is loaded.
restricted=/proc/sys/kernel/apparmor_restrict_unprivileged_userns
if [ -e /etc/apparmor.d/abi/4.0 ] && [ "$(cat "$restricted" 2> /dev/null || echo 0)" = 1 ] && command -v sudo > /dev/null; then
    sed "s|/usr/bin/gbuild|$directory/{bin/gbuild,lib/gbuild/*}|" "$source_dir/packaging/apparmor/gbuild" |
        sudo tee /etc/apparmor.d/gbuild > /dev/null
    sudo apparmor_parser --replace /etc/apparmor.d/gbuild
fi
if [ -n "${GITHUB_PATH:-}" ]; then echo "$directory/bin" >> "$GITHUB_PATH"; fi
"$directory/bin/gbuild" version | head -n 1
