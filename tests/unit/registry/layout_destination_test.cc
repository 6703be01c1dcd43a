#include <sys/stat.h>

#include <fstream>
#include <thread>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "client_fixture.h"
#include "gbuild/base/file_lock.h"
#include "gbuild/oci/media_type.h"
#include "gbuild/registry/artifact.h"
#include "image_files.h"

using namespace gbuild;
using namespace gbuild::registry;
namespace fs = std::filesystem;

namespace {

const std::string a_manifest_type(oci::media_type::oci_manifest);

class LayoutPushFixture {
  public:
    std::unique_ptr<ImageDestination> open(const std::string& tag = "latest") {
        return open_layout_destination(directory, tag);
    }
    void put(const std::string& bytes) {
        open()->put_blob(describe(bytes, "a/b"), TextContent(bytes), {}, [this](uint64_t sent) { seen = sent; });
    }
    fs::path blob_file(const std::string& bytes) const {
        return directory / "blobs" / "sha256" / std::string(Digest::of(bytes).hex());
    }
    nlohmann::json index() const { return nlohmann::json::parse(read_text_file(directory / "index.json", 1u << 20)); }
    std::string root(const std::string& tag) const {
        return open_oci_layout(directory.native(), tag)->root_manifest({}).json;
    }

    TempDir parent;
    fs::path directory = parent.path() / "deep" / "cache";
    uint64_t seen = 0;
};

std::string manifest_called(const std::string& name) {
    return R"({"artifactType":"application/x","name":")" + name + "\"}";
}

}  // namespace

TEST_CASE_METHOD(LayoutPushFixture, "a directory becomes a valid layout before anything is in it") {
    open();
    CHECK(read_text_file(directory / "oci-layout", 100) == R"({"imageLayoutVersion":"1.0.0"})");
    CHECK(index()["manifests"].empty());
    auto error = error_of([&] { root(""); });
    CHECK(error.kind() == ErrorKind::not_found);
}

TEST_CASE_METHOD(LayoutPushFixture, "a blob is written under its digest, once") {
    std::string bytes = noise(3u << 20);
    auto target = open();
    CHECK_FALSE(target->has_blob(describe(bytes, "a/b"), {}));
    put(bytes);
    CHECK(seen == bytes.size());
    CHECK(read_text_file(blob_file(bytes), bytes.size()) == bytes);
    CHECK(target->has_blob(describe(bytes, "a/b"), {}));
    struct stat before {
    }, after{};
    ::stat(blob_file(bytes).c_str(), &before);
    put(bytes);
    ::stat(blob_file(bytes).c_str(), &after);
    CHECK(before.st_ino == after.st_ino);
}

TEST_CASE_METHOD(LayoutPushFixture, "a sha512 blob has its own directory") {
    Hasher hasher(HashAlgorithm::sha512);
    hasher.update("bytes");
    auto blob = describe("bytes", "a/b");
    blob.digest = *Digest::parse("sha512:" + hasher.finish_hex());
    open()->put_blob(blob, TextContent("bytes"), {});
    CHECK(read_text_file(directory / "blobs" / "sha512" / std::string(blob.digest.hex()), 10) == "bytes");
}

TEST_CASE_METHOD(LayoutPushFixture, "a blob that was cut off is written again") {
    put("bytes");
    std::ofstream(blob_file("bytes"), std::ios::trunc) << "byt";
    CHECK_FALSE(open()->has_blob(describe("bytes", "a/b"), {}));
    put("bytes");
    CHECK(read_text_file(blob_file("bytes"), 10) == "bytes");
}

TEST_CASE_METHOD(LayoutPushFixture, "bytes with another digest or size leave nothing") {
    auto target = open();
    auto error = error_of([&] { target->put_blob(describe("right", "a/b"), TextContent("wrong"), {}); });
    CHECK(error.kind() == ErrorKind::integrity);
    error = error_of([&] { target->put_blob(describe("right", "a/b"), TextContent("longer"), {}); });
    CHECK(error.kind() == ErrorKind::integrity);
    CHECK(fs::is_empty(directory / "blobs" / "sha256"));
}

TEST_CASE_METHOD(LayoutPushFixture, "an interrupted blob leaves a valid layout") {
    std::stop_source stop;
    std::string bytes = noise(3u << 20);
    auto error = error_of([&] {
        open()->put_blob(describe(bytes, "a/b"), TextContent(bytes), stop.get_token(),
                         [&](uint64_t) { stop.request_stop(); });
    });
    CHECK(error.kind() == ErrorKind::interrupted);
    CHECK(fs::is_empty(directory / "blobs" / "sha256"));
    CHECK(index()["manifests"].empty());
}

TEST_CASE_METHOD(LayoutPushFixture, "a manifest is found under its tag") {
    open("main")->put_manifest(manifest_called("a"), a_manifest_type, {});
    CHECK(root("main") == manifest_called("a"));
    auto entry = index()["manifests"].at(0);
    CHECK(entry["artifactType"] == "application/x");
    CHECK(entry["mediaType"] == a_manifest_type);
    CHECK(entry["annotations"]["org.opencontainers.image.ref.name"] == "main");
}

TEST_CASE_METHOD(LayoutPushFixture, "a tag is moved, others stay") {
    open("main")->put_manifest(manifest_called("a"), a_manifest_type, {});
    open("other")->put_manifest(manifest_called("a"), a_manifest_type, {});
    open("main")->put_manifest(manifest_called("b"), a_manifest_type, {});
    open("main")->put_manifest(manifest_called("b"), a_manifest_type, {});
    CHECK(root("main") == manifest_called("b"));
    CHECK(root("other") == manifest_called("a"));
    CHECK(index()["manifests"].size() == 2);
}

TEST_CASE_METHOD(LayoutPushFixture, "what others wrote into the index stays as it is") {
    open();
    auto foreign = nlohmann::json::parse(
        R"({"schemaVersion":2,"x":{"y":1},"manifests":[{"mediaType":"a/b","digest":")" + Digest::of("z").text() +
        R"(","size":1,"platform":{"os":"linux","architecture":"amd64","os.version":"7"}}]})");
    write_file_atomically(directory / "index.json", foreign.dump());
    open("main")->put_manifest(manifest_called("a"), a_manifest_type, {});
    CHECK(index()["x"] == foreign["x"]);
    CHECK(index()["manifests"].at(0) == foreign["manifests"].at(0));
    CHECK(index()["manifests"].size() == 2);
}

TEST_CASE_METHOD(LayoutPushFixture, "an index that is none is not written over") {
    open();
    for (const char* text : {"", "{", "[]", "{}", R"({"manifests":{}})"}) {
        CAPTURE(text);
        write_file_atomically(directory / "index.json", text);
        auto error = error_of([&] { open()->put_manifest(manifest_called("a"), a_manifest_type, {}); });
        CHECK(error.kind() == ErrorKind::integrity);
        CHECK(read_text_file(directory / "index.json", 100) == text);
    }
}

TEST_CASE_METHOD(LayoutPushFixture, "an empty directory is taken, hidden files do not count") {
    fs::create_directories(directory);
    write_file_atomically(directory / ".gitkeep", "");
    CHECK_NOTHROW(open());
    CHECK(fs::exists(directory / ".gitkeep"));
}

TEST_CASE_METHOD(LayoutPushFixture, "a directory that holds something else is left alone") {
    fs::create_directories(directory);
    write_file_atomically(directory / "thesis.txt", "");
    auto error = error_of([&] { open(); });
    CHECK(error.kind() == ErrorKind::conflict);
    CHECK_THAT(error.message(), ContainsSubstring("holds something else than an OCI image layout"));
    CHECK(std::distance(fs::directory_iterator(directory), fs::directory_iterator()) == 1);
}

TEST_CASE_METHOD(LayoutPushFixture, "a layout that was begun is completed") {
    fs::create_directories(directory);
    write_file_atomically(directory / "index.json", R"({"schemaVersion":2,"manifests":[]})");
    open();
    CHECK(fs::exists(directory / "oci-layout"));
}

TEST_CASE_METHOD(LayoutPushFixture, "a layout of another version is left alone") {
    fs::create_directories(directory);
    write_file_atomically(directory / "oci-layout", R"({"imageLayoutVersion":"2.0.0"})");
    CHECK(error_of([&] { open(); }).kind() == ErrorKind::unsupported);
}

TEST_CASE_METHOD(LayoutPushFixture, "links for directories are not followed") {
    fs::create_directories(directory);
    fs::create_directory(parent.path() / "elsewhere");
    write_file_atomically(directory / "oci-layout", R"({"imageLayoutVersion":"1.0.0"})");
    fs::create_symlink(parent.path() / "elsewhere", directory / "blobs");
    CHECK(error_of([&] { open(); }).kind() == ErrorKind::conflict);
    CHECK(fs::is_empty(parent.path() / "elsewhere"));
}

TEST_CASE_METHOD(LayoutPushFixture, "a file is no directory for a layout") {
    write_file_atomically(parent.path() / "file", "");
    auto error = error_of([&] { open_layout_destination(parent.path() / "file", "latest"); });
    CHECK_THAT(error.message(), ContainsSubstring("cannot make the directory"));
}

TEST_CASE_METHOD(LayoutPushFixture, "several writers lose no entry") {
    {
        std::vector<std::jthread> threads;
        for (int i = 0; i < 6; i++) {
            threads.emplace_back([this, i] {
                std::string name = fmt::format("tag{}", i);
                auto target = open_layout_destination(directory, name);
                target->put_blob(describe("shared", "a/b"), TextContent("shared"), {});
                target->put_manifest(manifest_called(name), a_manifest_type, {});
            });
        }
    }
    CHECK(index()["manifests"].size() == 6);
    for (int i = 0; i < 6; i++) CHECK(root(fmt::format("tag{}", i)) == manifest_called(fmt::format("tag{}", i)));
}

TEST_CASE_METHOD(LayoutPushFixture, "the index is not touched while another process writes it") {
    put(manifest_called("a"));
    FileLock other = FileLock::acquire(directory / ".lock", LockMode::exclusive);
    std::stop_source stop;
    stop.request_stop();
    auto error = error_of([&] { open()->put_manifest(manifest_called("a"), a_manifest_type, stop.get_token()); });
    CHECK(error.kind() == ErrorKind::interrupted);
    CHECK(index()["manifests"].empty());
}
