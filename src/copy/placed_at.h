// Places in the Dockerfile for errors that have none.
#pragma once

#include <optional>
#include <utility>

#include "gbuild/base/error.h"

namespace gbuild::build {

// Runs `body`; an error that leaves it and has no place gets `span`, if there is one.
template <class Body>
decltype(auto) placed_at(const std::optional<SourceSpan>& span, Body&& body) {
    try {
        return std::forward<Body>(body)();
    } catch (Error& error) {
        if (span && !error.span()) error.at(*span);
        throw;
    }
}

}  // namespace gbuild::build
