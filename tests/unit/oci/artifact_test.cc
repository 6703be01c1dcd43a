#include "gbuild/oci/artifact.h"

#include <functional>

#include <nlohmann/json.hpp>

#include "gbuild/base/error.h"
#include "support/catch.h"

using gbuild::Digest;
using gbuild::Error;
using gbuild::ErrorKind;
using gbuild::oci::Artifact;
using gbuild::oci::artifact_json;
using gbuild::oci::cache_artifact;
using gbuild::oci::parse_artifact;
using nlohmann::json;

namespace {

const std::string image_manifest_type = "application/vnd.oci.image.manifest.v1+json";

gbuild::oci::Descriptor some_blob(const std::string& type, const std::string& bytes) {
    gbuild::oci::Descriptor out;
    out.media_type = type;
    out.digest = Digest::of(bytes);
    out.size = bytes.size();
    return out;
}

Artifact a_cache() {
    Artifact out;
    out.config = some_blob("application/vnd.gbuild.cache.config.v1+json", "{}");
    out.layers = {some_blob("application/vnd.gbuild.pack.v1", "pack"), some_blob("application/json", "step")};
    out.layers[1].annotations = {{"b", "2"}, {"a", "1"}};
    out.annotations = {{"org.opencontainers.image.created", "2024-01-01T00:00:00Z"}};
    return out;
}

json a_document() { return json::parse(artifact_json(cache_artifact, a_cache())); }

Error refusal(const json& document, const std::string& content_type = image_manifest_type) {
    try {
        parse_artifact(cache_artifact, document.dump(), content_type);
    } catch (const Error& error) {
        return error;
    }
    FAIL("no error was thrown");
    throw std::logic_error("unreachable");
}

}  // namespace

TEST_CASE("an artifact is written as an image manifest, sorted and without white space") {
    std::string a = Digest::of("{}").text(), b = Digest::of("pack").text(), c = Digest::of("step").text();
    CHECK(artifact_json(cache_artifact, a_cache()) ==
          R"({"annotations":{"org.opencontainers.image.created":"2024-01-01T00:00:00Z"},)"
          R"("artifactType":"application/vnd.gbuild.cache.v1",)"
          R"("config":{"digest":")" +
              a + R"(","mediaType":"application/vnd.gbuild.cache.config.v1+json","size":2},)" +
              R"("layers":[{"digest":")" + b + R"(","mediaType":"application/vnd.gbuild.pack.v1","size":4},)" +
              R"({"annotations":{"a":"1","b":"2"},"digest":")" + c + R"(","mediaType":"application/json","size":4}],)" +
              R"("mediaType":"application/vnd.oci.image.manifest.v1+json","schemaVersion":2})");
}

TEST_CASE("an artifact is read as it was written") {
    for (const std::string& transport : {image_manifest_type, image_manifest_type + "; charset=utf-8",
                                         std::string("application/json"), std::string()}) {
        Artifact read = parse_artifact(cache_artifact, artifact_json(cache_artifact, a_cache()), transport);
        CHECK(artifact_json(cache_artifact, read) == artifact_json(cache_artifact, a_cache()));
        CHECK(read.layers.at(1).annotations.at("b") == "2");
        CHECK(read.layers.at(0).digest == Digest::of("pack"));
    }
}

TEST_CASE("what is of another kind is no gbuild cache") {
    auto with = [](const char* member, const json& value) {
        json document = a_document();
        document[member] = value;
        return document;
    };
    json image = a_document();
    image.erase("artifactType");
    struct {
        json document;
        std::string why, transport;
    } cases[] = {
        {image, "it is an image", ""},
        {with("artifactType", "application/vnd.example"), "its artifact type is \"application/vnd.example\"", ""},
        {with("manifests", json::array()), "it is an index of images", ""},
        {with("mediaType", "application/vnd.oci.image.index.v1+json"), "it is an index of images", ""},
        {with("mediaType", "application/vnd.docker.distribution.manifest.v2+json"),
         "its media type is \"application/vnd.docker.distribution.manifest.v2+json\"", ""},
        {json::object(), "its media type is \"text/html\"", "text/html; charset=utf-8"},
    };
    for (const auto& [document, why, transport] : cases) {
        Error error = refusal(document, transport);
        CHECK(error.kind() == ErrorKind::unsupported);
        CHECK(error.message() == "is not a gbuild cache: " + why);
    }
}

TEST_CASE("a cache's manifest is read strictly") {
    using Damage = std::function<void(json&)>;
    struct {
        Damage damage;
        ErrorKind kind;
        std::string message;
    } cases[] = {
        {[](json& d) { d["schemaVersion"] = 3; }, ErrorKind::integrity, "schemaVersion: must be 2"},
        {[](json& d) { d.erase("config"); }, ErrorKind::integrity, "config: is missing"},
        {[](json& d) { d["config"]["mediaType"] = "a/b"; }, ErrorKind::integrity, "config.mediaType: must be"},
        {[](json& d) { d["config"]["size"] = 17 << 20; }, ErrorKind::limit, "config.size: a configuration of"},
        {[](json& d) { d["layers"] = nullptr; }, ErrorKind::integrity, "layers: is missing"},
        {[](json& d) { d["layers"][1]["digest"] = "sha256:1"; }, ErrorKind::integrity, "layers[1].digest"},
        {[](json& d) { d["layers"][1]["size"] = -1; }, ErrorKind::integrity, "layers[1].size"},
        {[](json& d) { d["layers"][1]["size"] = int64_t{1} << 41; }, ErrorKind::limit, "layers[1].size: a blob of"},
        {[](json& d) { d["layers"][1]["mediaType"] = ""; }, ErrorKind::integrity, "layers[1].mediaType"},
        {[](json& d) { d["layers"][1]["annotations"] = 1; }, ErrorKind::integrity, "layers[1].annotations"},
        {[](json& d) { d["artifactType"] = 1; }, ErrorKind::integrity, "artifactType: must be a string"},
    };
    for (const auto& [damage, kind, message] : cases) {
        json document = a_document();
        damage(document);
        Error error = refusal(document);
        CHECK(error.kind() == kind);
        CHECK_THAT(error.message(),
                   ContainsSubstring("the manifest of the gbuild cache: ") && ContainsSubstring(message));
    }
    CHECK(refusal(a_document(), "application/vnd.docker.distribution.manifest.v2+json").kind() == ErrorKind::integrity);
    CHECK_THROWS_WITH(parse_artifact(cache_artifact, "{", ""), ContainsSubstring("is not valid JSON"));
    CHECK_THROWS_WITH(parse_artifact(cache_artifact, "[]", image_manifest_type),
                      ContainsSubstring("must be an object"));
}

TEST_CASE("a manifest leads to no other place") {
    json document = a_document();
    document["layers"][0]["urls"] = {"https://example.com/x"};
    CHECK(parse_artifact(cache_artifact, document.dump(), "").layers.at(0).urls.empty());
}

TEST_CASE("more than registries take is neither written nor read") {
    Artifact large = a_cache();
    large.annotations["x"] = std::string(gbuild::oci::max_artifact_manifest, 'x');
    try {
        artifact_json(cache_artifact, large);
        FAIL("no error was thrown");
    } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::limit);
    }
    json document = a_document();
    document["annotations"]["x"] = large.annotations["x"];
    CHECK(refusal(document).kind() == ErrorKind::limit);
}
