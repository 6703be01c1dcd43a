// Sources that are elsewhere: files on the web and git repositories, told apart as BuildKit does.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace gbuild::plan {

struct WebSource {
    std::string url;  // http:// or https://, without a fragment
};

// git://…, ssh://…, USER@HOST:PATH, and http(s)://….git, each with an optional #REF:SUBDIRECTORY.
struct GitSource {
    std::string url;           // without the fragment
    std::string ref;           // branch, tag, full name of a reference, or commit; "": the remote's HEAD
    std::string subdirectory;  // "": everything
};

using RemoteSource = std::variant<WebSource, GitSource>;

// nullopt: a path.
std::optional<RemoteSource> parse_remote_source(std::string_view text);

// The same, for what is a build context: "github.com/…" is a repository there, too.
std::optional<RemoteSource> parse_remote_context(std::string_view text);

// The name of the file that a URL stands for, percent signs resolved: its path's last component; "" when that is none.
std::string file_name_of(const WebSource& source);

// A source as it was written, with "***" for the user name and password in a URL.
std::string without_login(std::string_view source);

// For messages: without what may be a secret, user information and queries.
std::string shown(const RemoteSource& source);

}  // namespace gbuild::plan
