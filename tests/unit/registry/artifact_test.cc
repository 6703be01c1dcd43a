#include <fcntl.h>

#include <fmt/format.h>

#include "client_fixture.h"
#include "gbuild/registry/artifact.h"

using namespace gbuild;
using namespace gbuild::registry;

namespace {

// A cache of one pack, in a registry and in a directory: what holds for one holds for the other.
class ArtifactFixture : public ClientFixture {
  public:
    ArtifactFixture() : pack(noise(100'000)) { cache.layers = {describe(pack, "application/vnd.gbuild.pack.v1")}; }

    std::unique_ptr<ImageDestination> target(bool local) {
        return local ? open_layout_destination(folder(), "main") : destination(registry.reference("app", "main"));
    }
    std::unique_ptr<ImageSource> source(bool local) {
        return local ? open_oci_layout(folder(), "main") : image(registry.reference("app", "main"));
    }
    Digest push(bool local) {
        auto to = target(local);
        to->put_blob(cache.layers[0], TextContent(pack), {});
        return put_artifact(*to, oci::cache_artifact, cache, config, {});
    }
    std::string folder() const { return (directory() / "layout").native(); }

    FakeRegistry registry;
    std::string pack, config = R"({"steps":[]})";
    oci::Artifact cache;
};

}  // namespace

TEST_CASE_METHOD(ArtifactFixture, "an artifact comes back as it was sent") {
    for (bool local : {false, true}) {
        CAPTURE(local);
        Digest digest = push(local);
        auto from = source(local);
        FetchedArtifact fetched = fetch_artifact(*from, oci::cache_artifact, {});
        CHECK(fetched.digest == digest);
        CHECK(fetched.config == config);
        REQUIRE(fetched.manifest.layers.size() == 1);
        UniqueFd file = anonymous_file(directory());
        fetch_to_file(*from, fetched.manifest.layers[0], file.get(), {});
        CHECK(read_text(file.get(), pack.size(), "pack") == pack);
    }
}

TEST_CASE_METHOD(ArtifactFixture, "a config blob that is there is not sent again") {
    push(false);
    push(false);
    size_t uploads = 0;
    for (const auto& request : registry.requests("uploads/")) uploads += request.method == "POST";
    CHECK(uploads == 3);  // the pack twice
}

TEST_CASE_METHOD(ArtifactFixture, "an image is not a gbuild cache") {
    registry.add_manifest("app", "main",
                          R"({"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json"})");
    auto error = error_of([&] { fetch_artifact(*source(false), oci::cache_artifact, {}); });
    CHECK(error.kind() == ErrorKind::unsupported);
    CHECK(error.message() == registry.reference("app", "main") + " is not a gbuild cache: it is an image");
}

TEST_CASE_METHOD(ArtifactFixture, "a cache that is not there is not_found") {
    CHECK(error_of([&] { fetch_artifact(*source(false), oci::cache_artifact, {}); }).kind() == ErrorKind::not_found);
    open_layout_destination(folder(), "other");
    CHECK(error_of([&] { fetch_artifact(*source(true), oci::cache_artifact, {}); }).kind() == ErrorKind::not_found);
}

TEST_CASE_METHOD(ArtifactFixture, "a damaged config blob is found out") {
    push(false);
    push(true);
    registry.fault("blobs/" + Digest::of(config).text(), faults::corrupt(3));
    CHECK(error_of([&] { fetch_artifact(*source(false), oci::cache_artifact, {}); }).kind() == ErrorKind::integrity);
    std::string path = folder() + "/blobs/sha256/" + std::string(Digest::of(config).hex());
    write_file_atomically(path, std::string(config.size(), 'x'));
    CHECK(error_of([&] { fetch_artifact(*source(true), oci::cache_artifact, {}); }).kind() == ErrorKind::integrity);
}

TEST_CASE_METHOD(ArtifactFixture, "a damaged or short layer is found out") {
    push(false);
    UniqueFd file = anonymous_file(directory());
    registry.fault("blobs/", faults::corrupt(50'000));
    auto from = source(false);
    auto error = error_of([&] { fetch_to_file(*from, cache.layers[0], file.get(), {}); });
    CHECK(error.kind() == ErrorKind::integrity);
    CHECK(error.message() == fmt::format("blob {} of {} does not have the digest that it was fetched by",
                                         Digest::of(pack).text(), registry.reference("app", "main")));
}

TEST_CASE_METHOD(ArtifactFixture, "a text beyond its cap is not fetched") {
    push(false);
    size_t before = registry.requests().size();
    auto error = error_of([&] { fetch_text(*source(false), cache.layers[0], 99'999, {}); });
    CHECK(error.kind() == ErrorKind::limit);
    CHECK(registry.requests().size() == before);
    CHECK(fetch_text(*source(false), cache.layers[0], 100'000, {}) == pack);
}
