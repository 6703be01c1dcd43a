// An HTTP/1.1 server on loopback, in this process, that can be told to misbehave.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace gbuild::test {

struct HttpRequest {
    std::string method;
    std::string target;  // as sent: "/v2/?a=b", or absolute through a proxy
    std::string path;    // as sent, without the query
    std::string query;
    std::map<std::string, std::string> headers;  // names in lower case
    std::string body;
    int connection = 0;  // counts from 1: equal numbers came over the same connection
    bool cut = false;    // the connection was closed before the rest of the body came

    std::string header(const std::string& name) const;  // "" when absent
};

// How an answer ends, or fails to.
enum class Ending {
    proper,          // Content-Length says what comes, and it comes
    close,           // after `cut_after` body bytes the connection is closed
    reset,           // the same with a TCP reset
    no_answer,       // the connection is closed before the first byte
    stall,           // the same, but the connection stays open and silent
    endless_header,  // header lines for as long as the client takes them
    unframed,        // no Content-Length: the body ends with the connection
};

struct HttpReply {
    int status = 200;
    std::vector<std::pair<std::string, std::string>> headers;
    std::string body;
    Ending ending = Ending::proper;
    size_t cut_after = 0;
};

// Serves until destroyed: on an ephemeral port of 127.0.0.1, one thread per connection. Thread-safe.
class FaultServer {
  public:
    using Handler = std::function<HttpReply(const HttpRequest&)>;
    // Asked when the head of a request is there: after how many bytes of its body the connection is to be closed. The
    // handler then gets what came, and its answer is for nobody.
    using CutBody = std::function<std::optional<size_t>(const HttpRequest&)>;

    // Both are called from several threads.
    explicit FaultServer(Handler handler, CutBody cut_body = {});
    // Ends all connections, stalled ones too, and waits for their threads.
    ~FaultServer();

    std::string host() const;  // "127.0.0.1:PORT"
    std::string url() const { return "http://" + host(); }

    // All requests so far, in the order of their arrival.
    std::vector<HttpRequest> requests() const;
    // Blocks until `count` requests have arrived.
    void wait_for_requests(size_t count) const;

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace gbuild::test
