// What a build made, or would make.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "gbuild/base/digest.h"
#include "gbuild/engine/output_options.h"
#include "gbuild/engine/provenance.h"
#include "gbuild/golem/descriptor.h"
#include "gbuild/oci/image_config.h"
#include "gbuild/plan/plan.h"
#include "gbuild/steps/look_ahead.h"

namespace gbuild::build {

struct BaseUsed {
    std::string reference;
    Digest manifest;
};

struct WrittenOutput {
    ContainerOutput output;
    uint64_t size = 0;        // of the file, or of a directory's files
    Digest config, manifest;  // of images
};

struct BuildResult {
    std::filesystem::path file;  // of the .gvmi, as the next three are; empty when none is written
    uint64_t size = 0;
    std::string sha3;             // 56 hex digits
    std::string image_id;         // 64 hex digits
    oci::ContainerConfig config;  // USER as the trailer has it
    uint32_t inodes = 0;
    std::vector<BaseUsed> bases;
    std::vector<WrittenOutput> container_outputs;
    // When it was asked for and the file was written, not found as an earlier build had left it.
    std::optional<golem::Descriptor> descriptor;
    Provenance provenance;  // of a .gvmi that was written anew; otherwise empty
};

struct PlannedBuild {
    plan::Plan plan;
    std::vector<std::vector<StepOutlook>> outlook;  // by stage and step
};

}  // namespace gbuild::build
