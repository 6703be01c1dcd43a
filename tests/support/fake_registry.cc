#include "support/fake_registry.h"

#include <algorithm>

#include <fmt/format.h>

#include "gbuild/base/text.h"
#include "gbuild/registry/base64.h"

namespace gbuild::test {

namespace {

HttpReply not_found() {
    HttpReply reply;
    reply.status = 404;
    reply.body = R"({"errors":[{"code":"NOT_FOUND","message":"not here"}]})";
    return reply;
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
    login_(login), server_([this](const HttpRequest& request) { return handle(request); }) {}

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
    return content(request);
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
    return reply;
}

bool FakeRegistry::authorized(const HttpRequest& request) const {
    std::string value = request.header("authorization");
    if (login_ == Login::none) return true;
    if (login_ == Login::basic) return value == "Basic " + registry::base64_encode(username + ":" + password);
    constexpr std::string_view prefix = "Bearer token-";
    if (!value.starts_with(prefix)) return false;
    auto number = parse_decimal(std::string_view(value).substr(prefix.size())).value_or(0);
    return number >= static_cast<uint64_t>(first_good_token_) && number <= static_cast<uint64_t>(token_number_);
}

HttpReply FakeRegistry::challenge(const HttpRequest& request) const {
    HttpReply reply;
    reply.status = 401;
    std::string value = R"(Basic realm="fake registry")";
    if (login_ == Login::token) {
        std::string where = realm.empty() ? fmt::format("http://{}/token", request.header("host")) : realm;
        value = fmt::format(R"(Bearer realm="{}",service="fake",scope="repository:app:pull,push")", where);
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
