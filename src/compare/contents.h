// Two files' contents, run by run.
#pragma once

#include <optional>
#include <stop_token>

#include "gbuild/base/content_run.h"
#include "gbuild/compare/differences.h"

namespace gbuild::compare {

// nullopt when they are the same. Reads both to their ends. Throws interrupted.
std::optional<ContentChange> compare_contents(RunSource& a, RunSource& b, const std::stop_token& stop);

// Where two sources first differ, or the shorter one ends; nullopt when they are the same.
std::optional<uint64_t> first_difference(RunSource& a, RunSource& b, const std::stop_token& stop);

}  // namespace gbuild::compare
