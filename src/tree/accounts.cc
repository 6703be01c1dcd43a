#include "gbuild/tree/accounts.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "gbuild/base/error.h"
#include "gbuild/base/text.h"

namespace gbuild::tree {
namespace {

// 2^32 - 1 means "do not change" to chown(2).
constexpr uint64_t max_id = UINT32_MAX - 1;

std::optional<uint32_t> parse_id(std::string_view text) {
    const std::optional<uint64_t> number = parse_decimal(text);
    if (!number || *number > max_id) return std::nullopt;
    return static_cast<uint32_t>(*number);
}

std::string_view take_until(std::string_view& rest, char separator) {
    const size_t end = rest.find(separator);
    const std::string_view taken = rest.substr(0, end);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    return taken;
}

// passwd(5): name:password:uid:gid:comment:home:shell, of which the last three may be missing.
std::optional<User> parse_passwd_line(std::string_view line) {
    const std::vector<std::string> fields = split(line, ':');
    if (fields.size() < 4 || fields[0].empty()) return std::nullopt;
    const std::optional<uint32_t> uid = parse_id(fields[2]);
    const std::optional<uint32_t> gid = parse_id(fields[3]);
    if (!uid || !gid) return std::nullopt;
    return User{*uid, *gid, fields[0], fields.size() > 5 ? fields[5] : std::string()};
}

template <class Matches>
std::optional<User> find_user_where(std::string_view passwd, Matches matches) {
    while (!passwd.empty()) {
        std::optional<User> user = parse_passwd_line(take_until(passwd, '\n'));
        if (user && matches(*user)) return user;
    }
    return std::nullopt;
}

uint32_t resolve_group(std::string_view text, const Accounts& accounts) {
    if (const auto gid = parse_id(text)) return *gid;
    if (const auto gid = find_group(accounts.group, text)) return *gid;
    if (text == "root") return 0;
    if (parse_decimal(text)) {
        throw Error(ErrorKind::dockerfile, fmt::format("group id {} is out of range", text))
            .hint(fmt::format("ids go up to {}", max_id));
    }
    throw Error(ErrorKind::dockerfile, fmt::format("no group {} in the image's /etc/group", gbuild::quoted(text)))
        .hint(fmt::format(
            "create it above this line (RUN groupadd {}, or addgroup on Alpine), take a base image that has "
            "it, or give a number",
            printable(text)));
}

Owner resolve_user(std::string_view text, const Accounts& accounts, LoneUser lone) {
    if (const auto uid = parse_id(text)) {
        if (lone == LoneUser::same_number) return {*uid, *uid};
        const auto known = find_user(accounts.passwd, *uid);
        return {*uid, known ? known->gid : 0};
    }
    if (const auto user = find_user(accounts.passwd, text)) return {user->uid, user->gid};
    if (text == "root") return {0, 0};
    if (parse_decimal(text)) {
        throw Error(ErrorKind::dockerfile, fmt::format("user id {} is out of range", text))
            .hint(fmt::format("ids go up to {}", max_id));
    }
    throw Error(ErrorKind::dockerfile, fmt::format("no user {} in the image's /etc/passwd", gbuild::quoted(text)))
        .hint(fmt::format(
            "create it above this line (RUN useradd {}, or adduser -D on Alpine), take a base image that has "
            "it, or give a number",
            printable(text)));
}

}  // namespace

std::optional<User> find_user(std::string_view passwd, std::string_view name) {
    return find_user_where(passwd, [name](const User& user) { return user.name == name; });
}

std::optional<User> find_user(std::string_view passwd, uint32_t uid) {
    return find_user_where(passwd, [uid](const User& user) { return user.uid == uid; });
}

// group(5): name:password:gid:members.
std::optional<uint32_t> find_group(std::string_view group, std::string_view name) {
    while (!group.empty()) {
        std::string_view line = take_until(group, '\n');
        if (take_until(line, ':') != name || name.empty()) continue;
        take_until(line, ':');
        if (const auto gid = parse_id(take_until(line, ':'))) return gid;
    }
    return std::nullopt;
}

std::vector<uint32_t> groups_of(std::string_view group, std::string_view user) {
    std::vector<uint32_t> groups;
    while (!group.empty()) {
        std::string_view line = take_until(group, '\n');
        take_until(line, ':');
        take_until(line, ':');
        const auto gid = parse_id(take_until(line, ':'));
        const std::vector<std::string> members = split(line, ',');
        if (!gid || std::find(members.begin(), members.end(), user) == members.end()) continue;
        if (std::find(groups.begin(), groups.end(), *gid) == groups.end()) groups.push_back(*gid);
    }
    return groups;
}

Owner resolve_owner(std::string_view text, const Accounts& accounts, LoneUser lone) {
    const size_t colon = text.find(':');
    const std::string_view user = text.substr(0, colon);
    const std::string_view group = colon == std::string_view::npos ? std::string_view() : text.substr(colon + 1);
    if (user.empty() && group.empty()) {
        throw Error(ErrorKind::dockerfile, fmt::format("{} names neither a user nor a group", gbuild::quoted(text)))
            .hint("write USER, USER:GROUP or :GROUP");
    }
    Owner owner;
    if (!user.empty()) owner = resolve_user(user, accounts, lone);
    if (!group.empty()) owner.gid = resolve_group(group, accounts);
    return owner;
}

}  // namespace gbuild::tree
