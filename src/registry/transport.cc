#include "transport.h"

#include <fmt/format.h>

#include "exchange.h"
#include "gbuild/base/fd.h"
#include "gbuild/base/text.h"
#include "http_errors.h"
#include "proxy.h"

namespace gbuild::registry {

namespace {

constexpr long receive_buffer = 256L * 1024;
constexpr long send_buffer = 256L * 1024;
constexpr int max_redirects = 8;

bool is_redirect(int status) {
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

// A redirect that is to be followed with the same request.
bool is_for(const Request& request, int status) {
    if (request.form) return false;
    return request.body ? status == 307 || status == 308 : is_redirect(status);
}

Url redirect_target(const Response& response) {
    auto location = response.headers.find("location");
    auto target = location ? response.url.resolve(*location) : std::nullopt;
    if (!target) {
        throw Error(ErrorKind::network,
                    fmt::format("{} redirects to nowhere (status {})", response.url.shown(), response.status));
    }
    if (response.url.scheme == "https" && target->scheme == "http") {
        throw Error(ErrorKind::network,
                    fmt::format("{} redirects from https to plain http, to {}", response.url.shown(), target->shown()))
            .hint("the server must redirect to https");
    }
    return *target;
}

}  // namespace

void Headers::add(std::string_view name, std::string_view value) { fields_.emplace_back(to_lower(name), value); }

std::optional<std::string> Headers::find(std::string_view name) const {
    for (const auto& [field, value] : fields_) {
        if (field == name) return value;
    }
    return std::nullopt;
}

std::vector<std::string> Headers::all(std::string_view name) const {
    std::vector<std::string> out;
    for (const auto& [field, value] : fields_) {
        if (field == name) out.push_back(value);
    }
    return out;
}

void TextReceiver::write(std::span<const std::byte> bytes) {
    if (bytes.size() > cap_ - text_.size()) {
        throw Error(ErrorKind::limit, fmt::format("{} is larger than {}", what_, human_size(cap_)));
    }
    text_ += as_text(bytes);
}

Timeouts timeouts_of(const ClientOptions& options) {
    return {options.connect_timeout, options.stall_timeout, {options.min_speed, options.speed_window}};
}

Response Transport::send(const Request& request, BodyReceiver& receiver, const std::stop_token& stop) {
    auto handle = pool_.take(request.url.origin());
    handle->reset();
    handle->origin = request.url.origin();
    CurlHeaderList headers = set_up(*handle, request);
    Exchange exchange(request, receiver, timeouts_.mean_speed);
    exchange.attach(*handle);
    CURLcode code = handle->run(stop);
    Response response = exchange.finish(code, *handle);
    if (code == CURLE_OK) std::move(handle).keep();
    return response;
}

Response Transport::send_following(Request request, BodyReceiver& receiver, const std::stop_token& stop) {
    const Url asked = request.url;
    for (int hops = 0; hops <= max_redirects; hops++) {
        Response response = send(request, receiver, stop);
        response.elsewhere = !response.url.same_origin(asked);
        if (!is_for(request, response.status)) return response;
        Url target = redirect_target(response);
        if (!target.same_origin(request.url)) request.authorization.clear();
        request.url = std::move(target);
    }
    throw Error(ErrorKind::network, fmt::format("{} redirects more than {} times", request.url.shown(), max_redirects));
}

CurlHeaderList Transport::set_up(CurlHandle& handle, const Request& request) {
    handle.set(CURLOPT_URL, request.url.text().c_str());
    handle.set(CURLOPT_PROTOCOLS_STR, "http,https");
    handle.set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
    handle.set(CURLOPT_PATH_AS_IS, 1L);
    handle.set(CURLOPT_NOSIGNAL, 1L);
    handle.set(CURLOPT_TCP_KEEPALIVE, 1L);
    handle.set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    handle.set(CURLOPT_USERAGENT, "gbuild/" GBUILD_VERSION);
    handle.set(CURLOPT_BUFFERSIZE, receive_buffer);
    handle.set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(timeouts_.connect.count()));
    handle.set(CURLOPT_LOW_SPEED_LIMIT, 1L);
    handle.set(CURLOPT_LOW_SPEED_TIME, static_cast<long>(timeouts_.stall.count()));
    set_up_tls(handle, request.url);
    set_up_proxy(handle, request.url);
    if (request.form) {
        handle.set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.form->size()));
        handle.set(CURLOPT_COPYPOSTFIELDS, request.form->data());
    }
    if (request.method == "HEAD") handle.set(CURLOPT_NOBODY, 1L);
    if (request.body) set_up_body(handle, request);
    CurlHeaderList headers;
    // What a digest covers are the bytes themselves.
    add_header(headers, "Accept-Encoding: identity");
    for (const auto& line : request.headers) add_header(headers, line);
    if (!request.authorization.empty()) add_header(headers, "Authorization: " + request.authorization);
    // The default sends them to the proxy, too.
    handle.set(CURLOPT_HEADEROPT, static_cast<long>(CURLHEADER_SEPARATE));
    handle.set(CURLOPT_HTTPHEADER, headers.get());
    return headers;
}

// For large bodies libcurl asks first ("Expect: 100-continue"), so that a 401 does not cost an upload.
void Transport::set_up_body(CurlHandle& handle, const Request& request) {
    handle.set(CURLOPT_UPLOAD, 1L);
    handle.set(CURLOPT_CUSTOMREQUEST, request.method.c_str());
    handle.set(CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(request.body->size));
    handle.set(CURLOPT_UPLOAD_BUFFERSIZE, send_buffer);
}

void Transport::set_up_tls(CurlHandle& handle, const Url& url) {
    if (url.scheme != "https") return;
    auto tls = hosts_.tls(url);
    handle.set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
    handle.set(CURLOPT_SSL_VERIFYPEER, tls->verify ? 1L : 0L);
    handle.set(CURLOPT_SSL_VERIFYHOST, tls->verify ? 2L : 0L);
    if (!tls->ca_pem.empty()) {
        auto pem = tls->ca_pem;
        curl_blob blob{pem.data(), pem.size(), CURL_BLOB_COPY};
        handle.set(CURLOPT_CAINFO_BLOB, &blob);
    }
    if (!tls->client_certificate.empty()) {
        handle.set(CURLOPT_SSLCERT, tls->client_certificate.c_str());
        handle.set(CURLOPT_SSLKEY, tls->client_key.c_str());
    }
}

void Transport::set_up_proxy(CurlHandle& handle, const Url& url) {
    auto proxy = proxy_for(url);
    handle.set(CURLOPT_PROXY, proxy ? proxy->value.c_str() : "");
    handle.set(CURLOPT_NOPROXY, "");  // or libcurl would read the environment for itself
}

}  // namespace gbuild::registry
