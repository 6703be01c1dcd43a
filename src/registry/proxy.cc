#include "proxy.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <initializer_list>
#include <string_view>
#include <vector>

#include "gbuild/base/text.h"

namespace gbuild::registry {

namespace {

std::string_view behind_scheme(std::string_view value) {
    size_t scheme = value.find("://");
    return scheme == std::string_view::npos ? value : value.substr(scheme + 3);
}

// An address' bytes in network order; none for a name.
std::vector<unsigned char> address_bytes(std::string_view text) {
    if (text.starts_with('[') && text.ends_with(']')) text = text.substr(1, text.size() - 2);
    std::vector<unsigned char> bytes(sizeof(in6_addr));
    if (inet_pton(AF_INET6, std::string(text).c_str(), bytes.data()) == 1) return bytes;
    bytes.resize(sizeof(in_addr));
    if (inet_pton(AF_INET, std::string(text).c_str(), bytes.data()) == 1) return bytes;
    return {};
}

bool is_in_network(std::string_view network, const std::vector<unsigned char>& address) {
    const size_t slash = network.find('/');
    const auto base = address_bytes(network.substr(0, slash));
    if (base.empty() || base.size() != address.size()) return false;
    const auto bits = slash == std::string_view::npos ? std::optional<uint64_t>(base.size() * 8)
                                                      : parse_decimal(network.substr(slash + 1));
    if (!bits || *bits > base.size() * 8) return false;
    for (size_t bit = 0; bit < *bits; bit++) {
        const int mask = 0x80 >> (bit % 8);
        if ((base[bit / 8] & mask) != (address[bit / 8] & mask)) return false;
    }
    return true;
}

bool is_named(std::string_view entry, std::string_view host) {
    if (entry == "*") return true;
    const auto address = address_bytes(host);
    if (!address.empty()) return is_in_network(entry, address);
    std::string name = to_lower(entry.substr(entry.starts_with('.') ? 1 : 0));
    if (name.ends_with('.')) name.pop_back();
    if (name.empty()) return false;
    return host == name || host.ends_with('.' + name);
}

}  // namespace

bool is_excepted(std::string_view no_proxy, std::string_view host) {
    if (host.ends_with('.')) host.remove_suffix(1);
    while (!no_proxy.empty()) {
        const size_t end = std::min(no_proxy.find_first_of(", \t"), no_proxy.size());
        if (end > 0 && is_named(no_proxy.substr(0, end), host)) return true;
        no_proxy.remove_prefix(std::min(end + 1, no_proxy.size()));
    }
    return false;
}

bool Proxy::is_misread() const {
    std::string_view rest = behind_scheme(value);
    size_t at = rest.rfind('@');
    return at != std::string_view::npos && rest.substr(0, at).find_first_of("/?#") != std::string_view::npos;
}

// libcurl reads the same variables but HTTP_PROXY, which servers' CGI scripts must not trust; we are no CGI script.
std::optional<Proxy> proxy_for(const Url& url, const Environment& environment) {
    if (is_loopback(url.host)) return std::nullopt;
    for (const char* variable : {"no_proxy", "NO_PROXY"}) {
        if (auto value = environment(variable)) {
            if (is_excepted(*value, url.host)) return std::nullopt;
            break;
        }
    }
    bool tls = url.scheme == "https";
    for (const char* variable :
         {tls ? "https_proxy" : "http_proxy", tls ? "HTTPS_PROXY" : "HTTP_PROXY", "all_proxy", "ALL_PROXY"}) {
        if (auto value = environment(variable)) return Proxy{variable, *value};
    }
    return std::nullopt;
}

}  // namespace gbuild::registry
