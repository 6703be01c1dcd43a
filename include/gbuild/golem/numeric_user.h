// The USER of an image as the VM understands it: numbers.
#pragma once

#include <string>
#include <string_view>

#include "gbuild/tree/accounts.h"

namespace gbuild::golem {

// "name", "name:group", "12", "12:34" … → "uid:gid", by the image's own accounts; "" stays "". A lone user has its
// primary group, and group 0 when the image does not know the number. Throws dockerfile naming who is not in which
// file.
std::string numeric_user(std::string_view user, const tree::Accounts& accounts);

}  // namespace gbuild::golem
