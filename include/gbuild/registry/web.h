// Servers that are no registries: files and git repositories on the web, over the same connections, retries, proxies
// and trust as registries.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "gbuild/base/blob_sink.h"
#include "gbuild/registry/blob_content.h"
#include "gbuild/registry/client.h"
#include "gbuild/registry/retry.h"

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

// One exchange with an HTTP API.
struct ApiRequest {
    std::string url;
    std::string method = "GET";
    std::vector<std::string> headers;
    std::shared_ptr<const BlobContent> body;      // read while it is sent, and again where it has to be sent again
    std::function<void(uint64_t sent)> progress;  // bytes of the body that this exchange has taken; may be empty
    size_t max_answer = 1u << 20;                 // bytes; a larger body is a limit error
};

struct ApiAnswer {
    int status = 0;
    std::string body;      // of a failure its first 16 KiB
    std::string url;       // that answered, without user information
    std::string location;  // where a redirect that was not followed leads; "" when it does not say
    std::optional<std::chrono::seconds> retry_after;

    bool ok() const { return status >= 200 && status < 300; }
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

    // A single attempt, whatever its status; user information in the URL is not used. Redirects are followed for
    // requests without a body only, so that no secret of a body gets to another place. Throws usage for what is no URL;
    // network, a TransientError where another attempt may help; limit, interrupted, and what the body throws.
    ApiAnswer ask(const ApiRequest& request, const std::stop_token& stop);

    // `size` bytes into `sink`, from where it stands on if the server can do that, over as many attempts as it takes.
    // `what` names them in messages. Throws as fetch() does; integrity when there are more of them.
    void download(const std::string& url, uint64_t size, const std::string& what, BlobSink& sink,
                  const std::stop_token& stop);

    // For what takes several requests.
    RetryPolicy retry_policy() const;

  private:
    struct State;
    std::unique_ptr<State> state_;
};

// An HTTP date, such as Last-Modified, as seconds since the epoch; nullopt when malformed.
std::optional<int64_t> parse_http_date(std::string_view text);

}  // namespace gbuild::registry
