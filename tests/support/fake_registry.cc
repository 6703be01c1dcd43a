#include "support/fake_registry.h"

#include <algorithm>

#include <fmt/format.h>

#include "gbuild/base/text.h"
#include "gbuild/registry/base64.h"

namespace gbuild::test {

namespace {

HttpReply error_reply(int status, const std::string& code, const std::string& message) {
    HttpReply reply;
    reply.status = status;
    reply.body = fmt::format(R"({{"errors":[{{"code":"{}","message":"{}"}}]}})", code, message);
    return reply;
}

HttpReply not_found() { return error_reply(404, "NOT_FOUND", "not here"); }

HttpReply created(const Digest& digest) {
    HttpReply reply;
    reply.status = 201;
    reply.headers.emplace_back("Docker-Content-Digest", digest.text());
    return reply;
}

// The value of "NAME=…" in a query, percent-decoded where digests need it.
std::string query_value(std::string_view query, std::string_view name) {
    for (const auto& pair : split(query, '&')) {
        if (!pair.starts_with(std::string(name) + "=")) continue;
        std::string value = pair.substr(name.size() + 1);
        for (size_t at; (at = value.find("%3A")) != std::string::npos;) value.replace(at, 3, ":");
        return value;
    }
    return {};
}

// Applies "Range: bytes=N-" to a whole body.
void apply_range(const HttpRequest& request, HttpReply& reply) {
    std::string value = request.header("range");
    std::string_view range = value;
    if (!range.starts_with("bytes=") || !range.ends_with("-")) return;
    size_t total = reply.body.size();
    uint64_t first = parse_decimal(range.substr(6, range.size() - 7)).value_or(total);
    if (first >= total) {
        reply = {};
        reply.status = 416;
        return;
    }
    reply.status = 206;
    reply.body.erase(0, first);
    reply.headers.emplace_back("Content-Range", fmt::format("bytes {}-{}/{}", first, total - 1, total));
}

}  // namespace

FakeRegistry::FakeRegistry(Login login) :
    login_(login),
    server_([this](const HttpRequest& request) { return handle(request); },
            [this](const HttpRequest& request) { return cut_of(request); }) {}

std::string FakeRegistry::reference(const std::string& repository, const std::string& tag) const {
    return fmt::format("{}/{}:{}", host(), repository, tag);
}

Digest FakeRegistry::add_blob(std::string bytes) {
    Digest digest = Digest::of(bytes);
    std::lock_guard lock(mutex_);
    documents_["blobs/" + digest.text()] = {std::move(bytes), "application/octet-stream"};
    return digest;
}

Digest FakeRegistry::add_manifest(const std::string& repository, const std::string& tag, std::string json,
                                  std::string media_type) {
    Digest digest = Digest::of(json);
    std::lock_guard lock(mutex_);
    documents_["manifests/" + digest.text()] = {json, media_type};
    documents_[fmt::format("{}/manifests/{}", repository, tag)] = {std::move(json), std::move(media_type)};
    return digest;
}

void FakeRegistry::fault(const std::string& part, Fault fault) {
    std::lock_guard lock(mutex_);
    faults_[part].push_back(std::move(fault));
}

void FakeRegistry::cut_body(const std::string& part, size_t bytes) {
    std::lock_guard lock(mutex_);
    cuts_[part].push_back(bytes);
}

std::optional<size_t> FakeRegistry::cut_of(const HttpRequest& request) {
    std::lock_guard lock(mutex_);
    if (request.header("content-length").empty()) return std::nullopt;
    for (auto& [part, queue] : cuts_) {
        if (queue.empty() || request.path.find(part) == std::string::npos) continue;
        size_t bytes = queue.front();
        if (parse_decimal(request.header("content-length")).value_or(0) <= bytes) continue;
        queue.pop_front();
        return bytes;
    }
    return std::nullopt;
}

std::optional<std::string> FakeRegistry::blob(const Digest& digest) const {
    std::lock_guard lock(mutex_);
    auto found = documents_.find("blobs/" + digest.text());
    return found == documents_.end() ? std::nullopt : std::optional(found->second.body);
}

std::optional<std::string> FakeRegistry::manifest(const std::string& repository, const std::string& tag) const {
    std::lock_guard lock(mutex_);
    auto found = documents_.find(fmt::format("{}/manifests/{}", repository, tag));
    return found == documents_.end() ? std::nullopt : std::optional(found->second.body);
}

void FakeRegistry::revoke_tokens() {
    std::lock_guard lock(mutex_);
    first_good_token_ = token_number_ + 1;
}

std::vector<HttpRequest> FakeRegistry::requests(std::string_view part) const {
    auto all = server_.requests();
    std::erase_if(all, [&](const HttpRequest& request) {
        return !request.path.starts_with("/v2/") || request.path == "/v2/" ||
               request.path.find(part) == std::string::npos;
    });
    return all;
}

HttpReply FakeRegistry::handle(const HttpRequest& request) {
    std::lock_guard lock(mutex_);
    HttpReply reply = answer(request);
    if (reply.status == 401 && request.path != "/token") return reply;
    for (auto& [part, queue] : faults_) {
        if (queue.empty() || request.path.find(part) == std::string::npos) continue;
        Fault fault = std::move(queue.front());
        queue.pop_front();
        fault(request, reply);
        break;
    }
    return reply;
}

HttpReply FakeRegistry::answer(const HttpRequest& request) {
    if (request.path == "/token") return token(request);
    if (!authorized(request)) return challenge(request);
    if (request.path == "/v2/") return {};
    if (request.method == "POST") return begin_upload(request);
    if (request.path.find("/blobs/uploads/") != std::string::npos) return upload(request);
    if (request.method == "PUT") return put_manifest(request);
    return content(request);
}

HttpReply FakeRegistry::begin_upload(const HttpRequest& request) {
    if (!request.path.ends_with("/blobs/uploads/")) return not_found();
    std::string path = fmt::format("{}upload-{}", request.path, uploads_.size() + 1);
    uploads_[path];
    HttpRequest there = request;
    there.path = path;
    HttpReply reply = uploaded(there, 202, 0);
    if (!chunk_minimum.empty()) reply.headers.emplace_back("OCI-Chunk-Min-Length", chunk_minimum);
    return reply;
}

// The state of an upload goes back and forth in its Location, as distribution does it.
HttpReply FakeRegistry::uploaded(const HttpRequest& request, int status, size_t size) const {
    HttpReply reply;
    reply.status = status;
    reply.headers.emplace_back("Location", fmt::format("{}{}?_state={}", upload_base, request.path, size));
    reply.headers.emplace_back("Range", fmt::format("0-{}", size == 0 ? 0 : size - 1));
    return reply;
}

HttpReply FakeRegistry::upload(const HttpRequest& request) {
    auto found = uploads_.find(request.path);
    if (found == uploads_.end()) return error_reply(404, "BLOB_UPLOAD_UNKNOWN", "upload unknown");
    std::string& held = found->second;
    if (request.method == "GET") return uploaded(request, 204, held.size());
    if (query_value(request.query, "_state") != std::to_string(held.size())) {
        return error_reply(416, "RANGE_INVALID", "wrong state");
    }
    if (request.method == "PUT") return finish_upload(request, held);
    std::string range = request.header("content-range");
    auto start = parse_decimal(std::string_view(range).substr(0, range.find('-')));
    if (request.method != "PATCH" || start != held.size()) return error_reply(416, "RANGE_INVALID", "wrong range");
    held += request.body;
    return uploaded(request, 202, held.size());
}

HttpReply FakeRegistry::finish_upload(const HttpRequest& request, std::string& held) {
    held += request.body;
    if (request.cut) return {};
    Digest digest = Digest::of(held);
    if (query_value(request.query, "digest") != digest.text()) {
        return error_reply(400, "DIGEST_INVALID", "provided digest did not match uploaded content");
    }
    documents_["blobs/" + digest.text()] = {std::move(held), "application/octet-stream"};
    uploads_.erase(request.path);
    return created(digest);
}

HttpReply FakeRegistry::put_manifest(const HttpRequest& request) {
    size_t at = request.path.find("/manifests/");
    if (at == std::string::npos) return not_found();
    Document document{request.body, request.header("content-type")};
    Digest digest = Digest::of(request.body);
    documents_["manifests/" + digest.text()] = document;
    documents_[request.path.substr(4)] = std::move(document);
    return created(digest);
}

HttpReply FakeRegistry::content(const HttpRequest& request) const {
    std::string path = request.path.substr(std::min<size_t>(request.path.size(), 4));
    auto found = documents_.find(path);
    for (std::string_view kind : {"blobs/", "manifests/"}) {
        size_t at = path.find(kind);
        if (found == documents_.end() && at != std::string::npos) found = documents_.find(path.substr(at));
    }
    if (found == documents_.end()) return not_found();
    HttpReply reply;
    reply.body = found->second.body;
    reply.headers.emplace_back("Content-Type", found->second.media_type);
    reply.headers.emplace_back("Docker-Content-Digest", Digest::of(reply.body).text());
    apply_range(request, reply);
    return reply;
}

HttpReply FakeRegistry::token(const HttpRequest& request) {
    std::string basic = "Basic " + registry::base64_encode(username + ":" + password);
    bool by_identity = !identity_token.empty() && request.method == "POST" &&
                       request.body.find("refresh_token=" + identity_token) != std::string::npos;
    HttpReply reply;
    if (!password.empty() && !by_identity && request.header("authorization") != basic) {
        reply.status = 401;
        return reply;
    }
    reply.body = fmt::format(R"({{"{}":"token-{}","expires_in":{}}})", token_member, ++token_number_, expires_in);
    if (grants_push && request.query.find("push") != std::string::npos) push_tokens_.insert(token_number_);
    return reply;
}

bool FakeRegistry::authorized(const HttpRequest& request) const {
    std::string value = request.header("authorization");
    if (login_ == Login::none) return true;
    if (login_ == Login::basic) return value == "Basic " + registry::base64_encode(username + ":" + password);
    constexpr std::string_view prefix = "Bearer token-";
    if (!value.starts_with(prefix)) return false;
    auto number = parse_decimal(std::string_view(value).substr(prefix.size())).value_or(0);
    bool writes = request.method != "GET" && request.method != "HEAD";
    if (needs_push_scope && writes && !push_tokens_.contains(static_cast<int>(number))) return false;
    return number >= static_cast<uint64_t>(first_good_token_) && number <= static_cast<uint64_t>(token_number_);
}

HttpReply FakeRegistry::challenge(const HttpRequest& request) const {
    HttpReply reply;
    reply.status = 401;
    std::string value = R"(Basic realm="fake registry")";
    if (login_ == Login::token) {
        std::string where = realm.empty() ? fmt::format("http://{}/token", request.header("host")) : realm;
        bool reads = request.method == "GET" || request.method == "HEAD";
        value = fmt::format(R"(Bearer realm="{}",service="fake",scope="repository:app:{}")", where,
                            needs_push_scope && reads ? "pull" : "pull,push");
    }
    reply.headers.emplace_back("WWW-Authenticate", value);
    return reply;
}

namespace faults {

Fault status(int status, std::vector<std::pair<std::string, std::string>> headers) {
    return [=](const HttpRequest&, HttpReply& reply) {
        reply = {};
        reply.status = status;
        reply.headers = headers;
    };
}

Fault no_answer() {
    return [](const HttpRequest&, HttpReply& reply) { reply.ending = Ending::no_answer; };
}

Fault cut(size_t body_bytes, Ending how) {
    return [=](const HttpRequest&, HttpReply& reply) {
        reply.cut_after = body_bytes;
        reply.ending = how;
    };
}

Fault corrupt(size_t at) {
    return [=](const HttpRequest&, HttpReply& reply) { reply.body.at(at) ^= 1; };
}

Fault ignore_range(std::string whole) {
    return [whole = std::move(whole)](const HttpRequest&, HttpReply& reply) {
        reply = {};
        reply.body = whole;
    };
}

Fault header(std::string name, std::string value) {
    return [=](const HttpRequest&, HttpReply& reply) {
        std::erase_if(reply.headers, [&](const auto& field) { return equal_ignoring_case(field.first, name); });
        reply.headers.emplace_back(name, value);
    };
}

Fault body(std::string body) {
    return [body = std::move(body)](const HttpRequest&, HttpReply& reply) { reply.body = body; };
}

Fault redirect(std::string url, int status) {
    return [=](const HttpRequest&, HttpReply& reply) {
        reply = {};
        reply.status = status;
        reply.headers.emplace_back("Location", url);
    };
}

Fault endless_header() {
    return [](const HttpRequest&, HttpReply& reply) { reply.ending = Ending::endless_header; };
}

}  // namespace faults

}  // namespace gbuild::test
