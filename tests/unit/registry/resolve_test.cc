#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "gbuild/base/error.h"
#include "gbuild/oci/media_type.h"
#include "gbuild/registry/image_source.h"
#include "support/catch.h"

using gbuild::BlobSink;
using gbuild::Digest;
using gbuild::Error;
using gbuild::ErrorKind;
using gbuild::oci::Descriptor;
using gbuild::oci::Platform;
using gbuild::registry::ImageSource;
using gbuild::registry::ManifestDocument;
using gbuild::registry::resolve_image;
using gbuild::registry::ResolvedImage;
using nlohmann::json;
namespace media_type = gbuild::oci::media_type;

namespace {

json descriptor(std::string_view type, const std::string& text) {
    return {{"mediaType", type}, {"digest", Digest::of(text).text()}, {"size", text.size()}};
}

json on(json entry, const std::string& architecture) {
    entry["platform"] = {{"os", "linux"}, {"architecture", architecture}};
    return entry;
}

std::string manifest(const std::string& layer) {
    return json{{"schemaVersion", 2},
                {"mediaType", media_type::oci_manifest},
                {"config", descriptor(media_type::oci_config, "{}")},
                {"layers", {descriptor(media_type::oci_layer, layer)}}}
        .dump();
}

std::string index(std::vector<json> entries) {
    return json{{"schemaVersion", 2}, {"mediaType", media_type::oci_index}, {"manifests", std::move(entries)}}.dump();
}

// Documents in memory, handed out unchecked.
class FakeSource : public ImageSource {
  public:
    explicit FakeSource(ManifestDocument root) : root_(std::move(root)) {}
    FakeSource(std::string root, std::string_view type) : root_{root, std::string(type), Digest::of(root)} {}

    FakeSource& with_blob(const std::string& bytes) {
        blobs_[Digest::of(bytes).text()] = bytes;
        return *this;
    }
    FakeSource& with(std::string text, std::string_view type, std::string_view filed_under = "") {
        Digest digest = Digest::of(filed_under.empty() ? std::string_view(text) : filed_under);
        documents_[digest.text()] = {std::move(text), std::string(type), digest};
        return *this;
    }

    std::string name() const override { return "fake:latest"; }
    ManifestDocument root_manifest(std::stop_token) override { return root_; }
    ManifestDocument manifest(const Descriptor& wanted, std::stop_token) override {
        return documents_.at(wanted.digest.text());
    }
    void fetch_blob(const Descriptor& wanted, BlobSink& sink, std::stop_token) override {
        auto found = blobs_.find(wanted.digest.text());
        if (found != blobs_.end()) sink.append(std::as_bytes(std::span(found->second)));
    }

  private:
    ManifestDocument root_;
    std::map<std::string, ManifestDocument> documents_;
    std::map<std::string, std::string> blobs_;
};

ResolvedImage resolve(FakeSource& source, const std::string& platform = "linux/amd64") {
    return resolve_image(source, Platform::parse(platform), {});
}

Error failure(FakeSource& source) {
    try {
        resolve(source);
    } catch (const Error& error) {
        return error;
    }
    FAIL("resolved");
    throw std::logic_error("unreachable");
}

}  // namespace

TEST_CASE("a lone manifest is the image, whatever platform is wanted") {
    std::string text = manifest("a");
    FakeSource source(text, media_type::oci_manifest);
    ResolvedImage image = resolve(source, "linux/arm64");
    CHECK(image.manifest_json == text);
    CHECK(image.manifest_digest == Digest::of(text));
    CHECK(image.root_digest == image.manifest_digest);
    CHECK(image.manifest.layers.size() == 1);
}

TEST_CASE("an index leads to the platform's manifest, and both digests are told") {
    std::string arm = manifest("arm"), amd = manifest("amd");
    std::string root = index({on(descriptor(media_type::oci_manifest, arm), "arm64"),
                              on(descriptor(media_type::oci_manifest, amd), "amd64")});
    FakeSource source(root, media_type::oci_index);
    source.with(arm, media_type::oci_manifest).with(amd, media_type::oci_manifest);
    CHECK(resolve(source).manifest_json == amd);
    CHECK(resolve(source).manifest_digest == Digest::of(amd));
    CHECK(resolve(source).root_digest == Digest::of(root));
    CHECK(resolve(source, "linux/arm64").manifest_json == arm);
}

TEST_CASE("two indexes in a row are followed, three are not") {
    std::string last = manifest("a");
    std::string inner = index({on(descriptor(media_type::oci_manifest, last), "amd64")});
    std::string outer = index({descriptor(media_type::oci_index, inner)});
    std::string outermost = index({descriptor(media_type::oci_index, outer)});
    FakeSource two(outer, media_type::oci_index);
    two.with(inner, media_type::oci_index).with(last, media_type::oci_manifest);
    CHECK(resolve(two).manifest_json == last);

    FakeSource three(outermost, media_type::oci_index);
    three.with(outer, media_type::oci_index).with(inner, media_type::oci_index).with(last, media_type::oci_manifest);
    CHECK(failure(three).message() == "more than 2 indexes lead to the image");
}

TEST_CASE("a manifest with another digest than its index says is refused") {
    std::string good = manifest("a"), other = manifest("b");
    REQUIRE(good.size() == other.size());
    FakeSource source(index({on(descriptor(media_type::oci_manifest, good), "amd64")}), media_type::oci_index);
    source.with(other, media_type::oci_manifest, good);
    Error error = failure(source);
    CHECK(error.kind() == ErrorKind::integrity);
    CHECK_THAT(error.message(), ContainsSubstring("does not have the digest " + Digest::of(good).text()));
    CHECK(error.context() == std::vector<std::string>{"reading the manifest of fake:latest"});
}

TEST_CASE("a manifest of another size than its index says is refused") {
    std::string text = manifest("a");
    json entry = on(descriptor(media_type::oci_manifest, text), "amd64");
    entry["size"] = text.size() + 1;
    FakeSource source(index({entry}), media_type::oci_index);
    source.with(text, media_type::oci_manifest);
    CHECK(failure(source).kind() == ErrorKind::integrity);
    CHECK_THAT(failure(source).message(), ContainsSubstring("bytes, but should have"));
}

TEST_CASE("a manifest of another type than its index says is refused") {
    std::string text = manifest("a");
    FakeSource source(index({on(descriptor(media_type::docker_list, text), "amd64")}), media_type::oci_index);
    source.with(text, media_type::oci_manifest);
    CHECK(failure(source).kind() == ErrorKind::integrity);
    CHECK_THAT(failure(source).message(), ContainsSubstring("is an image manifest, but its index says"));
}

TEST_CASE("the index's entry, not the transport, says which form a manifest without a type has (S-3)") {
    json document = json::parse(manifest("a"));
    document.erase("mediaType");
    std::string text = document.dump();
    FakeSource source(index({on(descriptor(media_type::docker_manifest, text), "amd64")}), "binary/octet-stream");
    source.with(text, "binary/octet-stream");
    CHECK(resolve(source).manifest.media_type == media_type::docker_manifest);
}

TEST_CASE("the platform that an index names is told, the innermost one's (S-2)") {
    std::string text = manifest("a");
    std::string inner = index({on(descriptor(media_type::oci_manifest, text), "amd64")});
    FakeSource named(index({descriptor(media_type::oci_index, inner)}), media_type::oci_index);
    named.with(inner, media_type::oci_index).with(text, media_type::oci_manifest);
    CHECK(resolve(named).platform == Platform{"linux", "amd64", ""});
    FakeSource nameless(index({descriptor(media_type::oci_manifest, text)}), media_type::oci_index);
    nameless.with(text, media_type::oci_manifest);
    CHECK_FALSE(resolve(nameless).platform);
    CHECK_FALSE(resolve(*std::make_unique<FakeSource>(text, media_type::oci_manifest)).platform);
}

TEST_CASE("an index entry that is no image is refused before it is fetched") {
    FakeSource source(index({on(descriptor("application/vnd.example.thing", "x"), "amd64")}), media_type::oci_index);
    CHECK(failure(source).kind() == ErrorKind::unsupported);
    CHECK_THAT(failure(source).message(), ContainsSubstring("application/vnd.example.thing"));
}

TEST_CASE("a root document that differs from its digest is refused") {
    FakeSource source(ManifestDocument{manifest("a"), std::string(media_type::oci_manifest), Digest::of("other")});
    CHECK(failure(source).kind() == ErrorKind::integrity);
}

TEST_CASE("an absent platform lists what exists") {
    FakeSource source(index({on(descriptor(media_type::oci_manifest, "x"), "s390x")}), media_type::oci_index);
    CHECK(failure(source).kind() == ErrorKind::unsupported);
    CHECK_THAT(failure(source).hint(), ContainsSubstring("linux/s390x"));
}

TEST_CASE("garbage is an integrity error") {
    FakeSource source("not json", media_type::oci_manifest);
    CHECK(failure(source).kind() == ErrorKind::integrity);
}

TEST_CASE("entries without a platform are told apart by their configurations (S-2)") {
    auto config_for = [](const std::string& architecture) {
        return json{{"os", "linux"}, {"architecture", architecture}}.dump();
    };
    auto manifest_of = [&](const std::string& architecture) {
        return json{{"schemaVersion", 2},
                    {"mediaType", media_type::oci_manifest},
                    {"config", descriptor(media_type::oci_config, config_for(architecture))},
                    {"layers", nullptr}}
            .dump();
    };
    std::string arm = manifest_of("arm64"), amd = manifest_of("amd64");
    json attestation = descriptor("application/vnd.example.thing", "x");
    FakeSource source(
        index({attestation, descriptor(media_type::oci_manifest, arm), descriptor(media_type::oci_manifest, amd)}),
        media_type::oci_index);
    source.with(arm, media_type::oci_manifest).with(amd, media_type::oci_manifest);
    source.with_blob(config_for("arm64")).with_blob(config_for("amd64"));
    CHECK(resolve(source).manifest_json == amd);
    CHECK(resolve(source).platform == Platform{"linux", "amd64", ""});
    CHECK(resolve(source, "linux/arm64").manifest_json == arm);
    CHECK_THROWS_WITH(resolve(source, "linux/s390x"), "the image has no linux/s390x variant");
}
