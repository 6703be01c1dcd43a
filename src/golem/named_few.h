// The first few of some names, and how many there are.
#pragma once

#include <string>
#include <vector>

#include <fmt/format.h>

#include "gbuild/base/text.h"

namespace gbuild::golem {

class NamedFew {
  public:
    void add(const std::string& path) {
        if (count_++ < max_named) named_.push_back(quoted('/' + path));
    }
    bool empty() const { return count_ == 0; }
    std::string text() const {
        return join(named_, ", ") + (count_ > max_named ? fmt::format(" and {} more", count_ - max_named) : "");
    }

  private:
    static constexpr size_t max_named = 5;
    std::vector<std::string> named_;
    size_t count_ = 0;
};

}  // namespace gbuild::golem
