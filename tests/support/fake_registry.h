// A registry (distribution-spec, pull and push) with a token service, on a FaultServer; faults are scripted per path.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "gbuild/base/digest.h"
#include "support/fault_server.h"

namespace gbuild::test {

// Edits (or replaces) the answer that would be right. See namespace faults for the usual ones.
using Fault = std::function<void(const HttpRequest& request, HttpReply& reply)>;

enum class Login { none, basic, token };

// Set up first, then used. Everything is thread-safe but the public members, which are set before the first
// request.
class FakeRegistry {
  public:
    explicit FakeRegistry(Login login = Login::none);

    std::string host() const { return server_.host(); }
    const FaultServer& server() const { return server_; }
    // "127.0.0.1:PORT/REPOSITORY:TAG"
    std::string reference(const std::string& repository, const std::string& tag = "latest") const;

    // Contents. Blobs and manifests by digest are found in every repository.
    Digest add_blob(std::string bytes);
    Digest add_manifest(const std::string& repository, const std::string& tag, std::string json,
                        std::string media_type = "application/vnd.oci.image.manifest.v1+json");

    // The next (authorised) request for a path that contains `part` gets this fault; several are used up in order, one
    // a request.
    void fault(const std::string& part, Fault fault);
    // The next request with a body for a path that contains `part` is cut off after so many bytes of it, which the
    // registry keeps, as an upload's.
    void cut_body(const std::string& part, size_t bytes);
    // Tokens handed out so far are no good any more.
    void revoke_tokens();

    // What was pushed or added; nullopt when it is not there.
    std::optional<std::string> blob(const Digest& digest) const;
    std::optional<std::string> manifest(const std::string& repository, const std::string& tag) const;

    // Requests under /v2/ other than the ping, whose path contains `part`.
    std::vector<HttpRequest> requests(std::string_view part = "") const;

    std::string username = "bob", password = "secret", identity_token;  // what logs in; no password: anybody
    std::string realm;                                                  // of Login::token; default: own /token
    int expires_in = 300;
    std::string token_member = "token";
    std::string upload_base;        // before "/v2/…" in the Location of uploads: "" or "http://other:1"
    std::string chunk_minimum;      // OCI-Chunk-Min-Length; "" for none
    bool needs_push_scope = false;  // a token that was not asked for with "push" may not write
    bool grants_push = true;        // whether the token service gives such a token

  private:
    struct Document {
        std::string body, media_type;
    };
    HttpReply handle(const HttpRequest& request);
    HttpReply answer(const HttpRequest& request);
    HttpReply content(const HttpRequest& request) const;
    HttpReply begin_upload(const HttpRequest& request);
    HttpReply upload(const HttpRequest& request);
    HttpReply finish_upload(const HttpRequest& request, std::string& held);
    HttpReply put_manifest(const HttpRequest& request);
    HttpReply uploaded(const HttpRequest& request, int status, size_t size) const;
    std::optional<size_t> cut_of(const HttpRequest& request);
    HttpReply token(const HttpRequest& request);
    bool authorized(const HttpRequest& request) const;
    HttpReply challenge(const HttpRequest& request) const;

    Login login_;
    mutable std::mutex mutex_;
    std::map<std::string, Document> documents_;  // "blobs/sha256:…", "REPOSITORY/manifests/TAG"
    std::map<std::string, std::deque<Fault>> faults_;
    std::map<std::string, std::deque<size_t>> cuts_;
    std::map<std::string, std::string> uploads_;  // path → bytes so far
    int token_number_ = 0, first_good_token_ = 1;
    std::set<int> push_tokens_;
    FaultServer server_;  // last: its threads use the rest
};

namespace faults {

Fault status(int status, std::vector<std::pair<std::string, std::string>> headers = {});
Fault no_answer();
Fault cut(size_t body_bytes, Ending how = Ending::close);
Fault corrupt(size_t at);
// The whole body with status 200, whatever range was asked for.
Fault ignore_range(std::string whole);
Fault header(std::string name, std::string value);  // replaces
Fault body(std::string body);
Fault redirect(std::string url, int status = 307);
Fault endless_header();

}  // namespace faults

}  // namespace gbuild::test
