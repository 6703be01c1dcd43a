#include "gbuild/plan/remote_source.h"

#include <algorithm>

#include <fmt/format.h>

#include "gbuild/base/percent.h"
#include "gbuild/base/text.h"
#include "git_query.h"

namespace gbuild::plan {

namespace {

bool has_scheme(std::string_view text, std::string_view scheme) {
    return equal_ignoring_case(text.substr(0, scheme.size()), scheme);
}

bool is_word(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
               c == '.';
    });
}

// USER@HOST:PATH, as ssh has it.
bool is_ssh_address(std::string_view text) {
    const size_t at = text.find('@');
    const size_t colon = text.find(':');
    if (at == std::string_view::npos || colon == std::string_view::npos || colon < at) return false;
    return is_word(text.substr(0, at)) && is_word(text.substr(at + 1, colon - at - 1));
}

bool is_web(std::string_view text) { return has_scheme(text, "http://") || has_scheme(text, "https://"); }

// The path of a URL, with neither query nor fragment.
std::string_view path_of(std::string_view url) {
    url = url.substr(0, url.find_first_of("?#"));
    const size_t slash = url.find('/', url.find("://") + 3);
    return slash == std::string_view::npos ? std::string_view() : url.substr(slash);
}

// `with_scheme`: a URL, in whose fragment percent signs count.
GitSource parse_git(std::string_view text, bool with_scheme) {
    const size_t hash = text.find('#');
    const std::string_view before = text.substr(0, hash);
    const size_t question = before.find('?');
    GitSource source{std::string(before.substr(0, question)), "", ""};
    if (hash != std::string_view::npos) {
        read_fragment(source, text.substr(hash + 1), with_scheme ? Fragment::percent_encoded : Fragment::literal);
    }
    if (question != std::string_view::npos) read_query(source, before.substr(question + 1));
    return source;
}

enum class Kind { path, web, git_url, git_over_ssh };

Kind kind_of(std::string_view text) {
    if (has_scheme(text, "git://") || has_scheme(text, "ssh://")) return Kind::git_url;
    if (is_web(text)) return path_of(text).ends_with(".git") ? Kind::git_url : Kind::web;
    return is_ssh_address(text) ? Kind::git_over_ssh : Kind::path;
}

bool is_short_github(std::string_view text) { return text.starts_with("github.com/"); }

// Whether what follows the last colon, if there is one, may be a port.
bool has_port(std::string_view authority) {
    const size_t colon = authority.rfind(':');
    return colon == std::string_view::npos || authority.ends_with(']') ||
           authority.find_first_not_of("0123456789", colon + 1) == std::string_view::npos;
}

}  // namespace

bool is_remote_source(std::string_view text) { return kind_of(text) != Kind::path; }

bool is_remote_context(std::string_view text) { return is_short_github(text) || is_remote_source(text); }

std::optional<RemoteSource> parse_remote_source(std::string_view text) {
    switch (kind_of(text)) {
    case Kind::web: return WebSource{std::string(text.substr(0, text.find('#')))};
    case Kind::git_url: return parse_git(text, true);
    case Kind::git_over_ssh: return parse_git(text, false);
    case Kind::path: break;
    }
    return std::nullopt;
}

std::optional<RemoteSource> parse_remote_context(std::string_view text) {
    if (is_short_github(text)) return parse_git(fmt::format("https://{}", text), true);
    return parse_remote_source(text);
}

std::string file_name_of(const WebSource& source) {
    std::string path = percent_decoded(path_of(source.url), Blank::literal_plus);
    while (path.ends_with('/')) path.pop_back();
    std::string name = path.substr(path.rfind('/') + 1);
    return name == "." || name == ".." || name.find('\0') != std::string::npos ? "" : name;
}

std::string without_login(std::string_view source) {
    const size_t scheme = source.find("://");
    if (scheme == std::string_view::npos || !is_remote_source(source)) return std::string(source);
    const size_t start = scheme + 3;
    const std::string_view authority = source.substr(start, source.find_first_of("/?#", start) - start);
    size_t at = authority.rfind('@');
    if (at == std::string_view::npos && !has_port(authority)) {
        // What stands before the "/" is no host with a port, but a password that should have been written with %2F.
        at = source.substr(start).rfind('@');
    }
    if (at == std::string_view::npos) return std::string(source);
    return fmt::format("{}***{}", source.substr(0, start), source.substr(start + at));
}

std::string shown(const RemoteSource& source) {
    const auto* web = std::get_if<WebSource>(&source);
    const std::string text = without_login(web ? web->url : std::get<GitSource>(source).url);
    return text.substr(0, text.find('?'));
}

}  // namespace gbuild::plan
