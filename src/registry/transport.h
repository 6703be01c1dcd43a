// HTTP exchanges over libcurl: what is sent, what comes back, and what went wrong underneath HTTP.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "curl_handle.h"
#include "gbuild/registry/blob_content.h"
#include "gbuild/registry/host_settings.h"
#include "gbuild/registry/url.h"

namespace gbuild::registry {

class Headers {
  public:
    void add(std::string_view name, std::string_view value);
    // The first of this name (lower case); nullopt when there is none.
    std::optional<std::string> find(std::string_view name) const;
    std::vector<std::string> all(std::string_view name) const;

  private:
    std::vector<std::pair<std::string, std::string>> fields_;  // names in lower case
};

// What a request carries: a stretch of a blob, read while it is sent, and again when it has to be sent again.
struct RequestBody {
    const BlobContent* content;
    uint64_t offset = 0;
    uint64_t size = 0;
    std::function<void(uint64_t sent)> progress;  // of this body; may be empty
};

struct Request {
    Url url;
    std::vector<std::string> headers;  // "Accept: …"
    std::string authorization;         // the header's value; empty: none
    std::optional<std::string> form;   // makes it a POST of this body, form-encoded unless a header says otherwise
    std::string method = "GET";        // "HEAD"; with a body "POST", "PUT", "PATCH"
    std::optional<RequestBody> body = std::nullopt;
};

struct Response {
    int status = 0;
    Headers headers;
    Url url;                 // that answered
    bool elsewhere = false;  // it is of another origin than the one asked first
    std::string error_body;  // of anything but 2xx, cut to a size fit for messages

    bool ok() const { return status >= 200 && status < 300; }
};

// Takes the body of a 2xx answer. May throw; the exchange then ends with that exception.
class BodyReceiver {
  public:
    virtual ~BodyReceiver() = default;
    // Once, before the first byte, also when there is none.
    virtual void start(const Response&) {}
    virtual void write(std::span<const std::byte> bytes) = 0;
};

// Keeps a body in memory; more than `cap` bytes are a limit error that names `what`.
class TextReceiver : public BodyReceiver {
  public:
    TextReceiver(size_t cap, std::string what) : cap_(cap), what_(std::move(what)) {}
    void start(const Response&) override { text_.clear(); }
    void write(std::span<const std::byte> bytes) override;
    std::string take() { return std::move(text_); }

  private:
    size_t cap_;
    std::string what_;
    std::string text_;
};

// What a transfer's bodies must make, on average of each window, once their first bytes are there.
struct MeanSpeed {
    uint64_t bytes_per_second = 0;  // 0: anything will do
    std::chrono::milliseconds window{120'000};
};

struct Timeouts {
    std::chrono::milliseconds connect;
    std::chrono::seconds stall;
    MeanSpeed mean_speed = {};
};

Timeouts timeouts_of(const ClientOptions& options);

// Thread-safe: every exchange has a connection of its own while it lasts.
class Transport {
  public:
    Transport(Timeouts timeouts, HostSettings& hosts) : timeouts_(timeouts), hosts_(hosts) {}

    // One exchange; redirects are answers like others. Throws network (TransientError where another try may help),
    // interrupted, and what the receiver throws.
    Response send(const Request& request, BodyReceiver& receiver, const std::stop_token& stop);
    // As send(), following redirects: Authorization stays behind when the origin changes, https never becomes http,
    // a form is not sent on, another body only where the status says so (307, 308).
    Response send_following(Request request, BodyReceiver& receiver, const std::stop_token& stop);

    HostSettings& hosts() { return hosts_; }

  private:
    CurlHeaderList set_up(CurlHandle& handle, const Request& request);
    static void set_up_body(CurlHandle& handle, const Request& request);
    void set_up_tls(CurlHandle& handle, const Url& url);
    static void set_up_proxy(CurlHandle& handle, const Url& url);

    Timeouts timeouts_;
    HostSettings& hosts_;
    HandlePool pool_;
};

}  // namespace gbuild::registry
