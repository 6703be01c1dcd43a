// What helps when the store cannot be written.
#pragma once

#include <filesystem>

#include "gbuild/base/error.h"

namespace gbuild::store {

// Adds the store's path (`where`) and a remedy to a no_space or permission error; leaves others alone.
void explain_write_error(Error& error, const std::filesystem::path& where);

template <class Body>
decltype(auto) explaining(const std::filesystem::path& where, Body&& body) {
    try {
        return std::forward<Body>(body)();
    } catch (Error& error) {
        explain_write_error(error, where);
        throw;
    }
}

}  // namespace gbuild::store
