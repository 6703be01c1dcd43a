// What the caller writes about a build, in step with the build's own outputs.
#pragma once

#include "gbuild/engine/build_result.h"

namespace gbuild::build {

// Each is called once, in this order, if nothing has failed so far.
class SideOutput {
  public:
    virtual ~SideOutput() = default;
    // All outputs are written: writes what can still be taken back.
    virtual void write(const BuildResult& result) = 0;
    // The same for what cannot: pipes, devices, standard output.
    virtual void pass_on() = 0;
    // The build's files have got their names.
    virtual void commit() = 0;
};

}  // namespace gbuild::build
