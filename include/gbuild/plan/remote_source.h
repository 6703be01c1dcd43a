// Sources that are elsewhere: files on the web and git repositories, told apart as BuildKit does.
#pragma once

#include <compare>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace gbuild::plan {

struct WebSource {
    std::string url;  // http:// or https://, without a fragment

    auto operator<=>(const WebSource&) const = default;
};

// git://…, ssh://…, USER@HOST:PATH, and http(s)://….git, each with an optional ?KEY=VALUE&… and #REF:SUBDIRECTORY.
struct GitSource {
    std::string url;                        // without query and fragment
    std::string ref;                        // branch, tag, full name, or commit; "": the remote's HEAD
    std::string subdirectory;               // "": everything
    std::string commit = {};                // id or first digits (lower case) of the commit the ref must be at; "": any
    std::optional<bool> keep_git_dir = {};  // nullopt: as the flag or build argument says
    bool with_submodules = true;
    bool has_commit_time = false;  // files are as old as the commit, but no newer than the epoch

    auto operator<=>(const GitSource&) const = default;
};

using RemoteSource = std::variant<WebSource, GitSource>;

// Whether a word of ADD, or a build context, is elsewhere. "github.com/…" is a repository as a build context only.
bool is_remote_source(std::string_view text);
bool is_remote_context(std::string_view text);

// nullopt: a path. Throws usage, without a place, for a git URL whose query has unknown, repeated or contradicting keys
// or bad values.
std::optional<RemoteSource> parse_remote_source(std::string_view text);
std::optional<RemoteSource> parse_remote_context(std::string_view text);

// Whether `text` is a commit's id, or its first digits.
bool is_commit_prefix(std::string_view text);

// The name of the file that a URL stands for, percent signs resolved: its path's last component; "" when that is none.
std::string file_name_of(const WebSource& source);

// A source as it was written, with "***" for the user name and password in a URL.
std::string without_login(std::string_view source);

// For messages: without what may be a secret, user information and queries.
std::string shown(const RemoteSource& source);

}  // namespace gbuild::plan
