#!/bin/bash
# Builds the image that the variables GBUILD_CI_* describe: CONTEXT, FILE, TAG, OUTPUT, ARGS (one option a line), CACHE (a
# directory that the CI system keeps between jobs).
set -euo pipefail
: "${GBUILD_CI_TAG:?GBUILD_CI_TAG is the name and tag of the image}"
output=${GBUILD_CI_OUTPUT:-image.gvmi}
options=(--progress plain -t "$GBUILD_CI_TAG" -o "$output")
if [ -n "${GBUILD_CI_FILE:-}" ]; then options+=(-f "$GBUILD_CI_FILE"); fi
if [ -n "${GBUILD_CI_CACHE:-}" ]; then
    if [ -e "$GBUILD_CI_CACHE/index.json" ]; then options+=(--cache-from "type=local,src=$GBUILD_CI_CACHE"); fi
    options+=(--cache-to "type=local,dest=$GBUILD_CI_CACHE")
fi
while IFS= read -r option; do
    if [ -n "$option" ]; then options+=("$option"); fi
done <<< "${GBUILD_CI_ARGS:-}"

gbuild build "${options[@]}" "${GBUILD_CI_CONTEXT:-.}"

if [ -n "${GITHUB_OUTPUT:-}" ]; then
    {
        echo "image=$output"
        echo "hash=$(openssl dgst -sha3-224 -r "$output" | cut -d ' ' -f 1)"
    } >> "$GITHUB_OUTPUT"
fi
