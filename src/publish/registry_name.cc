#include "gbuild/publish/registry_name.h"

#include <algorithm>

#include <fmt/format.h>

#include "gbuild/base/error.h"
#include "gbuild/base/text.h"

namespace gbuild::publish {

namespace {

constexpr size_t longest_name = 255;

bool is_letter_or_digit(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }
bool is_allowed(char c) { return is_letter_or_digit(c) || c == '-' || c == '_' || c == '.'; }

Error wrong(std::string_view text, std::string_view why) {
    return Error(ErrorKind::usage, fmt::format("{} is not a name in the Golem registry: {}", quoted(text), why))
        .hint("write USER/REPOSITORY:TAG, for example golem/alpine:latest");
}

void check_component(std::string_view whole, std::string_view component, const char* what) {
    if (component.empty()) throw wrong(whole, fmt::format("its {} is empty", what));
    if (!std::all_of(component.begin(), component.end(), is_allowed)) {
        throw wrong(whole,
                    fmt::format("its {} has other characters than letters, digits, \"-\", \"_\" and \".\"", what));
    }
}

}  // namespace

std::string RegistryName::text() const {
    return fmt::format("{}{}{}:{}", user, user.empty() ? "" : "/", repository, tag);
}

RegistryName parse_registry_name(std::string_view text) {
    if (text.size() > longest_name) throw wrong(text.substr(0, 40), "it is too long");
    if (std::count(text.begin(), text.end(), '/') > 1) {
        throw Error(wrong(text, "it has more than one \"/\""))
            .hint("the registry is not part of the name; REGISTRY_URL chooses another one");
    }
    RegistryName name;
    std::string_view rest = text;
    if (const size_t slash = rest.find('/'); slash != std::string_view::npos) {
        name.user = rest.substr(0, slash);
        rest.remove_prefix(slash + 1);
        check_component(text, name.user, "user");
    }
    const size_t colon = rest.find(':');
    name.repository = rest.substr(0, colon);
    name.tag = colon == std::string_view::npos ? "latest" : std::string(rest.substr(colon + 1));
    check_component(text, name.repository, "repository");
    check_component(text, name.tag, "tag");
    if (std::none_of(text.begin(), text.end(), is_letter_or_digit)) throw wrong(text, "it has no letter or digit");
    return name;
}

RegistryName parse_push_name(std::string_view text) {
    RegistryName name = parse_registry_name(text);
    if (name.user.empty()) throw wrong(text, "a name to push to begins with the user whose repository it is");
    return name;
}

}  // namespace gbuild::publish
