// User and group names of an image, from the text of its own /etc/passwd and /etc/group. Never the host's databases.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gbuild::tree {

struct Owner {
    uint32_t uid = 0;
    uint32_t gid = 0;
    auto operator<=>(const Owner&) const = default;
};

struct Accounts {
    std::string passwd;  // file contents; empty when the image has none
    std::string group;
};

// Malformed lines are skipped, the first match wins, numbers above 2^32-2 do not match.
struct User {
    uint32_t uid = 0;
    uint32_t gid = 0;
    std::string name;
    std::string home;
};
std::optional<User> find_user(std::string_view passwd, std::string_view name);
std::optional<User> find_user(std::string_view passwd, uint32_t uid);
// The groups that list `user` as a member, in the order of the file, each once.
std::vector<uint32_t> groups_of(std::string_view group, std::string_view user);
std::optional<uint32_t> find_group(std::string_view group, std::string_view name);

// `--chown` and COPY's owner: "user", "user:group", ":group", names or numbers. A lone name or number of a known user
// gives its primary group, as USER does in docker; for `--chown` a lone id means the group of the same number.
enum class LoneUser { primary_group, same_number };
// Throws dockerfile with a message that names what is missing in which file.
Owner resolve_owner(std::string_view text, const Accounts& accounts, LoneUser lone);

}  // namespace gbuild::tree
