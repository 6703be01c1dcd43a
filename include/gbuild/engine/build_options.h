// All that a build is told. Each part below the engine reads the options of its own subject only.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

#include "gbuild/engine/output_options.h"
#include "gbuild/pack/options.h"
#include "gbuild/sources/source_options.h"
#include "gbuild/steps/cache_options.h"
#include "gbuild/steps/run_options.h"
#include "gbuild/tree/limits.h"

namespace gbuild::build {

struct BuildOptions : SourceOptions, CacheOptions, OutputOptions {
    RunOptions run;
    std::filesystem::path store_root;
    unsigned jobs = 0;  // 0: one a processor
    uint64_t max_files = tree::usual_max_files;
    // Seconds. The Dockerfile's and build arguments' SOURCE_DATE_EPOCH come between the two.
    std::optional<int64_t> timestamp;          // --timestamp
    std::optional<int64_t> environment_epoch;  // SOURCE_DATE_EPOCH of gbuild's own environment
    pack::PackOptions packing;
};

}  // namespace gbuild::build
