// The trace of a Dockerfile's last build, read before and written after a build.
#pragma once

#include <string>

#include "gbuild/sources/source_options.h"
#include "gbuild/steps/build_trace.h"
#include "gbuild/store/store.h"

namespace gbuild::build {

class TraceKeeper {
  public:
    // All must outlive it.
    TraceKeeper(const store::Store& store, const SourceOptions& options, const plan::Plan& plan);

    const BuildTrace& last() const { return last_; }
    // What a build that goes on or has failed was made of so far. Where that cannot be written, nothing is lost that
    // anybody waits for.
    void keep(BuildTrace trace);

  private:
    const store::Store& store_;
    const plan::Plan& plan_;
    std::string key_;
    BuildTrace last_;
};

}  // namespace gbuild::build
