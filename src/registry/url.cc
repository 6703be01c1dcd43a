#include "gbuild/registry/url.h"

#include <arpa/inet.h>
#include <curl/curl.h>

#include <memory>

#include <fmt/format.h>

#include "gbuild/base/text.h"

namespace gbuild::registry {

namespace {

struct UrlCleanup {
    void operator()(CURLU* url) const { curl_url_cleanup(url); }
};
using CurlUrl = std::unique_ptr<CURLU, UrlCleanup>;

struct CurlFree {
    void operator()(char* text) const { curl_free(text); }
};

std::string part(const CurlUrl& url, CURLUPart what, unsigned flags = 0) {
    char* text = nullptr;
    if (curl_url_get(url.get(), what, &text, flags) != CURLUE_OK) return {};
    std::unique_ptr<char, CurlFree> owned(text);
    return text;
}

// Sets (or, on a second call, resolves against what is there).
bool put(const CurlUrl& url, std::string_view text) {
    if (text.find('\0') != std::string_view::npos) return false;
    return curl_url_set(url.get(), CURLUPART_URL, std::string(text).c_str(), CURLU_URLENCODE) == CURLUE_OK;
}

std::optional<Url> taken_apart(const CurlUrl& url) {
    Url out;
    out.scheme = part(url, CURLUPART_SCHEME);
    if (out.scheme != "http" && out.scheme != "https") return std::nullopt;
    out.host = to_lower(part(url, CURLUPART_HOST));
    auto port = parse_decimal(part(url, CURLUPART_PORT, CURLU_DEFAULT_PORT));
    if (out.host.empty() || !port || *port == 0 || *port > 65535) return std::nullopt;
    out.port = static_cast<uint16_t>(*port);
    out.path = part(url, CURLUPART_PATH);
    out.query = part(url, CURLUPART_QUERY);
    return out;
}

uint16_t default_port(std::string_view scheme) { return scheme == "https" ? 443 : 80; }

}  // namespace

std::optional<Url> Url::parse(std::string_view text) {
    CurlUrl url(curl_url());
    if (!url || text.find("://") == std::string_view::npos || !put(url, text)) return std::nullopt;
    return taken_apart(url);
}

std::optional<Url> Url::resolve(std::string_view location) const {
    CurlUrl url(curl_url());
    if (!url || !put(url, text()) || !put(url, location)) return std::nullopt;
    return taken_apart(url);
}

std::string Url::text() const { return query.empty() ? shown() : shown() + "?" + query; }

std::string Url::shown() const { return origin() + path; }

std::string Url::authority() const { return port == default_port(scheme) ? host : fmt::format("{}:{}", host, port); }

std::string site_of(std::string_view host) {
    if (host.ends_with('.')) host.remove_suffix(1);
    std::vector<std::string> labels = split(host, '.');
    bool is_address = host.starts_with('[') || labels.back().find_first_not_of("0123456789") == std::string::npos;
    if (is_address || labels.size() < 2) return {};
    bool likely_suffix = labels.back().size() == 2 && labels[labels.size() - 2].size() <= 3;
    size_t count = likely_suffix ? 3 : 2;
    if (labels.size() < count) return {};
    labels.erase(labels.begin(), labels.end() - static_cast<ptrdiff_t>(count));
    return join(labels, ".");
}

bool is_loopback(std::string_view host) {
    if (host == "localhost" || host == "[::1]") return true;
    in_addr address;
    return inet_pton(AF_INET, std::string(host).c_str(), &address) == 1 && (ntohl(address.s_addr) >> 24) == 127;
}

std::string without_user_info(std::string_view text) {
    size_t scheme = text.find("://");
    size_t start = scheme == std::string_view::npos ? 0 : scheme + 3;
    size_t at = text.rfind('@');
    if (at == std::string_view::npos || at < start) return std::string(text);
    return fmt::format("{}***{}", text.substr(0, start), text.substr(at));
}

std::string percent_encoded(std::string_view text) {
    static constexpr std::string_view unreserved = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    std::string out;
    for (char c : text) {
        if (unreserved.find(c) != std::string_view::npos)
            out += c;
        else
            out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
    return out;
}

}  // namespace gbuild::registry
