#include "gbuild/registry/web.h"

#include <curl/curl.h>

#include <fmt/format.h>

#include "blob_download.h"
#include "gbuild/base/text.h"
#include "gbuild/registry/base64.h"
#include "gbuild/registry/retry.h"
#include "http_errors.h"
#include "transport.h"

namespace gbuild::registry {

namespace {

constexpr int not_modified = 304;

std::string unescaped(std::string_view text) {
    if (text.empty()) return "";
    int length = 0;
    char* raw = curl_easy_unescape(nullptr, text.data(), static_cast<int>(text.size()), &length);
    if (!raw) return std::string(text);
    std::unique_ptr<char, decltype(&curl_free)> owned(raw, curl_free);
    return {raw, static_cast<size_t>(length)};
}

// "Basic …" for "https://user:password@host/…", "" for a URL without user information.
std::string authorization_of(std::string_view url) {
    const size_t start = url.find("://") + 3;
    const std::string_view authority = url.substr(start, url.find_first_of("/?#", start) - start);
    const size_t at = authority.rfind('@');
    if (at == std::string_view::npos) return "";
    const std::string_view user_info = authority.substr(0, at);
    const size_t colon = user_info.find(':');
    const std::string user = unescaped(user_info.substr(0, colon));
    const std::string password = colon == std::string_view::npos ? "" : unescaped(user_info.substr(colon + 1));
    return "Basic " + base64_encode(user + ":" + password);
}

std::optional<std::chrono::seconds> retry_after(const Response& response) {
    auto header = response.headers.find("retry-after");
    return header ? parse_retry_after(*header, std::chrono::system_clock::now()) : std::nullopt;
}

Url url_of(const std::string& text) {
    auto url = Url::parse(text);
    if (url) return *url;
    throw Error(ErrorKind::usage, fmt::format("{} is no URL", quoted(without_user_info(text))))
        .hint("write https://HOST/PATH, with blanks and other special characters as %XX");
}

[[noreturn]] void throw_answer(const Response& response) {
    const std::string message =
        fmt::format("{} cannot be fetched: the server answers with status {}", response.url.shown(), response.status);
    if (is_transient(response.status)) {
        throw TransientError(ErrorKind::network, message, retry_after(response));
    }
    if (is_expired_redirect(response)) {
        TransientError error(ErrorKind::unauthorized, message);
        error.worth_attempts(2).hint("check the URL; what needs a login can be put in the context");
        throw error;
    }
    switch (response.status) {
    case 404:
    case 410: throw Error(ErrorKind::not_found, message).hint("check the URL");
    case 401:
    case 403:
        throw Error(ErrorKind::unauthorized, message)
            .hint("check the URL; what needs a login can be put in the context");
    default: throw Error(ErrorKind::network, message);
    }
}

// Starts the sink over with each answer.
class SinkReceiver : public BodyReceiver {
  public:
    explicit SinkReceiver(BlobSink& sink) : sink_(sink) {}
    void start(const Response&) override { sink_.restart(); }
    void write(std::span<const std::byte> bytes) override { sink_.append(bytes); }

  private:
    BlobSink& sink_;
};

}  // namespace

struct WebClient::State {
    explicit State(ClientOptions given) :
        options(std::move(given)), hosts(options), transport(timeouts_of(options), hosts) {
        policy.max_attempts = options.max_attempts;
        policy.first_delay = options.first_delay;
        policy.max_retry_after = options.max_retry_after;
        policy.notice = options.notice;
    }

    const ClientOptions options;
    HostSettings hosts;
    Transport transport;
    RetryPolicy policy;
};

WebClient::WebClient(ClientOptions options) : state_(std::make_unique<State>(std::move(options))) {}
WebClient::~WebClient() = default;

WebAnswer WebClient::fetch(const WebRequest& request, BlobSink& sink, const std::stop_token& stop) {
    const Request sent{url_of(request.url), request.headers, authorization_of(request.url), request.post};
    Retrier retrier(state_->policy, stop);
    const Response response = retrier.run([&] {
        SinkReceiver receiver(sink);
        Response answer = state_->transport.send_following(sent, receiver, stop);
        if (!answer.ok() && answer.status != not_modified) throw_answer(answer);
        return answer;
    });
    auto header = [&](std::string_view name) { return response.headers.find(name).value_or(""); };
    return {response.status != not_modified, header("etag"), header("last-modified"), header("content-type"),
            response.url.text()};
}

ApiAnswer WebClient::ask(const ApiRequest& request, const std::stop_token& stop) {
    Request sent;
    sent.url = url_of(request.url);
    sent.method = request.method;
    sent.headers = request.headers;
    if (request.body) sent.body = RequestBody{request.body.get(), 0, request.body->size(), request.progress};
    TextReceiver receiver(request.max_answer, "the answer of " + sent.url.authority());
    const Response response = request.body ? state_->transport.send(sent, receiver, stop)
                                           : state_->transport.send_following(sent, receiver, stop);
    return {response.status, response.ok() ? receiver.take() : response.error_body, response.url.text(),
            response.headers.find("location").value_or(""), retry_after(response)};
}

void WebClient::download(const std::string& url, uint64_t size, const std::string& what, BlobSink& sink,
                         const std::stop_token& stop) {
    constexpr int range_not_satisfiable = 416;
    const Url from = url_of(url);
    oci::Descriptor blob;
    blob.size = size;
    BlobDownload download(blob, {from.authority(), what}, sink);
    Retrier retrier(state_->policy, stop);
    const auto get = [&](std::vector<std::string> headers, BodyReceiver& receiver) {
        Request request;
        request.url = from;
        request.headers = std::move(headers);
        Response response = state_->transport.send_following(std::move(request), receiver, stop);
        if (!response.ok() && response.status != range_not_satisfiable) throw_answer(response);
        return response;
    };
    download.run(get, retrier);
}

RetryPolicy WebClient::retry_policy() const { return state_->policy; }

std::optional<int64_t> parse_http_date(std::string_view text) {
    const time_t date = curl_getdate(std::string(text).c_str(), nullptr);
    if (date == -1) return std::nullopt;
    return date;
}

}  // namespace gbuild::registry
