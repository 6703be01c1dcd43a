// The error that something throws.
#pragma once

#include <stdexcept>

#include "gbuild/base/error.h"
#include "support/catch.h"

namespace gbuild::publish {

// The test fails when there is none.
template <class Body>
Error failure_of(Body&& body) {
    try {
        body();
    } catch (const Error& error) {
        return error;
    }
    FAIL("no error was thrown");
    throw std::logic_error("unreachable");
}

}  // namespace gbuild::publish
