// The keys of a plan's steps. Content alone counts: never times, inode numbers, host paths or host owners, nor secrets,
// sockets and proxies.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "gbuild/bases/base_images.h"
#include "gbuild/copy/copy_source.h"
#include "gbuild/pack/options.h"
#include "gbuild/plan/plan.h"
#include "gbuild/sources/remote_sources.h"
#include "gbuild/steps/run_options.h"
#include "gbuild/steps/step_key.h"

namespace gbuild::build {

// What keys are made from besides the plan. All must outlive who uses it.
struct KeyInputs {
    const plan::Plan& plan;
    const BaseImages& bases;
    const ContextDir* context;                                              // null when no step reads it
    const std::map<std::string, std::unique_ptr<ContextDir>>& directories;  // named contexts that are directories
    RemoteSources& sources;                                                 // of ADD
    int64_t epoch = 0;
    const pack::PackOptions& packing;
    const RunOptions& run;
};

// What stands for a finished stage's tree; nullopt while that is not known.
using StageResults = std::function<std::optional<Digest>(size_t stage)>;

// Whether the step can change files, so that its result is worth keeping.
bool has_result(const plan::Step& step);

// What stands for the files that a mount shows of a stage or an image.
using MountContents = std::function<Digest(const plan::RunMount& mount)>;

// Of a step that has_result(), executed after `before` and `config`. nullopt when it reads a stage whose result is not
// known. Throws what reading its sources does. With `contents`, what mounts show counts, not which stage or image it is
// of.
std::optional<StepKey> key_of(const plan::Stage& stage, const plan::Step& step, const oci::ContainerConfig& config,
                              const Digest& before, const StageResults& results, const KeyInputs& inputs,
                              const MountContents& contents = {});

// What stands for the tree of the image.
Digest result_of(const BaseImage& image);

}  // namespace gbuild::build
