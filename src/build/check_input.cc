#include "gbuild/build/check_input.h"

#include "inputs.h"

namespace gbuild::build {

dockerfile::Dockerfile read_dockerfile(const BuildOptions& options) { return load_dockerfile(options); }

dockerfile::IgnoreRules read_ignore_rules(const BuildOptions& options) { return load_ignore_rules(options); }

}  // namespace gbuild::build
