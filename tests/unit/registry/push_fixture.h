// A client that sends to a registry of our own.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "client_fixture.h"

namespace gbuild::registry {

class PushFixture : public ClientFixture {
  public:
    PushFixture() : content(noise(200'000)), digest(Digest::of(content)) { options.upload_chunk = 64'000; }

    void push(const FakeRegistry& to, std::string bytes) {
        auto descriptor = blob(Digest::of(bytes), bytes.size());
        TextContent source(std::move(bytes));
        destination(to.reference("app"))->put_blob(descriptor, source, {}, [this](uint64_t sent) { seen = sent; });
    }
    void push() { push(registry, content); }
    bool has(const Digest& wanted, uint64_t size) {
        return destination(registry.reference("app"))->has_blob(blob(wanted, size), {});
    }
    // "POST", "PATCH 0-63999", "PUT 8000": what was asked of the registry, with ranges or sizes of bodies.
    static std::vector<std::string> steps(const FakeRegistry& of) {
        std::vector<std::string> out;
        for (const auto& request : of.requests("blobs/")) {
            std::string range = request.header("content-range");
            std::string length = request.header("content-length");
            out.push_back(request.method);
            if (!range.empty()) out.back() += " " + range;
            if (range.empty() && request.method == "PUT") out.back() += " " + length;
        }
        return out;
    }
    std::vector<std::string> steps() const { return steps(registry); }

    FakeRegistry registry;
    std::string content;
    Digest digest;
    uint64_t seen = 0;
};

using Steps = std::vector<std::string>;

inline const Steps whole_in_chunks = {
    "POST", "PATCH 0-63999", "PATCH 64000-127999", "PATCH 128000-191999", "PATCH 192000-199999", "PUT 0"};

}  // namespace gbuild::registry
