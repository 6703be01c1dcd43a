#include "git_token.h"

#include <fmt/format.h>

#include "gbuild/base/text.h"
#include "gbuild/registry/url.h"

namespace gbuild::build {

namespace {

constexpr const char* token_name = "GIT_AUTH_TOKEN";
// Whom tokens belong to, as docker and the common hosts have it.
constexpr const char* token_user = "x-access-token";

bool has_user_info(const std::string& url, size_t authority) {
    return url.substr(authority, url.find('/', authority) - authority).find('@') != std::string::npos;
}

}  // namespace

std::string with_token(const std::string& url, const std::string& home,
                       const std::map<std::string, std::string>& secrets) {
    const auto parsed = registry::Url::parse(url);
    if (!parsed) return url;
    const size_t authority = url.find("://") + 3;
    if (has_user_info(url, authority)) return url;
    const auto named = registry::Url::parse(home);
    if (named && named->scheme == "https" && parsed->scheme != "https") return url;
    auto secret = secrets.find(fmt::format("{}.{}", token_name, parsed->authority()));
    if (secret == secrets.end() && named && named->same_origin(*parsed)) secret = secrets.find(token_name);
    if (secret == secrets.end()) return url;
    const std::string token = registry::percent_encoded(trim(secret->second));
    return fmt::format("{}{}:{}@{}", url.substr(0, authority), token_user, token, url.substr(authority));
}

}  // namespace gbuild::build
