// The ONBUILD triggers of bases.
#pragma once

#include "gbuild/dockerfile/parser.h"
#include "gbuild/plan/plan.h"
#include "stage_graph.h"

namespace gbuild::plan {

// Whether add_triggers() has put any into the stage.
bool has_triggers(const dockerfile::Dockerfile& file, const SourceStage& stage);

// The configuration of the image a stage starts from. An error that has no place gets that of the FROM.
oci::ImageConfig config_of(const dockerfile::Dockerfile& file, const SourceStage& stage, const BaseConfig& base_config);

// Runs `body`, which deals with `instruction`; an error in a trigger names it.
template <class Body>
decltype(auto) naming_trigger(const dockerfile::Instruction& instruction, Body&& body) {
    try {
        return std::forward<Body>(body)();
    } catch (Error& error) {
        if (instruction.is_trigger) error.context(dockerfile::describe_trigger(instruction.original));
        throw;
    }
}

}  // namespace gbuild::plan
