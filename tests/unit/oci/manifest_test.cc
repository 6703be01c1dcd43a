#include "gbuild/oci/manifest.h"

#include <nlohmann/json.hpp>

#include "gbuild/base/error.h"
#include "support/catch.h"

using gbuild::Error;
using gbuild::ErrorKind;
using gbuild::oci::choose_platform;
using gbuild::oci::Descriptor;
using gbuild::oci::Index;
using gbuild::oci::Manifest;
using gbuild::oci::parse_manifest;
using gbuild::oci::Platform;
using nlohmann::json;

namespace {

const std::string oci_manifest = "application/vnd.oci.image.manifest.v1+json";
const std::string oci_index = "application/vnd.oci.image.index.v1+json";
const std::string docker_manifest = "application/vnd.docker.distribution.manifest.v2+json";
const std::string docker_list = "application/vnd.docker.distribution.manifest.list.v2+json";

std::string digest_of(char c) { return "sha256:" + std::string(64, c); }

json descriptor(const std::string& type, char c, int64_t size) {
    return {{"mediaType", type}, {"digest", digest_of(c)}, {"size", size}};
}

json oci() {
    return {{"schemaVersion", 2},
            {"mediaType", oci_manifest},
            {"config", descriptor("application/vnd.oci.image.config.v1+json", 'a', 100)},
            {"layers",
             {descriptor("application/vnd.oci.image.layer.v1.tar+gzip", 'b', 200),
              descriptor("application/vnd.oci.image.layer.v1.tar", 'c', 0)}}};
}

json entry(const std::string& os, const std::string& architecture, const std::string& variant, char c) {
    json result = descriptor(oci_manifest, c, 10);
    result["platform"] = {{"os", os}, {"architecture", architecture}};
    if (!variant.empty()) result["platform"]["variant"] = variant;
    return result;
}

// A vector, because compilers differ in what a json of one entry in braces is: that entry, or an array of it.
json index_of(const std::vector<json>& entries) {
    return {{"schemaVersion", 2}, {"mediaType", oci_index}, {"manifests", entries}};
}

Manifest manifest_from(const json& document, const std::string& type = "") {
    return std::get<Manifest>(parse_manifest(document.dump(), type));
}

Index index_from(const json& document) { return std::get<Index>(parse_manifest(document.dump(), "")); }

void check_refused(const json& document, ErrorKind kind, const std::string& message, const std::string& type = "") {
    try {
        parse_manifest(document.dump(), type);
        FAIL("accepted " + document.dump());
    } catch (const Error& error) {
        CHECK(error.kind() == kind);
        CHECK_THAT(error.message(), ContainsSubstring(message));
    }
}

}  // namespace

TEST_CASE("an OCI manifest's config and layers are read in order") {
    Manifest manifest = manifest_from(oci(), oci_manifest);
    CHECK(manifest.media_type == oci_manifest);
    CHECK(manifest.config.digest.text() == digest_of('a'));
    CHECK(manifest.config.size == 100);
    REQUIRE(manifest.layers.size() == 2);
    CHECK(manifest.layers[0].digest.text() == digest_of('b'));
    CHECK(manifest.layers[1].size == 0);
}

TEST_CASE("a docker manifest is read alike") {
    json document = oci();
    document["mediaType"] = docker_manifest;
    document["config"]["mediaType"] = "application/vnd.docker.container.image.v1+json";
    document["layers"][0]["mediaType"] = "application/vnd.docker.image.rootfs.diff.tar.gzip";
    document["layers"][1]["mediaType"] = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip";
    document["layers"][1]["urls"] = {"https://example.com/layer"};
    Manifest manifest = manifest_from(document, docker_manifest);
    CHECK(manifest.layers[1].urls == std::vector<std::string>{"https://example.com/layer"});
}

TEST_CASE("parameters and case of the content type are ignored") {
    CHECK(manifest_from(oci(), "Application/vnd.OCI.image.manifest.v1+json; charset=utf-8").layers.size() == 2);
}

TEST_CASE("whatever the content type, the document says what it is (S-3)") {
    auto type =
        GENERATE(as<std::string>(), "", "application/json", "text/plain; charset=utf-8", "application/octet-stream",
                 "binary/octet-stream", "application/x-www-form-urlencoded", "text/html", "nonsense", docker_manifest,
                 oci_index, docker_list, "application/vnd.docker.distribution.manifest.v1+prettyjws");
    CHECK(manifest_from(oci(), type).media_type == oci_manifest);
    json index = index_of({entry("linux", "amd64", "", 'a')});
    CHECK(std::get<Index>(parse_manifest(index.dump(), type)).media_type == oci_index);
}

TEST_CASE("without any media type the members decide") {
    json document = oci();
    document.erase("mediaType");
    CHECK(manifest_from(document).media_type == oci_manifest);
    json index = index_of(std::vector<json>());
    index.erase("mediaType");
    CHECK(index_from(index).media_type == oci_index);
}

TEST_CASE("where the document has no type, the transport's tells docker's form from OCI's and nothing else (S-3)") {
    json document = oci();
    auto type = GENERATE(as<json>(), json(), json(""));
    document["mediaType"] = type;
    CHECK(manifest_from(document, docker_manifest).media_type == docker_manifest);
    CHECK(manifest_from(document, docker_list).media_type == oci_manifest);
    CHECK(manifest_from(document, "binary/octet-stream").media_type == oci_manifest);
    json index = index_of({entry("linux", "amd64", "", 'a')});
    index["mediaType"] = type;
    CHECK(std::get<Index>(parse_manifest(index.dump(), docker_list)).media_type == docker_list);
    CHECK(std::get<Index>(parse_manifest(index.dump(), docker_manifest)).media_type == oci_index);
}

TEST_CASE("a document that is not what it says it is is refused (S-3)") {
    json document = oci();
    document["mediaType"] = oci_index;
    check_refused(document, ErrorKind::integrity, "says that it is an index, but has an image's configuration");
    json index = index_of({entry("linux", "amd64", "", 'a')});
    index["mediaType"] = docker_manifest;
    check_refused(index, ErrorKind::integrity, "says that it is an image manifest, but has an index's entries");
}

TEST_CASE("null lists are empty lists (S-4)") {
    json document = oci();
    document["layers"] = nullptr;
    document["annotations"] = nullptr;
    document["manifests"] = nullptr;
    document["config"]["annotations"] = document["config"]["urls"] = document["config"]["platform"] = nullptr;
    CHECK(manifest_from(document).layers.empty());
    document.erase("mediaType");
    CHECK(manifest_from(document).layers.empty());
    document.erase("layers");
    CHECK(manifest_from(document).layers.empty());

    json index = index_of(std::vector<json>());
    index["manifests"] = index["annotations"] = nullptr;
    CHECK(index_from(index).manifests.empty());
    index.erase("mediaType");
    CHECK(index_from(index).manifests.empty());
    index["layers"] = index["config"] = nullptr;
    index["manifests"] = json::array({entry("linux", "amd64", "", 'a')});
    CHECK(index_from(index).manifests.size() == 1);
}

TEST_CASE("a web page is not taken for a manifest") {
    REQUIRE_THROWS_WITH(parse_manifest("<html>", "text/html; charset=utf-8"),
                        "manifest: the content type \"text/html\" is none of an image");
}

TEST_CASE("a document that is manifest and index at once is refused") {
    json document = oci();
    document["manifests"] = json::array();
    check_refused(document, ErrorKind::integrity, "manifest and an index at once");
    document.erase("mediaType");
    check_refused(document, ErrorKind::integrity, "manifest and an index at once");
}

TEST_CASE("schema 1 is refused with the remedy") {
    json document = {{"schemaVersion", 1}, {"name", "x"}, {"fsLayers", json::array()}};
    try {
        parse_manifest(document.dump(), "");
        FAIL("accepted");
    } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::unsupported);
        CHECK(error.message() == "manifest: docker's schema 1 is not supported");
        CHECK(error.hint() == "push the image again with a current docker, or use a newer tag of it");
    }
    check_refused(document, ErrorKind::unsupported, "schema 1",
                  "application/vnd.docker.distribution.manifest.v1+prettyjws");
    document["schemaVersion"] = 2;
    document["mediaType"] = "application/vnd.docker.distribution.manifest.v1+json";
    check_refused(document, ErrorKind::unsupported, "schema 1");
}

TEST_CASE("the schema version must be there and be 2") {
    json document = oci();
    document["schemaVersion"] = 3;
    check_refused(document, ErrorKind::integrity, "manifest: schemaVersion: must be 2");
    document["schemaVersion"] = "2";
    check_refused(document, ErrorKind::integrity, "manifest: schemaVersion: must be an integer, not string");
    document.erase("schemaVersion");
    check_refused(document, ErrorKind::integrity, "manifest: schemaVersion: is missing");
}

TEST_CASE("artifacts are refused") {
    json document = oci();
    document["config"]["mediaType"] = "application/vnd.cncf.helm.config.v1+json";
    check_refused(document, ErrorKind::unsupported,
                  "manifest: config.mediaType: \"application/vnd.cncf.helm.config.v1+json\" is an artifact");
    document = oci();
    document["layers"][0]["mediaType"] = "application/vnd.in-toto+json";
    check_refused(document, ErrorKind::unsupported, "manifest: layers[0].mediaType");
    document = oci();
    document["layers"][0]["mediaType"] = "application/vnd.oci.image.layer.v1.tar+gzip+encrypted";
    check_refused(document, ErrorKind::unsupported, "manifest: layers[0].mediaType");
}

TEST_CASE("every damaged descriptor is named") {
    json document = oci();
    SECTION("digest") {
        document["layers"][1]["digest"] = "sha256:xyz";
        check_refused(document, ErrorKind::integrity, "manifest: layers[1].digest: \"sha256:xyz\" is no sha256");
    }
    SECTION("digest that walks out of a store") {
        document["layers"][1]["digest"] = "sha256:../../../../etc/passwd";
        check_refused(document, ErrorKind::integrity, "manifest: layers[1].digest");
    }
    SECTION("negative size") {
        document["layers"][0]["size"] = -1;
        check_refused(document, ErrorKind::integrity, "manifest: layers[0].size: must not be negative, but is -1");
    }
    SECTION("size beyond 63 bits") {
        document["layers"][0]["size"] = UINT64_MAX;
        check_refused(document, ErrorKind::integrity, "manifest: layers[0].size");
    }
    SECTION("fractional size") {
        document["layers"][0]["size"] = 1.5;
        check_refused(document, ErrorKind::integrity, "manifest: layers[0].size: must be an integer");
    }
    SECTION("missing size") {
        document["config"].erase("size");
        check_refused(document, ErrorKind::integrity, "manifest: config.size: is missing");
    }
    SECTION("missing media type") {
        document["layers"][0].erase("mediaType");
        check_refused(document, ErrorKind::integrity, "manifest: layers[0].mediaType: is missing");
    }
    SECTION("layer that is no object") {
        document["layers"][0] = "x";
        check_refused(document, ErrorKind::integrity, "manifest: layers[0]: must be an object, not string");
    }
    SECTION("layers that are no array") {
        document["layers"] = json::object();
        check_refused(document, ErrorKind::integrity, "manifest: layers: must be an array, not object");
    }
    SECTION("null config") {
        document["config"] = nullptr;
        check_refused(document, ErrorKind::integrity, "manifest: config: is missing");
    }
    SECTION("annotation that is no string") {
        document["annotations"] = {{"a", 1}};
        check_refused(document, ErrorKind::integrity, "manifest: annotations[\"a\"]: must be a string");
    }
}

TEST_CASE("documents that are no objects are refused") {
    auto text = GENERATE(as<std::string>(), "null", "[]", "1", "\"x\"");
    REQUIRE_THROWS_WITH(parse_manifest(text, oci_manifest), ContainsSubstring("manifest: must be an object"));
}

TEST_CASE("caps on layers, configuration and bytes are limit errors") {
    json document = oci();
    json layer = document["layers"][0];
    document["layers"] = std::vector<json>(4096, layer);
    CHECK(manifest_from(document).layers.size() == 4096);
    document["layers"].push_back(layer);
    check_refused(document, ErrorKind::limit, "manifest: layers: has 4097 elements");

    document = oci();
    document["config"]["size"] = gbuild::oci::max_config_size + 1;
    check_refused(document, ErrorKind::limit, "manifest: config.size");

    REQUIRE_THROWS_WITH(parse_manifest(std::string(gbuild::oci::max_manifest_size + 1, ' '), ""),
                        ContainsSubstring("larger than"));
}

TEST_CASE("unknown members and duplicates do no harm") {
    std::string text = oci().dump();
    text.insert(1, R"("layers":"first","x":{"y":[null]},)");
    CHECK(std::get<Manifest>(parse_manifest(text, "")).layers.size() == 2);
}

TEST_CASE("an index's entries carry their platforms") {
    Index index = index_from(index_of({entry("linux", "arm", "v7", 'a'), descriptor(oci_index, 'b', 5)}));
    REQUIRE(index.manifests.size() == 2);
    CHECK(index.manifests[0].platform == Platform{"linux", "arm", "v7"});
    CHECK_FALSE(index.manifests[1].platform);
}

TEST_CASE("a platform without an architecture is refused, one that names nothing is none (S-2)") {
    json document = index_of({entry("linux", "amd64", "", 'a')});
    json& platform = document["manifests"][0]["platform"];
    platform.erase("architecture");
    check_refused(document, ErrorKind::integrity, "manifest: manifests[0].platform.architecture: is missing");
    platform["os"] = "";
    CHECK_FALSE(index_from(document).manifests[0].platform);
    platform["architecture"] = "";
    CHECK_FALSE(index_from(document).manifests[0].platform);
    platform["architecture"] = "arm64";
    CHECK(index_from(document).manifests[0].platform == Platform{"linux", "arm64", ""});
}

TEST_CASE("the entry of the wanted platform is chosen") {
    Index index = index_from(index_of({entry("linux", "arm64", "v8", 'a'), entry("linux", "amd64", "", 'b')}));
    CHECK(choose_platform(index, Platform::parse("linux/amd64")).digest.text() == digest_of('b'));
    CHECK(choose_platform(index, Platform::parse("linux/arm64")).digest.text() == digest_of('a'));
}

TEST_CASE("without a wanted variant the lowest one is chosen") {
    Index index = index_from(index_of(
        {entry("linux", "amd64", "v3", 'a'), entry("linux", "amd64", "v2", 'b'), entry("linux", "amd64", "v1", 'c')}));
    CHECK(choose_platform(index, Platform::parse("linux/amd64")).digest.text() == digest_of('c'));
    CHECK(choose_platform(index, Platform::parse("linux/amd64/v3")).digest.text() == digest_of('a'));
}

TEST_CASE("of a wanted variant and those below it the highest is chosen (S-2)") {
    Index index = index_from(index_of({entry("linux", "arm", "v5", 'a'), entry("linux", "arm", "v6", 'b'),
                                       entry("linux", "arm", "v8", 'c'), entry("linux", "amd64", "", 'd')}));
    CHECK(choose_platform(index, Platform::parse("linux/arm/v7")).digest.text() == digest_of('b'));
    CHECK(choose_platform(index, Platform::parse("linux/arm/v8")).digest.text() == digest_of('c'));
    CHECK(choose_platform(index, Platform::parse("linux/arm/v5")).digest.text() == digest_of('a'));
    CHECK(choose_platform(index, Platform::parse("linux/amd64/v3")).digest.text() == digest_of('d'));
}

TEST_CASE("attestations are skipped") {
    Index index = index_from(index_of({entry("unknown", "unknown", "", 'a'), entry("linux", "amd64", "", 'b')}));
    CHECK(choose_platform(index, Platform::parse("linux/amd64")).digest.text() == digest_of('b'));
}

TEST_CASE("an absent platform lists what exists") {
    Index index = index_from(index_of({entry("linux", "arm", "v7", 'a'), entry("unknown", "unknown", "", 'b'),
                                       entry("linux", "s390x", "", 'c'), entry("linux", "s390x", "", 'd')}));
    try {
        choose_platform(index, Platform::parse("linux/amd64"));
        FAIL("chose one");
    } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::unsupported);
        CHECK(error.message() == "the image has no linux/amd64 variant");
        CHECK(error.hint() == "it exists for linux/arm/v7, linux/s390x; choose with --platform");
    }
}

TEST_CASE("a single entry without a platform is taken, several are not") {
    Index one = index_from(index_of({descriptor(oci_manifest, 'a', 1)}));
    CHECK(choose_platform(one, Platform()).digest.text() == digest_of('a'));
    Index two = index_from(index_of({descriptor(oci_manifest, 'a', 1), descriptor(oci_manifest, 'b', 1)}));
    REQUIRE_THROWS_AS(choose_platform(two, Platform()), Error);
    REQUIRE_THROWS_AS(choose_platform(index_from(index_of(std::vector<json>())), Platform()), Error);
}
