// Giving a build's step results and packs to other machines (--cache-to).
#pragma once

#include <vector>

#include "gbuild/bases/base_pulls.h"
#include "gbuild/engine/build.h"
#include "gbuild/steps/cache_import.h"
#include "stages.h"

namespace gbuild::build {

struct ExportJob {
    const BuildOptions& options;
    const plan::Plan& plan;
    const BaseImages& bases;
    Stages& stages;  // that have run
    CacheImport& imported;
    registry::Client& client;
    const store::Store& store;
    EventSink& events;
    std::stop_token stop;
};

// Writes every cache that the options name. Throws what sending fails with, except for those whose errors are to be
// ignored: these are warned of.
void export_caches(const ExportJob& job);

}  // namespace gbuild::build
