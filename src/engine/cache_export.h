// Giving a build's step results and packs to other machines (--cache-to).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "gbuild/bases/environment.h"
#include "gbuild/oci/artifact.h"
#include "gbuild/registry/image_destination.h"
#include "gbuild/steps/cache_import.h"
#include "gbuild/steps/cache_options.h"
#include "stages.h"

namespace gbuild::build {

struct ExportJob {
    const Environment& env;
    const CacheOptions& options;
    const plan::Plan& plan;
    const BaseImages& bases;
    Stages& stages;  // that have run
    CacheImport& imported;
};

// The caches that the options name. Those whose errors are to be ignored are warned of and left out.
class CacheExports {
  public:
    // Sends everything but what makes a cache another one than before.
    explicit CacheExports(const ExportJob& job);
    // Sends that, too.
    void commit();

  private:
    struct Sent {
        const CacheTarget& target;
        std::unique_ptr<registry::ImageDestination> destination;
        oci::Artifact artifact;
        std::string references;
    };
    template <class Body>
    void attempt(const CacheTarget& target, Body&& body) const;

    const Environment& env_;
    std::vector<Sent> sent_;
};

}  // namespace gbuild::build
