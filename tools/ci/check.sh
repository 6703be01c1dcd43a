#!/bin/bash
# Runs gbuild check in the format that the CI system shows next to the code. Findings do not end the job; GBUILD_CI_STRICT=1
# makes them.
set -euo pipefail
format=text
if [ -n "${GITHUB_ACTIONS:-}" ]; then format=github; fi
if [ -n "${GITLAB_CI:-}" ]; then format=gitlab; fi
file=()
if [ -n "${GBUILD_CI_FILE:-}" ]; then file=(-f "$GBUILD_CI_FILE"); fi

found=12  # gbuild's exit code for findings
code=0
gbuild check --format "$format" "${file[@]}" "${GBUILD_CI_CONTEXT:-.}" || code=$?
if [ "$code" -eq "$found" ] && [ -z "${GBUILD_CI_STRICT:-}" ]; then code=0; fi
exit "$code"
