// What `gbuild check` reads: no base image, nothing of the store.
#pragma once

#include "gbuild/build/build.h"
#include "gbuild/dockerfile/ast.h"
#include "gbuild/dockerfile/ignore.h"

namespace gbuild::build {

// The Dockerfile that the options name, found and parsed as a build would. Throws not_found, dockerfile.
dockerfile::Dockerfile read_dockerfile(const BuildOptions& options);

// The ignore rules of the context. Throws dockerfile for a malformed pattern.
dockerfile::IgnoreRules read_ignore_rules(const BuildOptions& options);

}  // namespace gbuild::build
