// Servers that are no registries: files and git repositories on the web, over the same connections, retries, proxies
// and trust as registries.
#pragma once

#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "gbuild/base/blob_sink.h"
#include "gbuild/registry/client.h"

namespace gbuild::registry {

struct WebRequest {
    std::string url;                   // http(s); user information becomes Basic authentication, a fragment is dropped
    std::vector<std::string> headers;  // "Accept: …"
    std::optional<std::string> post;   // makes it a POST of this body
};

struct WebAnswer {
    bool modified = true;  // false: the server says that what `If-None-Match` or `If-Modified-Since` names is right
    std::string etag, last_modified, content_type;  // headers; "" when absent
    std::string url;                                // that answered, after redirects; without user information
};

// Thread-safe.
class WebClient {
  public:
    // Mirrors and credentials of registries have no part in this.
    explicit WebClient(ClientOptions options);
    ~WebClient();

    // The answer's body goes to `sink`, which is started over at each attempt. Redirects are followed, never from https
    // to http; user information stays behind when the origin changes. Throws usage for what is no URL; not_found,
    // unauthorized, network with the status, interrupted, and what the sink throws. Messages show no secrets of URLs.
    WebAnswer fetch(const WebRequest& request, BlobSink& sink, const std::stop_token& stop);

  private:
    struct State;
    std::unique_ptr<State> state_;
};

// An HTTP date, such as Last-Modified, as seconds since the epoch; nullopt when malformed.
std::optional<int64_t> parse_http_date(std::string_view text);

}  // namespace gbuild::registry
