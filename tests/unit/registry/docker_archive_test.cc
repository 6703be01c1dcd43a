#include <fcntl.h>
#include <sys/stat.h>

#include <nlohmann/json.hpp>

#include "gbuild/base/atomic_file.h"
#include "gbuild/base/error.h"
#include "gbuild/base/fd.h"
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
using gbuild::registry::ImageSource;
using gbuild::registry::open_docker_archive;
using gbuild::registry::resolve_image;
using gbuild::registry::ResolvedImage;
using nlohmann::json;

namespace {

const std::string lower = "lower layer";
const std::string upper = "upper layer";
const std::string zipped = "\x1f\x8b as if compressed";

std::string hex(const std::string& text) { return std::string(Digest::of(text).hex()); }

std::string config_of(const std::vector<std::string>& layers) {
    std::vector<std::string> diff_ids;
    for (const auto& layer : layers) diff_ids.push_back(Digest::of(layer).text());
    return json{{"architecture", "amd64"}, {"os", "linux"}, {"rootfs", {{"type", "layers"}, {"diff_ids", diff_ids}}}}
        .dump();
}

json saved(const std::string& config, const std::vector<std::string>& layers, const std::vector<std::string>& tags) {
    json image = {{"Config", config}, {"Layers", layers}};
    image["RepoTags"] = tags.empty() ? json() : json(tags);
    return image;
}

// As docker wrote them up to version 24.
Files old_archive() {
    std::string config = config_of({lower, upper});
    return {{"1/layer.tar", lower},
            {"2/layer.tar", upper},
            {hex(config) + ".json", config},
            {"repositories", "{}"},
            {"manifest.json",
             json::array({saved(hex(config) + ".json", {"1/layer.tar", "2/layer.tar"}, {"app:1"})}).dump()}};
}

// As docker writes them since version 25.
Files new_archive() {
    std::string config = config_of({lower, upper});
    auto blob = [](const std::string& text) { return "blobs/sha256/" + hex(text); };
    return {{blob(lower), lower},
            {blob(upper), upper},
            {blob(config), config},
            {"oci-layout", R"({"imageLayoutVersion":"1.0.0"})"},
            {"manifest.json", json::array({saved(blob(config), {blob(lower), blob(upper)}, {"app:1"})}).dump()}};
}

class Archive {
  public:
    explicit Archive(const Files& files) : Archive(TarText().files(files).end()) {}
    explicit Archive(const std::string& text) : path_((directory_.path() / "saved.tar").string()) {
        write_text(path_, text);
    }
    const std::string& path() const { return path_; }

  private:
    TempDir directory_;
    std::string path_;
};

ResolvedImage resolve(ImageSource& source) { return resolve_image(source, Platform(), {}); }

std::string fetch(ImageSource& source, const gbuild::oci::Descriptor& descriptor) {
    StringSink sink;
    source.fetch_blob(descriptor, sink, {});
    return sink.text;
}

Error failure(const std::string& path, const std::string& reference = "") {
    try {
        auto source = open_docker_archive(path, reference);
        resolve(*source);
    } catch (const Error& error) {
        return error;
    }
    FAIL("resolved");
    throw std::logic_error("unreachable");
}

Error failure_of(const std::string& tar) { return failure(Archive(tar).path()); }

}  // namespace

TEST_CASE("archives of either style give the same image") {
    Archive archive(GENERATE(0, 1) == 0 ? old_archive() : new_archive());
    auto source = open_docker_archive(archive.path(), "");
    ResolvedImage image = resolve(*source);
    CHECK(fetch(*source, image.manifest.config) == config_of({lower, upper}));
    REQUIRE(image.manifest.layers.size() == 2);
    CHECK(image.manifest.layers[0].digest == Digest::of(lower));
    CHECK(fetch(*source, image.manifest.layers[0]) == lower);
    CHECK(fetch(*source, image.manifest.layers[1]) == upper);
    CHECK(image.manifest_digest == Digest::of(image.manifest_json));
    CHECK(source->name() == "docker-archive://" + archive.path());
}

TEST_CASE("an unpacked archive is read as well") {
    TempDir directory;
    write_directory(directory.path(), old_archive());
    auto source = open_docker_archive(directory.path().string(), "app:1");
    CHECK(fetch(*source, resolve(*source).manifest.layers[1]) == upper);
}

TEST_CASE("the made manifest is the same every time") {
    Archive first(old_archive()), second(old_archive());
    auto a = open_docker_archive(first.path(), ""), b = open_docker_archive(second.path(), "");
    CHECK(resolve(*a).manifest_json == resolve(*b).manifest_json);
    CHECK(resolve(*a).manifest_json == resolve(*a).manifest_json);
}

TEST_CASE("a compressed layer is described by the digest of its bytes") {
    Files files = old_archive();
    files["2/layer.tar"] = zipped;
    Archive archive(files);
    auto source = open_docker_archive(archive.path(), "");
    auto layers = resolve(*source).manifest.layers;
    CHECK(layers[1].digest == Digest::of(zipped));
    CHECK(fetch(*source, layers[1]) == zipped);
}

TEST_CASE("a layer that is a link to another one's file is that file") {
    Files files = old_archive();
    files.erase("2/layer.tar");
    auto [type, target] = GENERATE(table<char, std::string>(
        {{'2', "../1/layer.tar"}, {'1', "1/layer.tar"}, {'2', "/1/layer.tar"}, {'2', "./../2/../1//layer.tar"}}));
    Archive archive(TarText().member("2/layer.tar", "", type, target).files(files).end());
    auto source = open_docker_archive(archive.path(), "");
    auto layer = resolve(*source).manifest.layers[1];
    CHECK(layer.size == lower.size());
}

TEST_CASE("names are found however the tar spells them") {
    Files files = old_archive();
    std::string config = config_of({lower, upper});
    std::string manifest = files["manifest.json"];
    std::string name = hex(config) + ".json";
    auto with = [&](TarText tar) {
        return Archive(
            tar.member("./1//layer.tar", lower).member("/2/layer.tar", upper).member("manifest.json", manifest).end());
    };
    SECTION("PAX") {
        Archive archive = with(TarText().pax("path", name).member("short", config));
        CHECK(resolve(*open_docker_archive(archive.path(), "")).manifest.layers.size() == 2);
    }
    SECTION("GNU long name") {
        Archive archive = with(TarText().member("././@LongLink", name + '\0', 'L').member("short", config));
        CHECK(resolve(*open_docker_archive(archive.path(), "")).manifest.layers.size() == 2);
    }
    SECTION("size in PAX, and in base 256") {
        std::string binary("\x80\0\0\0\0\0\0\0\0\0\0\0", 12);
        binary[11] = static_cast<char>(config.size());
        Archive pax =
            with(TarText().pax("size", std::to_string(config.size())).header(name, "00000000000", '0').data(config));
        CHECK(resolve(*open_docker_archive(pax.path(), "")).manifest.layers.size() == 2);
        binary[10] = static_cast<char>(config.size() >> 8);
        Archive base256 = with(TarText().header(name, binary, '0').data(config));
        CHECK(resolve(*open_docker_archive(base256.path(), "")).manifest.layers.size() == 2);
    }
}

TEST_CASE("a ustar prefix belongs to the name") {
    Files files = old_archive();
    files.erase("2/layer.tar");
    TarText tar;
    tar.files(files).header("layer.tar", fmt::format("{:011o}", upper.size()), '0', "", "2").data(upper);
    Archive archive(tar.end());
    auto source = open_docker_archive(archive.path(), "");
    CHECK(fetch(*source, resolve(*source).manifest.layers[1]) == upper);
}

TEST_CASE("of members with one name the last counts") {
    Archive archive(TarText().member("manifest.json", "junk").files(old_archive()).end());
    CHECK(resolve(*open_docker_archive(archive.path(), "")).manifest.layers.size() == 2);
}

TEST_CASE("a reference picks by its meaning") {
    Files files = old_archive();
    std::string config = config_of({});
    files["other.json"] = config;
    json manifest = json::parse(files["manifest.json"]);
    manifest.push_back(saved("other.json", {}, {"docker.io/library/debian:latest", "debian:12"}));
    files["manifest.json"] = manifest.dump();
    Archive archive(files);
    for (const char* name : {"debian", "debian:latest", "docker.io/library/debian:latest", "debian:12"}) {
        CHECK(resolve(*open_docker_archive(archive.path(), name)).manifest.layers.empty());
    }
    CHECK(resolve(*open_docker_archive(archive.path(), "app:1")).manifest.layers.size() == 2);
    Error wrong = failure(archive.path(), "app:2");
    CHECK(wrong.kind() == ErrorKind::not_found);
    CHECK(wrong.hint() == "it holds: app:1, docker.io/library/debian:latest, debian:12");
    CHECK_THAT(failure(archive.path()).message(), ContainsSubstring("holds several images"));
}

TEST_CASE("an image without names is found when it is the only one") {
    Files files = old_archive();
    json manifest = json::parse(files["manifest.json"]);
    manifest[0]["RepoTags"] = nullptr;
    files["manifest.json"] = manifest.dump();
    Archive archive(files);
    CHECK(resolve(*open_docker_archive(archive.path(), "")).manifest.layers.size() == 2);
    CHECK(failure(archive.path(), "x").hint() == "it holds: images without names only");
}

TEST_CASE("what is no archive of images is refused with the likely remedy") {
    CHECK_THAT(failure_of(TarText().member("a", "b").end()).message(), ContainsSubstring("it has no manifest.json"));
    CHECK_THAT(failure_of(TarText().member("a", "b").end()).hint(), ContainsSubstring("oci-layout://"));
    Error ancient = failure_of(TarText().member("repositories", "{}").end());
    CHECK_THAT(ancient.message(), ContainsSubstring("older than 1.10"));
    CHECK_FALSE(ancient.hint().empty());
}

TEST_CASE("a compressed archive says how to go on") {
    auto magic = GENERATE(as<std::string>(), "\x1f\x8b\x08", "\x28\xb5\x2f\xfd", "BZh9",
                          "\xfd"
                          "7zXZ");
    Error error = failure_of(magic + std::string(2000, 'x'));
    CHECK(error.kind() == ErrorKind::unsupported);
    CHECK_THAT(error.message(), ContainsSubstring("is compressed"));
    CHECK_THAT(error.hint(), ContainsSubstring("gunzip"));
}

TEST_CASE("damaged tars are integrity errors") {
    CHECK_THAT(failure_of("short").message(), ContainsSubstring("is not a tar archive"));
    CHECK_THAT(failure_of(std::string(5000, 'x')).message(), ContainsSubstring("is not a tar archive"));
    std::string tar = TarText().files(old_archive()).end();
    CHECK_THAT(failure_of(tar.substr(0, 700)).message(), ContainsSubstring("is truncated"));
    tar[1024] = 'X';
    CHECK_THAT(failure_of(tar).message(), ContainsSubstring("has a damaged header"));
    auto size =
        GENERATE(as<std::string>(), "77777777777", "8", "-1", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
                 "\x80\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff");
    CHECK(failure_of(TarText().header("a", size, '0').end()).kind() == ErrorKind::integrity);
}

TEST_CASE("damaged PAX headers are integrity errors") {
    auto record = GENERATE(as<std::string>(), "99 path=a\n", "0 path=a\n", "x path=a\n", "9 path=ab\n", "10 path=ab",
                           "3 \n", "7 path\n", "10 size=-1\n", " path=a\n", "\n", "12345678901234567890123 a=b\n");
    CHECK(failure_of(TarText().member("p", record, 'x').member("a", "").end()).kind() == ErrorKind::integrity);
}

TEST_CASE("an extended header has a cap") {
    CHECK(failure_of(TarText().member("p", std::string((1u << 20) + 1, 'a'), 'L').end()).kind() == ErrorKind::limit);
}

TEST_CASE("a tar that ends without its zero blocks is read to its end") {
    Archive archive(TarText().files(old_archive()).unfinished());
    CHECK(resolve(*open_docker_archive(archive.path(), "")).manifest.layers.size() == 2);
}

TEST_CASE("names that lead out of the archive lead nowhere") {
    auto path = GENERATE(as<std::string>(), "../../../../../../etc/passwd", "/etc/passwd", "absent", "", ".");
    Files files = old_archive();
    json manifest = json::parse(files["manifest.json"]);
    SECTION("as the configuration") { manifest[0]["Config"] = path; }
    SECTION("as a layer") { manifest[0]["Layers"][1] = path; }
    files["manifest.json"] = manifest.dump();
    CHECK_THAT(failure(Archive(files).path()).message(), ContainsSubstring("which its manifest.json names"));
}

TEST_CASE("links in a circle and links to nowhere are no files") {
    Files files = old_archive();
    files.erase("2/layer.tar");
    auto target = GENERATE(as<std::string>(), "layer.tar", "../../../etc/passwd", "gone", "");
    Archive archive(TarText().files(files).member("2/layer.tar", "", '2', target).end());
    CHECK_THAT(failure(archive.path()).message(), ContainsSubstring("which its manifest.json names"));
}

TEST_CASE("layers and configuration must agree in number") {
    Files files = old_archive();
    json manifest = json::parse(files["manifest.json"]);
    manifest[0]["Layers"].erase(1);
    files["manifest.json"] = manifest.dump();
    CHECK(failure(Archive(files).path()).message() == "manifest.json names 1 layers, but the image configuration 2");
}

TEST_CASE("a damaged manifest.json is named") {
    auto text = GENERATE(as<std::string>(), "x", "{}", "[1]", R"([{"Layers":[]}])", R"([{"Config":"c","Layers":[1]}])");
    Files files = old_archive();
    files["manifest.json"] = text;
    Error error = failure(Archive(files).path());
    CHECK(error.kind() == ErrorKind::integrity);
    CHECK_THAT(error.message(), ContainsSubstring("manifest.json"));
}

TEST_CASE("a blob the archive does not have is not found") {
    Archive archive(old_archive());
    auto source = open_docker_archive(archive.path(), "");
    gbuild::oci::Descriptor wanted = resolve(*source).manifest.layers[0];
    wanted.size++;
    REQUIRE_THROWS_AS(fetch(*source, wanted), Error);
    wanted.digest = Digest::of("absent");
    REQUIRE_THROWS_WITH(fetch(*source, wanted), ContainsSubstring("has no blob"));
}

TEST_CASE("an archive that is no file is refused without waiting for it") {
    TempDir directory;
    std::string path = (directory.path() / "fifo").string();
    REQUIRE(mkfifo(path.c_str(), 0600) == 0);
    CHECK_THAT(failure(path).message(), ContainsSubstring("neither a directory nor a regular file"));
}

TEST_CASE("lists that are null are empty (S-4)") {
    Files files = old_archive();
    std::string config = R"({"architecture":"","os":"","config":null,"history":null,"rootfs":null})";
    files["other.json"] = config;
    json image = saved("other.json", {}, {});
    image["Layers"] = image["RepoTags"] = nullptr;
    files["manifest.json"] = json(std::vector<json>{image}).dump();
    Archive archive(files);
    auto source = open_docker_archive(archive.path(), "");
    ResolvedImage resolved = resolve(*source);
    CHECK(resolved.manifest.layers.empty());
    CHECK_FALSE(resolved.platform);
    CHECK(fetch(*source, resolved.manifest.config) == config);
}

TEST_CASE("a save of no images, as Go writes it, holds no image (S-4)") {
    Files files = old_archive();
    files["manifest.json"] = "null";
    CHECK_THAT(failure(Archive(files).path()).message(), ContainsSubstring("holds no image"));
}

TEST_CASE("a compressed archive is read as it is unpacked, once it is known to be one (S-6)") {
    auto magic = GENERATE(as<std::string>(), "\x1f\x8b\x08", "\x28\xb5\x2f\xfd", "BZh9",
                          "\xfd"
                          "7zXZ",
                          "\x5a\x2a\x4d\x18");
    Archive compressed(magic + std::string(2000, 'x')), plain(old_archive());
    int unpacked = 0;
    auto unpack = [&](gbuild::UniqueFd fd, const std::string& path) {
        CHECK(fd);
        CHECK(path == compressed.path());
        unpacked++;
        return std::make_shared<const gbuild::UniqueFd>(gbuild::open_file(plain.path(), O_RDONLY));
    };
    auto source = open_docker_archive(compressed.path(), "", unpack);
    CHECK(fetch(*source, resolve(*source).manifest.layers[1]) == upper);
    CHECK(unpacked == 1);
}

TEST_CASE("a tar whose first name begins like a compressed file is a tar (S-6)") {
    auto unpack = [](gbuild::UniqueFd, const std::string&) -> std::shared_ptr<const gbuild::UniqueFd> {
        FAIL("unpacked");
        return nullptr;
    };
    Archive archive(TarText().member("BZhello", "x").files(old_archive()).end());
    CHECK(resolve(*open_docker_archive(archive.path(), "", unpack)).manifest.layers.size() == 2);
}

TEST_CASE("what an unpacked archive turns out to be is not unpacked again (S-6)") {
    Archive twice(std::string("\x1f\x8b\x08") + std::string(2000, 'x'));
    auto unpack = [&](gbuild::UniqueFd, const std::string&) {
        return std::make_shared<const gbuild::UniqueFd>(gbuild::open_file(twice.path(), O_RDONLY));
    };
    CHECK_THROWS_WITH(open_docker_archive(twice.path(), "", unpack), ContainsSubstring("is compressed"));
}
