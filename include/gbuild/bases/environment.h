// What all of a build works with.
#pragma once

#include <cstdint>
#include <stop_token>
#include <utility>

#include "gbuild/base/events.h"
#include "gbuild/pack/options.h"
#include "gbuild/registry/client.h"
#include "gbuild/store/store.h"
#include "gbuild/tree/limits.h"

namespace gbuild::build {

// All that it refers to must outlive it.
struct Environment {
    const store::Store& store;
    EventSink& events;
    std::stop_token stop;
    registry::Client& client;  // the only one: it keeps connections and tokens
    pack::PackOptions packing;
    unsigned jobs = 1;
    uint64_t max_files = tree::usual_max_files;  // of each tree

    // The same for work that is called off sooner.
    Environment until(std::stop_token sooner) const {
        Environment other = *this;
        other.stop = std::move(sooner);
        return other;
    }
};

}  // namespace gbuild::build
