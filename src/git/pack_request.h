// Asking a server for a pack, and putting what comes into a repository (gitprotocol-pack(5), "Packfile Negotiation").
#pragma once

#include <string>
#include <vector>

#include "advertisement.h"
#include "handles.h"

namespace gbuild::git {

enum class History { none, whole };

struct PackRequest {
    std::vector<std::string> wanted;  // ids of commits or tags; not empty
    // Ids of commits that are here with all of their files, but not their history. Told to the server so that it leaves
    // out what they have; only with History::none.
    std::vector<std::string> present;
    // `none` is a wish: a server that cannot cut history off sends the whole of it.
    History history = History::none;
};

// Throws network for what the server refuses or sends wrong; integrity for a pack that is none; limit; io; and what the
// wire throws.
void receive_pack(git_repository* repository, Wire& wire, const Advertisement& offered, const PackRequest& request,
                  const std::stop_token& stop);

}  // namespace gbuild::git
