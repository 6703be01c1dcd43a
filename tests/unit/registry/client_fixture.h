// What the client's tests share: a client without delays, a sink in memory, an auth file.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "gbuild/base/atomic_file.h"
#include "gbuild/base/blob_sink.h"
#include "gbuild/base/error.h"
#include "gbuild/base/fd.h"
#include "gbuild/registry/client.h"
#include "support/catch.h"
#include "support/fake_registry.h"

namespace gbuild::registry {

using test::FakeRegistry;
using test::Login;
namespace faults = test::faults;

class MemorySink : public BlobSink {
  public:
    uint64_t received() const override { return bytes_.size(); }
    void append(std::span<const std::byte> bytes) override {
        bytes_ += as_text(bytes);
        if (on_append) on_append();
    }
    void restart() override { bytes_.clear(); }
    const std::string& bytes() const { return bytes_; }
    void hold(std::string bytes) { bytes_ = std::move(bytes); }

    std::function<void()> on_append;

  private:
    std::string bytes_;
};

// A client whose retries wait a millisecond and which knows no credentials but those given.
class ClientFixture {
  public:
    inline static const std::string manifest = R"({"schemaVersion":2})";  // one that nobody looks into

    ClientFixture() {
        options.authfile = directory_.path() / "auth.json";
        options.first_delay = std::chrono::milliseconds(1);
        options.notice = [this](const std::string& text) {
            std::lock_guard lock(mutex_);
            notices_.push_back(text);
        };
        auth_file("{}");
    }
    void auth_file(const std::string& json) { write_file_atomically(*options.authfile, json); }
    void login(const std::string& host, const std::string& username, const std::string& password) {
        auth_file(R"({"auths":{")" + host + R"(":{"username":")" + username + R"(","password":")" + password + "\"}}}");
    }
    std::unique_ptr<ImageSource> image(const std::string& reference) {
        if (!client_) client_ = std::make_unique<Client>(options);
        return client_->image(oci::Reference::parse(reference));
    }
    std::unique_ptr<ImageDestination> destination(const std::string& reference) {
        if (!client_) client_ = std::make_unique<Client>(options);
        return client_->destination(oci::Reference::parse(reference));
    }
    std::string pull_manifest(const std::string& reference) { return image(reference)->root_manifest({}).json; }
    std::string pull_blob(const std::string& reference, const Digest& digest, uint64_t size) {
        MemorySink sink;
        image(reference)->fetch_blob(blob(digest, size), sink, {});
        return sink.bytes();
    }
    static oci::Descriptor blob(const Digest& digest, uint64_t size) {
        oci::Descriptor out;
        out.media_type = "application/vnd.oci.image.layer.v1.tar+gzip";
        out.digest = digest;
        out.size = size;
        return out;
    }
    std::vector<std::string> notices() const {
        std::lock_guard lock(mutex_);
        return notices_;
    }
    const std::filesystem::path& directory() const { return directory_.path(); }

    ClientOptions options;  // before the first image() or destination()

  private:
    TempDir directory_;
    mutable std::mutex mutex_;
    std::vector<std::string> notices_;
    std::unique_ptr<Client> client_;
};

// What the registry's token service was asked for.
inline std::vector<test::HttpRequest> token_requests(const FakeRegistry& registry) {
    auto all = registry.server().requests();
    std::erase_if(all, [](const test::HttpRequest& request) { return request.path != "/token"; });
    return all;
}

// The error that `body` throws; the test fails when there is none.
template <class Body>
Error error_of(Body&& body) {
    try {
        body();
    } catch (const Error& error) {
        return error;
    }
    FAIL("no error was thrown");
    throw std::logic_error("unreachable");
}

// Bytes without a pattern that a wrong offset could hide in.
inline std::string noise(size_t size) {
    std::string out(size, '\0');
    uint32_t state = 12345;
    for (auto& c : out) {
        state = state * 1664525 + 1013904223;
        c = static_cast<char>(state >> 24);
    }
    return out;
}

}  // namespace gbuild::registry
