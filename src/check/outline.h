// The stages of a Dockerfile as far as they are plain to see: what each holds and what it is built on.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "gbuild/check/check.h"
#include "gbuild/dockerfile/ast.h"
#include "report.h"

namespace gbuild::check {

using dockerfile::Dockerfile;
using dockerfile::Instruction;

// Text of a FROM with its variables replaced.
struct ExpandedText {
    std::string text;
    std::set<std::string> used;   // names of variables
    std::set<std::string> unset;  // those without a value
};

// The ARGs before the first FROM, and the platform's.
class GlobalArgs {
  public:
    GlobalArgs(const Dockerfile& file, const std::map<std::string, std::string>& build_args);
    bool declared(const std::string& name) const { return values_.contains(name); }
    std::vector<std::string> names() const;  // for suggestions; none when there are too many to look through
    // An expansion that fails, as of ${x:?}, leaves the text empty.
    ExpandedText expand(const std::string& text) const;

  private:
    std::map<std::string, std::optional<std::string>> values_;
    char escape_;
};

struct StageOutline {
    const Instruction* from = nullptr;
    std::string name;  // lower case; may be empty
    std::string base;  // expanded
    int parent = -1;   // stage that it is built on
    // Of the base image, where that is known.
    std::optional<oci::ContainerConfig> base_config;
    std::vector<const Instruction*> steps;  // after FROM
};

struct Outline {
    // Stages that cannot be named get a parent of -1.
    Outline(const Dockerfile& file, const CheckRequest& request);

    // From the stage that is built on no other down to `stage`.
    std::vector<const StageOutline*> chain(int stage) const;
    // All steps of that chain, in order.
    std::vector<const Instruction*> steps_of_chain(int stage) const;
    int stage_of_line(int line) const;
    // What it is built on in the end.
    const StageOutline& root(int stage) const { return *chain(stage).front(); }
    bool from_scratch(int stage) const { return root(stage).base == "scratch"; }
    // Nothing that the stage starts with is unknown.
    bool knows_base(int stage) const { return from_scratch(stage) || root(stage).base_config; }
    bool is_stage_name(const std::string& name) const;

    const Dockerfile& file;
    const CheckRequest& request;
    GlobalArgs globals;
    GlobalArgs defaults;  // without any --build-arg
    std::vector<StageOutline> stages;
    int target = 0;
};

// The groups of rules, each with a file of its own.
void check_from(const Outline& outline, Report& report);
void check_instructions(const Outline& outline, Report& report);
void check_copies(const Outline& outline, Report& report);
void check_commands(const Outline& outline, Report& report);
void check_packages(const Outline& outline, Report& report);
// What the planner warns of. Throws what it does.
void check_plan(const Outline& outline, Report& report);

// A variable that nothing sets in a stage, unless the base image does, which weighs less.
void add_undefined(const Outline& outline, int stage, const Warning& warning, Report& report);
// Such variables in these stages, for plans that had to take them as set.
void check_variables(const Outline& outline, const std::set<int>& stages, Report& report);

// Values that let a plan be made where FROM needs a --build-arg.
std::map<std::string, std::string> placeholder_args(const Outline& outline);

}  // namespace gbuild::check
