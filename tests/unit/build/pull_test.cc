// Builds from a registry whose answers, or whose leftovers in the store, are not what they should be.
#include <cstdio>

#include <fmt/format.h>

#include "gbuild/store/store.h"
#include "support/catch.h"
#include "support/fake_registry.h"
#include "support/small_disk.h"
#include "support/tar_builder.h"
#include "workshop.h"

using namespace gbuild;
using namespace gbuild::build::testing;
using gbuild::test::FakeRegistry;
using gbuild::test::TarBuilder;
namespace faults = gbuild::test::faults;

namespace {

// What has just got a name in this directory is removed at once, as by somebody who empties the store.
fs::path emptied_at_once;

std::string noise(size_t size) {
    std::string text(size, '\0');
    uint32_t state = 1;
    for (char& c : text) c = static_cast<char>((state = state * 1664525 + 1013904223) >> 24);
    return text;
}

// The documents of an image with one layer, a tar.
struct OneLayer {
    explicit OneLayer(std::string layer) : tar(std::move(layer)) {
        config = fmt::format(
            R"({{"architecture":"amd64","os":"linux","config":{{}},"rootfs":{{"type":"layers","diff_ids":["{}"]}}}})",
            Digest::of(tar).text());
        manifest = fmt::format(R"({{"schemaVersion":2,"mediaType":"{0}manifest.v1+json",)"
                               R"("config":{{"mediaType":"{0}config.v1+json","digest":"{1}","size":{2}}},)"
                               R"("layers":[{{"mediaType":"{0}layer.v1.tar","digest":"{3}","size":{4}}}]}})",
                               "application/vnd.oci.image.", Digest::of(config).text(), config.size(),
                               Digest::of(tar).text(), tar.size());
    }

    std::string tar, config, manifest;
};

OneLayer sample_image() {
    return OneLayer(TarBuilder()
                        .file("etc/passwd", "app:x:1234:77::/:/bin/sh\n")
                        .file("noise", noise(700'000))
                        .file("last", "the end")
                        .finish());
}

// A base image in a registry, and builds that start from it.
class PullShop : public Workshop {
  public:
    explicit PullShop(OneLayer image = sample_image()) : base(std::move(image)) {
        registry.add_blob(base.tar);
        registry.add_blob(base.config);
        registry.add_manifest("base", "latest", base.manifest);
        file("copied", "copied contents");
    }

    build::BuildOptions from_base(std::string_view steps = "COPY copied /copied\n") const {
        auto options = this->options(fmt::format("FROM {}\n{}", registry.reference("base"), steps));
        options.registry.first_delay = std::chrono::milliseconds(1);
        write_file_atomically(context().parent_path() / "auth.json", "{}");
        options.registry.authfile = context().parent_path() / "auth.json";
        return options;
    }
    build::BuildResult build_on_base() { return build::run_build(from_base(), events, {}); }
    void check_image() const {
        CHECK(content("last") == "the end");
        CHECK(content("copied") == "copied contents");
    }

    fs::path store() const { return context().parent_path() / "store"; }
    fs::path blob() const { return store() / "blobs/sha256" / layer().hex(); }
    fs::path partial() const { return store() / "tmp" / fmt::format("sha256-{}.partial", layer().hex()); }
    Digest layer() const { return Digest::of(base.tar); }
    size_t layer_requests() const { return registry.requests("blobs/" + layer().text()).size(); }
    std::vector<fs::path> packs() const {
        std::vector<fs::path> found;
        for (const auto& entry : fs::directory_iterator(store() / "packs")) found.push_back(entry.path());
        return found;
    }
    // What an earlier run left, before there is a store.
    void leave(const fs::path& path, std::string_view bytes) const {
        store::Store made(store());
        write_file_atomically(path, bytes);
    }
    bool noticed(const std::string& text) const {
        auto notices = events.all<Notice>();
        return std::any_of(notices.begin(), notices.end(),
                           [&](const Notice& notice) { return notice.message.find(text) != std::string::npos; });
    }

    OneLayer base;
    FakeRegistry registry;
};

Error error_of(const std::function<void()>& body) {
    try {
        body();
    } catch (const Error& error) {
        return error;
    }
    FAIL("nothing thrown");
    throw std::logic_error("unreachable");
}

}  // namespace

// In place of the C library's, for the whole program.
extern "C" int rename(const char* from, const char* to) noexcept {
    if (::renameat(AT_FDCWD, from, AT_FDCWD, to) != 0) return -1;
    if (!emptied_at_once.empty() && fs::path(to).parent_path() == emptied_at_once) ::unlink(to);
    return 0;
}

TEST_CASE("contents are in the image though their packs are gone from the store at once") {
    PullShop shop;
    emptied_at_once = shop.store() / "packs";
    shop.build_on_base();
    emptied_at_once.clear();
    CHECK(shop.packs().empty());
    shop.check_image();
}

TEST_CASE("a disk that is full while packing is said with its place") {
    Workshop shop;
    shop.file("big", noise(2'000'000));
    auto options = shop.options("FROM scratch\nCOPY big /big\n");
    fs::create_directory(options.store_root);
    test::on_small_disk(options.store_root, "size=1m", [&] {
        const Error error = error_of([&] { build::run_build(options, shop.events, {}); });
        return error.kind() == ErrorKind::no_space && error.hint().find("--root") != std::string::npos &&
               !error.context().empty() && error.context()[0].find(options.store_root.native()) != std::string::npos;
    });
}
