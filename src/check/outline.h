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
    // An expansion that fails, as of ${x:?}, leaves the text empty.
    ExpandedText expand(const std::string& text) const;

  private:
    std::map<std::string, std::optional<std::string>> values_;
    char escape_;
};

struct StageOutline {
    const Instruction* from = nullptr;
    std::string name;                       // lower case; may be empty
    std::string base;                       // expanded
    int parent = -1;                        // stage that it is built on
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
    // Built on scratch in the end, so that nothing about it is unknown.
    bool from_scratch(int stage) const { return chain(stage).front()->base == "scratch"; }

    const Dockerfile& file;
    const CheckRequest& request;
    GlobalArgs globals;
    std::vector<StageOutline> stages;
    int target = 0;
};

// The groups of rules, each with a file of its own.
void check_from(const Outline& outline, Report& report);
void check_instructions(const Outline& outline, Report& report);
void check_copies(const Outline& outline, Report& report);
void check_commands(const Outline& outline, Report& report);
void check_packages(const Outline& outline, Report& report);
// Also what the parser and the planner warn of.
void check_plan(const Outline& outline, Report& report);

// Values that let a plan be made where FROM needs a --build-arg.
std::map<std::string, std::string> placeholder_args(const Outline& outline);

}  // namespace gbuild::check
