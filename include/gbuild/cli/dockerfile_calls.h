// What `docker build --call=targets` and `--call=outline` tell of a Dockerfile, without building it.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "gbuild/cli/json_text.h"
#include "gbuild/dockerfile/ast.h"

namespace gbuild::cli {

struct TargetInfo {
    std::string name;         // its number when it has none
    std::string base;         // as FROM has it
    std::string description;  // of a comment "# NAME …" right above; may be empty
    bool is_default = false;
};
std::vector<TargetInfo> targets_of(const dockerfile::Dockerfile& file);
std::string targets_text(const std::vector<TargetInfo>& targets);
Json targets_json(const std::vector<TargetInfo>& targets);

struct ParameterInfo {
    std::string name, value, description;
    bool required = false;  // of secrets and ssh
};
// What a build of a target can be given.
struct OutlineInfo {
    TargetInfo target;
    std::vector<ParameterInfo> args, secrets, ssh;
};
// `target` is empty for the last stage, else a name or number. Throws not_found.
OutlineInfo outline_of(const dockerfile::Dockerfile& file, const std::string& target,
                       const std::map<std::string, std::string>& build_args);
std::string outline_text(const OutlineInfo& outline);
Json outline_json(const OutlineInfo& outline);

}  // namespace gbuild::cli
