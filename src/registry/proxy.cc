#include "proxy.h"

#include <initializer_list>
#include <string_view>

namespace gbuild::registry {

namespace {

std::string_view behind_scheme(std::string_view value) {
    size_t scheme = value.find("://");
    return scheme == std::string_view::npos ? value : value.substr(scheme + 3);
}

}  // namespace

std::string Proxy::host() const {
    std::string_view rest = behind_scheme(value);
    rest = rest.substr(rest.rfind('@') + 1);
    if (rest.starts_with('[')) return std::string(rest.substr(1, rest.find(']') - 1));
    return std::string(rest.substr(0, rest.find_first_of(":/")));
}

bool Proxy::is_misread() const {
    std::string_view rest = behind_scheme(value);
    size_t at = rest.rfind('@');
    return at != std::string_view::npos && rest.substr(0, at).find_first_of("/?#") != std::string_view::npos;
}

// libcurl reads the same variables but HTTP_PROXY, which servers' CGI scripts must not trust; we are no CGI script.
std::optional<Proxy> proxy_for(const Url& url, const Environment& environment) {
    if (is_loopback(url.host)) return std::nullopt;
    bool tls = url.scheme == "https";
    for (const char* variable :
         {tls ? "https_proxy" : "http_proxy", tls ? "HTTPS_PROXY" : "HTTP_PROXY", "all_proxy", "ALL_PROXY"}) {
        if (auto value = environment(variable)) return Proxy{variable, *value};
    }
    return std::nullopt;
}

}  // namespace gbuild::registry
