// What `gbuild inspect` tells of a .gvmi.
#pragma once

#include <string>
#include <vector>

#include "gbuild/cli/json_text.h"
#include "gbuild/golem/container_config.h"
#include "gbuild/pack/image_reader.h"

namespace gbuild::cli {

struct ImageFacts {
    std::string file;
    uint64_t size = 0;
    std::string sha3;
    pack::SuperblockFacts squashfs;
    std::string trailer_json;
    golem::TrailerConfig trailer;
    std::vector<Warning> contract;  // what golem::check_contract() finds
};

std::string facts_text(const ImageFacts& facts);
Json facts_json(const ImageFacts& facts);

// What templates have of it, named as docker names it where that has it, and the names.
Json facts_fields(const ImageFacts& facts);
std::vector<std::string> fact_fields();

}  // namespace gbuild::cli
