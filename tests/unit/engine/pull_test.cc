// Builds from a registry whose answers, or whose leftovers in the store, are not what they should be.
#include <cstdio>
#include <future>

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
    build::BuildResult build_on_base() { return run_build(from_base(), events); }
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

// A header that no layer may have, so that reading stops at once.
std::string unknown_entry() {
    test::TarFields fields;
    fields.name = "x";
    fields.type = 'Q';
    return test::tar_header(fields);
}

// Hears that a layer could not be read.
struct Awaiting : EventSink {
    void emit(const Event& event) override {
        const auto* notice = std::get_if<Notice>(&event);
        if (notice && notice->message.find("is awaited") != std::string::npos) unreadable.set_value();
    }
    std::promise<void> unreadable;
};

Error build_error(const std::function<void()>& body) {
    try {
        body();
    } catch (const Error& error) {
        return error;
    }
    FAIL("nothing thrown");
    throw std::logic_error("unreachable");
}

void change_byte(const fs::path& path, size_t at) {
    const UniqueFd fd = open_file(path, O_RDWR);
    std::byte byte;
    pread_exact(fd.get(), std::span(&byte, 1), at, "the file");
    byte ^= std::byte{1};
    pwrite_all(fd.get(), std::span(&byte, 1), at);
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

TEST_CASE("a pack that was damaged in the store is made anew, with the same image") {
    PullShop shop;
    auto options = shop.from_base("COPY copied /copied\nUSER app\n");
    run_build(options, shop.events);
    const std::string good = bytes_of(shop.image());
    const size_t at = GENERATE(100u, 300'000u);
    CAPTURE(at);
    size_t changed = 0;
    for (const fs::path& pack : shop.packs()) {
        if (fs::file_size(pack) < at) continue;
        change_byte(pack, at);
        changed++;
    }
    REQUIRE(changed > 0);
    fs::remove(shop.image());
    run_build(options, shop.events);
    CHECK(bytes_of(shop.image()) == good);
    CHECK(shop.noticed("the pack is damaged"));
    CHECK(shop.events.all<Warning>().size() % 2 == 0);  // both builds said the same
    CHECK(shop.layer_requests() == 2);

    Recorder after;
    run_build(options, after);
    for (const Notice& notice : after.all<Notice>()) CHECK(notice.message.find("anew") == std::string::npos);
    CHECK(bytes_of(shop.image()) == good);
}

TEST_CASE("a damaged pack that may not be pulled again is said to be missing") {
    PullShop shop;
    shop.build_on_base();
    for (const fs::path& pack : shop.packs()) change_byte(pack, 100);
    fs::remove(shop.image());
    auto options = shop.from_base();
    options.pull = build::PullPolicy::never;
    const Error error = build_error([&] { run_build(options, shop.events); });
    CHECK(error.kind() == ErrorKind::not_found);
    CHECK_THAT(error.hint(), ContainsSubstring("--pull=never"));
}

TEST_CASE("a stored blob that is damaged is pulled again") {
    PullShop shop;
    std::string bad = shop.base.tar;
    SECTION("at its end") { bad[bad.size() - 1024 - 512] ^= 1; }
    SECTION("so that it cannot be read") { bad.replace(0, 512, unknown_entry()); }
    SECTION("cut short") { bad.resize(1000); }
    shop.leave(shop.blob(), bad);
    shop.build_on_base();
    shop.check_image();
    CHECK(shop.layer_requests() == 1);
    CHECK_FALSE(fs::exists(shop.blob()));
}

TEST_CASE("a stored blob that is as its registry has it is not pulled again for what is in it") {
    PullShop shop{OneLayer(unknown_entry() + std::string(1024, '\0'))};
    shop.leave(shop.blob(), shop.base.tar);
    const Error error = build_error([&] { shop.build_on_base(); });
    CHECK(error.kind() == ErrorKind::unsupported);
    CHECK(shop.layer_requests() == 0);
}

TEST_CASE("what an earlier run left of a download may be wrong") {
    PullShop shop;
    std::string bad = shop.base.tar.substr(0, 100'000);
    SECTION("in contents") { bad[5000] ^= 1; }
    SECTION("in a way that looks like a layer gbuild cannot read") { bad.replace(0, 512, unknown_entry()); }
    shop.leave(shop.partial(), bad);
    shop.build_on_base();
    shop.check_image();
    CHECK(shop.layer_requests() == 2);
}

TEST_CASE("bytes that cannot be read are not kept when the rest does not arrive") {
    PullShop shop;
    const std::string path = "blobs/" + shop.layer().text();
    shop.registry.fault(path, [&](const test::HttpRequest&, test::HttpReply& reply) {
        reply.body.replace(0, 512, unknown_entry());
        reply.cut_after = 50'000;
        reply.ending = test::Ending::close;
    });
    // The download fails only once the reader has.
    Awaiting events;
    shop.registry.fault(path, [&](const test::HttpRequest&, test::HttpReply& reply) {
        events.unreadable.get_future().wait();
        reply = {};
        reply.status = 500;
    });
    auto options = shop.from_base();
    options.registry.max_attempts = 2;
    CHECK(build_error([&] { run_build(options, events); }).kind() == ErrorKind::network);
    CHECK_FALSE(fs::exists(shop.partial()));
    run_build(options, shop.events);
    shop.check_image();
}

TEST_CASE("a download that has to start over in the middle is packed all the same") {
    PullShop shop;
    shop.registry.fault("blobs/" + shop.layer().text(), faults::cut(300'000));
    shop.registry.fault("blobs/" + shop.layer().text(), faults::ignore_range(shop.base.tar));
    shop.build_on_base();
    shop.check_image();
    CHECK(shop.layer_requests() == 2);
}

TEST_CASE("a local image is read without a pull") {
    Workshop shop;
    const OneLayer image = sample_image();
    const fs::path layout = shop.context().parent_path() / "layout";
    fs::create_directories(layout / "blobs/sha256");
    for (const std::string& document : {image.tar, image.config, image.manifest}) {
        write_file_atomically(layout / "blobs/sha256" / Digest::of(document).hex(), document);
    }
    write_file_atomically(layout / "oci-layout", R"({"imageLayoutVersion":"1.0.0"})");
    write_file_atomically(
        layout / "index.json",
        fmt::format(
            R"({{"schemaVersion":2,"manifests":[{{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"{}","size":{}}}]}})",
            Digest::of(image.manifest).text(), image.manifest.size()));
    auto options = shop.options("FROM base\nVOLUME /v\n");
    options.build_contexts["base"] = "oci-layout://" + layout.native();
    options.pull = build::PullPolicy::never;
    run_build(options, shop.events);
    CHECK(shop.content("last") == "the end");
}

TEST_CASE("the failure of one base ends the wait for another") {
    PullShop shop;
    shop.registry.fault("manifests/", faults::cut(0, test::Ending::stall));
    auto options = shop.from_base("COPY --from=other /x /x\n");
    options.build_contexts["other"] = "oci-layout://" + (shop.context() / "none").native();
    CHECK_THROWS_WITH(run_build(options, shop.events), ContainsSubstring("none"));
}

TEST_CASE("a disk that is full while packing is said with its place") {
    Workshop shop;
    shop.file("big", noise(2'000'000));
    auto options = shop.options("FROM scratch\nCOPY big /big\n");
    fs::create_directory(options.store_root);
    test::on_small_disk(options.store_root, "size=1m", [&] {
        const Error error = build_error([&] { run_build(options, shop.events); });
        return error.kind() == ErrorKind::no_space && error.hint().find("--root") != std::string::npos &&
               !error.context().empty() && error.context()[0].find(options.store_root.native()) != std::string::npos;
    });
}
