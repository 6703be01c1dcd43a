// Two configurations, value by value.
#pragma once

#include <string>
#include <vector>

#include "gbuild/compare/differences.h"

namespace gbuild::compare {

// Of the trailers' JSON. Throws integrity for what is not JSON.
std::vector<ConfigChange> compare_configs(const std::string& a, const std::string& b);

}  // namespace gbuild::compare
