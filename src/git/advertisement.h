// What a server says that it has, before anything is asked for (gitprotocol-pack(5), "Reference Discovery").
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "packets.h"

namespace gbuild::git {

// A reference, or what an annotated tag stands for ("refs/tags/v1^{}").
struct Advertised {
    std::string name;  // "" for a commit that no reference is at
    std::string id;    // of what the name stands for, a commit or a tag: 40 hex digits
};

struct Advertisement {
    std::vector<Advertised> references;
    std::set<std::string, std::less<>> capabilities;

    bool can(std::string_view capability) const { return capabilities.contains(capability); }
    // What `ref` means: HEAD when it is empty, a full name, a branch, a tag, a name below refs/, or a commit's id.
    // Throws not_found, with a likely name.
    Advertised find(const std::string& ref) const;
};

// Throws network; limit; unsupported for repositories whose objects have names of another kind than SHA-1.
Advertisement read_advertisement(PacketReader& from);

bool is_full_id(std::string_view text);

}  // namespace gbuild::git
