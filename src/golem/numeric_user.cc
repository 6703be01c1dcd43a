#include "gbuild/golem/numeric_user.h"

#include <fmt/format.h>

#include "gbuild/base/error.h"
#include "gbuild/base/text.h"

namespace gbuild::golem {

std::string numeric_user(std::string_view user, const tree::Accounts& accounts) {
    if (user.empty()) return "";
    tree::Owner owner = with_context([&] { return fmt::format("resolving USER {}", quoted(user)); },
                                     [&] { return resolve_owner(user, accounts, tree::LoneUser::primary_group); });
    return fmt::format("{}:{}", owner.uid, owner.gid);
}

}  // namespace gbuild::golem
