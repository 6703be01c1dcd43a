// What `gbuild check` reads, and what tells of a Dockerfile that no build can read.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "gbuild/build/build.h"
#include "gbuild/dockerfile/ast.h"
#include "gbuild/dockerfile/ignore.h"

namespace gbuild::build {

// The Dockerfile that the options name, found and parsed as a build would. Throws not_found, dockerfile: then
// `until_error` has the warnings about what stands before the error.
dockerfile::Dockerfile read_dockerfile(const BuildOptions& options, std::vector<Warning>& until_error);

// Emits what read_dockerfile() warns of before it throws; does nothing for a Dockerfile that can be read.
void warn_until_error(const BuildOptions& options, EventSink& events);

// The ignore rules of the context. Throws dockerfile for a malformed pattern.
dockerfile::IgnoreRules read_ignore_rules(const BuildOptions& options);

// The configuration of an image that the store remembers; nullopt for any other. Asks no registry and makes no store
// where there is none.
std::optional<oci::ImageConfig> remembered_config(const BuildOptions& options, const std::string& reference,
                                                  const oci::Platform& platform);

}  // namespace gbuild::build
