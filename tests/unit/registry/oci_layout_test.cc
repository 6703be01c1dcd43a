#include <sys/stat.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "gbuild/base/atomic_file.h"
#include "gbuild/base/error.h"
#include "gbuild/oci/media_type.h"
#include "gbuild/registry/image_source.h"
#include "image_files.h"
#include "support/catch.h"

using namespace gbuild::registry::testing;
using gbuild::Digest;
using gbuild::Error;
using gbuild::ErrorKind;
using gbuild::TempDir;
using gbuild::oci::Platform;
using gbuild::registry::open_oci_layout;
using gbuild::registry::resolve_image;
using gbuild::registry::ResolvedImage;
using nlohmann::json;
namespace media_type = gbuild::oci::media_type;

namespace {

const std::string layer_bytes = "the layer's bytes";
const std::string config = R"({"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]}})";

std::string blob_path(const std::string& text) { return "blobs/sha256/" + std::string(Digest::of(text).hex()); }

json named_descriptor(std::string_view type, const std::string& text, const std::string& name = "") {
    json result = {{"mediaType", type}, {"digest", Digest::of(text).text()}, {"size", text.size()}};
    if (!name.empty()) result["annotations"] = {{"org.opencontainers.image.ref.name", name}};
    return result;
}

std::string manifest_text(const std::string& mark = "") {
    return json{{"schemaVersion", 2},
                {"mediaType", media_type::oci_manifest},
                {"config", named_descriptor(media_type::oci_config, config)},
                {"layers", {named_descriptor(media_type::oci_layer, layer_bytes)}},
                {"annotations", {{"mark", mark}}}}
        .dump();
}

Files layout(std::vector<json> entries, const std::vector<std::string>& texts) {
    Files files = {{"oci-layout", R"({"imageLayoutVersion":"1.0.0"})"},
                   {"index.json", json{{"schemaVersion", 2}, {"manifests", std::move(entries)}}.dump()}};
    for (const auto& text : texts) files[blob_path(text)] = text;
    return files;
}

Files one_image() {
    return layout({named_descriptor(media_type::oci_manifest, manifest_text(), "latest")},
                  {manifest_text(), config, layer_bytes});
}

// The files in a directory or in a tar; tests that take it hold for both.
class Layout {
  public:
    explicit Layout(const Files& files, bool as_tar = false) : path_((directory_.path() / "image").string()) {
        if (as_tar)
            write_text(path_, TarText().files(files).end());
        else
            write_directory(path_, files);
    }
    const std::string& path() const { return path_; }

  private:
    TempDir directory_;
    std::string path_;
};

ResolvedImage resolve(const std::string& path, const std::string& reference = "") {
    auto source = open_oci_layout(path, reference);
    return resolve_image(*source, Platform(), {});
}

Error refusal(const std::string& path, const std::string& reference = "") {
    try {
        resolve(path, reference);
    } catch (const Error& error) {
        return error;
    }
    FAIL("resolved");
    throw std::logic_error("unreachable");
}

}  // namespace

TEST_CASE("a layout's only image is found, its blobs are read") {
    bool as_tar = GENERATE(false, true);
    Layout image(one_image(), as_tar);
    auto source = open_oci_layout(image.path(), "");
    ResolvedImage resolved = resolve_image(*source, Platform(), {});
    CHECK(resolved.manifest_json == manifest_text());
    CHECK(resolved.manifest_digest == Digest::of(manifest_text()));
    StringSink sink;
    source->fetch_blob(resolved.manifest.layers[0], sink, {});
    CHECK(sink.text == layer_bytes);
    CHECK(source->name() == "oci-layout://" + image.path());
}

TEST_CASE("a blob that was begun is finished, one with too much begun anew") {
    Layout image(one_image(), GENERATE(false, true));
    auto source = open_oci_layout(image.path(), "");
    auto wanted = resolve_image(*source, Platform(), {}).manifest.layers[0];
    StringSink half(layer_bytes.substr(0, 5));
    source->fetch_blob(wanted, half, {});
    CHECK(half.text == layer_bytes);
    StringSink whole(layer_bytes);
    source->fetch_blob(wanted, whole, {});
    CHECK(whole.text == layer_bytes);
    StringSink over(layer_bytes + "more");
    source->fetch_blob(wanted, over, {});
    CHECK(over.text == layer_bytes);
}

TEST_CASE("fetching stops when asked to") {
    Layout image(one_image());
    auto source = open_oci_layout(image.path(), "");
    auto wanted = resolve_image(*source, Platform(), {}).manifest.layers[0];
    std::stop_source stop;
    stop.request_stop();
    StringSink sink;
    try {
        source->fetch_blob(wanted, sink, stop.get_token());
        FAIL("fetched");
    } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::interrupted);
    }
}

TEST_CASE("a reference picks among several images") {
    Layout image(layout({named_descriptor(media_type::oci_manifest, manifest_text("a"), "one"),
                         named_descriptor(media_type::oci_manifest, manifest_text("b"), "two")},
                        {manifest_text("a"), manifest_text("b")}));
    CHECK(resolve(image.path(), "two").manifest_json == manifest_text("b"));
    CHECK(resolve(image.path(), Digest::of(manifest_text("a")).text()).manifest_json == manifest_text("a"));
    Error none = refusal(image.path());
    CHECK_THAT(none.message(), ContainsSubstring("holds several images"));
    CHECK(none.hint() == "add :NAME, one of: one, two");
    Error wrong = refusal(image.path(), "three");
    CHECK(wrong.kind() == ErrorKind::not_found);
    CHECK(wrong.hint() == "it holds: one, two");
}

TEST_CASE("buildx's full image name picks as well") {
    json entry = named_descriptor(media_type::oci_manifest, manifest_text("b"), "latest");
    entry["annotations"]["io.containerd.image.name"] = "docker.io/library/b:latest";
    Layout image(
        layout({named_descriptor(media_type::oci_manifest, manifest_text("a"), "x"), entry}, {manifest_text("b")}));
    CHECK(resolve(image.path(), "docker.io/library/b:latest").manifest_json == manifest_text("b"));
}

TEST_CASE("one image under two names needs no choice") {
    Layout image(layout({named_descriptor(media_type::oci_manifest, manifest_text(), "one"),
                         named_descriptor(media_type::oci_manifest, manifest_text(), "two")},
                        {manifest_text()}));
    CHECK(resolve(image.path()).manifest_json == manifest_text());
}

TEST_CASE("entries that differ by platform alone are one image") {
    json arm = named_descriptor(media_type::oci_manifest, manifest_text("arm"));
    arm["platform"] = {{"os", "linux"}, {"architecture", "arm64"}};
    json amd = named_descriptor(media_type::oci_manifest, manifest_text("amd"));
    amd["platform"] = {{"os", "linux"}, {"architecture", "amd64"}};
    Layout image(layout({arm, amd}, {manifest_text("arm"), manifest_text("amd")}));
    CHECK(resolve(image.path()).manifest_json == manifest_text("amd"));
}

TEST_CASE("an index inside the layout is followed") {
    json amd = named_descriptor(media_type::oci_manifest, manifest_text());
    amd["platform"] = {{"os", "linux"}, {"architecture", "amd64"}};
    std::string inner = json{{"schemaVersion", 2}, {"mediaType", media_type::oci_index}, {"manifests", {amd}}}.dump();
    Layout image(layout({named_descriptor(media_type::oci_index, inner, "latest")}, {inner, manifest_text()}));
    CHECK(resolve(image.path(), "latest").manifest_json == manifest_text());
    CHECK(resolve(image.path(), "latest").root_digest == Digest::of(inner));
}

TEST_CASE("what is no layout is refused with the likely remedy") {
    Layout image({{"manifest.json", "[]"}}, GENERATE(false, true));
    Error error = refusal(image.path());
    CHECK_THAT(error.message(), ContainsSubstring("it has no oci-layout file"));
    CHECK_THAT(error.hint(), ContainsSubstring("docker-archive://"));
}

TEST_CASE("a path where nothing is gives not_found") {
    Layout image({});
    CHECK(refusal(image.path() + "/absent").kind() == ErrorKind::not_found);
}

TEST_CASE("other layout versions are refused") {
    Files files = one_image();
    files["oci-layout"] = R"({"imageLayoutVersion":"2.0.0"})";
    Layout image(files);
    CHECK(refusal(image.path()).kind() == ErrorKind::unsupported);
    files["oci-layout"] = "{}";
    Layout unversioned(files);
    CHECK(refusal(unversioned.path()).message() == "oci-layout: imageLayoutVersion: is missing");
}

TEST_CASE("a layout without images says so") {
    Layout image(layout({}, {}));
    CHECK_THAT(refusal(image.path()).message(), ContainsSubstring("holds no image"));
}

TEST_CASE("an index.json that is a manifest is refused") {
    Files files = one_image();
    files["index.json"] = manifest_text();
    Layout image(files);
    CHECK_THAT(refusal(image.path()).message(), ContainsSubstring("is no index"));
}

TEST_CASE("a missing blob is named") {
    Files files = one_image();
    files.erase(blob_path(layer_bytes));
    Layout image(files, GENERATE(false, true));
    auto source = open_oci_layout(image.path(), "");
    auto wanted = resolve_image(*source, Platform(), {}).manifest.layers[0];
    StringSink sink;
    REQUIRE_THROWS_WITH(source->fetch_blob(wanted, sink, {}), ContainsSubstring("has no " + blob_path(layer_bytes)));
}

TEST_CASE("each corrupted document is noticed") {
    auto path = GENERATE(as<std::string>(), "index.json", "oci-layout", blob_path(manifest_text()));
    for (const std::string& change : {std::string("x"), std::string("[]"), std::string("{}"), std::string(3, '\0')}) {
        Files files = one_image();
        files[path] = change;
        Layout image(files, true);
        CHECK(refusal(image.path()).kind() == ErrorKind::integrity);
    }
}

TEST_CASE("a blob of another size than its manifest says is refused") {
    Files files = one_image();
    files[blob_path(layer_bytes)] += "more";
    Layout image(files);
    auto source = open_oci_layout(image.path(), "");
    auto wanted = resolve_image(*source, Platform(), {}).manifest.layers[0];
    StringSink sink;
    REQUIRE_THROWS_WITH(source->fetch_blob(wanted, sink, {}), ContainsSubstring("but should have"));
    CHECK(sink.text.empty());
}

TEST_CASE("links in a layout directory do not lead out of it") {
    TempDir outside;
    write_text(outside.path() / "secret", R"({"imageLayoutVersion":"1.0.0"})");
    Files files = one_image();
    files.erase("oci-layout");
    Layout image(files);
    std::filesystem::create_symlink(outside.path() / "secret", std::filesystem::path(image.path()) / "oci-layout");
    CHECK_THAT(refusal(image.path()).message(), ContainsSubstring("it has no oci-layout file"));
}

TEST_CASE("a FIFO in the place of a blob neither blocks nor passes") {
    Files files = one_image();
    files.erase("index.json");
    Layout image(files);
    REQUIRE(mkfifo((image.path() + "/index.json").c_str(), 0600) == 0);
    CHECK_THAT(refusal(image.path()).message(), ContainsSubstring("is not a regular file"));
}

TEST_CASE("a layout's index without entries, as Go writes it, holds no image (S-4)") {
    Files files = one_image();
    files["index.json"] = R"({"schemaVersion":2,"manifests":null,"annotations":null})";
    CHECK_THAT(refusal(Layout(files).path()).message(), ContainsSubstring("holds no image"));
}

TEST_CASE("the platform of a layout's entry is told with its manifest (S-2)") {
    json entry = named_descriptor(media_type::oci_manifest, manifest_text(), "latest");
    entry["platform"] = {{"os", "linux"}, {"architecture", "arm64"}};
    Layout named(layout({entry}, {manifest_text(), config, layer_bytes}));
    CHECK(resolve(named.path()).platform == Platform{"linux", "arm64", ""});
    CHECK_FALSE(resolve(Layout(one_image()).path()).platform);
    entry["platform"] = {{"os", ""}, {"architecture", ""}};
    CHECK_FALSE(resolve(Layout(layout({entry}, {manifest_text(), config, layer_bytes})).path()).platform);
}
