// The accounts of an image.
#pragma once

#include "gbuild/pack/pack.h"
#include "gbuild/tree/accounts.h"
#include "gbuild/tree/tree.h"

namespace gbuild::build {

// Who the tree's /etc/passwd and /etc/group know.
tree::Accounts read_accounts(const tree::Tree& tree, const pack::PackSet& packs);

}  // namespace gbuild::build
