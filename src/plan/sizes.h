// How much memory planning holds, about: what a small Dockerfile can multiply must be bounded.
#pragma once

#include <cstddef>
#include <string>

#include "gbuild/plan/plan.h"

namespace gbuild::plan {

// A string's text, and what it costs besides in a container.
size_t size_of(const std::string& text);
size_t size_of(const oci::ContainerConfig& config);
// Everything but its configuration.
size_t size_of(const Step& step);

// Sums up what the steps of a plan hold. Every step has the configuration after it, so that is steps × configuration.
class PlanSize {
  public:
    // Throws limit at `span` when the configuration, or everything so far, is more than any honest Dockerfile makes.
    void add(const oci::ContainerConfig& config, size_t rest, const SourceSpan& span);

  private:
    size_t sum_ = 0;
};

}  // namespace gbuild::plan
