#include "gbuild/plan/remote_source.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "gbuild/base/digest.h"
#include "gbuild/base/text.h"

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

GitSource split_fragment(std::string_view text) {
    const size_t hash = text.find('#');
    GitSource source{std::string(text.substr(0, hash)), "", ""};
    if (hash == std::string_view::npos) return source;
    const std::string_view fragment = text.substr(hash + 1);
    const size_t colon = fragment.find(':');
    source.ref = fragment.substr(0, colon);
    if (colon != std::string_view::npos) source.subdirectory = fragment.substr(colon + 1);
    return source;
}

// Whether what follows the last colon, if there is one, may be a port.
bool has_port(std::string_view authority) {
    const size_t colon = authority.rfind(':');
    return colon == std::string_view::npos || authority.ends_with(']') ||
           authority.find_first_not_of("0123456789", colon + 1) == std::string_view::npos;
}

// "%2F" → "/"; what is no such pair of digits stays.
std::string percent_decoded(std::string_view text) {
    std::string out;
    for (size_t i = 0; i < text.size(); i++) {
        std::byte byte;
        if (text[i] == '%' && i + 2 < text.size() && from_hex(text.substr(i + 1, 2), std::span(&byte, 1))) {
            out += static_cast<char>(byte);
            i += 2;
        } else {
            out += text[i];
        }
    }
    return out;
}

}  // namespace

std::optional<RemoteSource> parse_remote_source(std::string_view text) {
    if (has_scheme(text, "git://") || has_scheme(text, "ssh://")) return split_fragment(text);
    if (is_web(text)) {
        if (path_of(text).ends_with(".git")) return split_fragment(text);
        return WebSource{std::string(text.substr(0, text.find('#')))};
    }
    if (is_ssh_address(text)) return split_fragment(text);
    return std::nullopt;
}

std::optional<RemoteSource> parse_remote_context(std::string_view text) {
    if (text.starts_with("github.com/")) return split_fragment(fmt::format("https://{}", text));
    return parse_remote_source(text);
}

std::string file_name_of(const WebSource& source) {
    std::string path = percent_decoded(path_of(source.url));
    while (path.ends_with('/')) path.pop_back();
    std::string name = path.substr(path.rfind('/') + 1);
    return name == "." || name == ".." || name.find('\0') != std::string::npos ? "" : name;
}

std::string without_login(std::string_view source) {
    const size_t scheme = source.find("://");
    if (scheme == std::string_view::npos || !parse_remote_source(source)) return std::string(source);
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
