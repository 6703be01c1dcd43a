// What decides a step's result, part by part: for finding the result again, and for telling which part is another.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "gbuild/base/digest.h"

namespace gbuild::build {

// Parts have unique names ("ENV PATH", "file src/main.py"); their order does not matter. Values are kept as digests
// only.
class StepKey {
  public:
    using Parts = std::map<std::string, Sha256Sum>;

    void add(std::string name, std::string_view value);
    void add(std::string name, const Sha256Sum& value);
    const Parts& parts() const { return parts_; }
    // The key of the step's result. Equal for equal parts.
    Digest digest() const;

  private:
    Parts parts_;
};

}  // namespace gbuild::build
