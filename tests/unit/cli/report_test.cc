#include "fake_console.h"
#include "gbuild/base/atomic_file.h"
#include "gbuild/base/error.h"
#include "gbuild/cli/build_report.h"
#include "gbuild/cli/image_argument.h"
#include "gbuild/cli/image_facts.h"
#include "gbuild/cli/image_table.h"
#include "gbuild/engine/build.h"
#include "gbuild/store/store.h"
#include "support/catch.h"

using namespace gbuild;
using namespace gbuild::cli;

namespace {

const std::string sha3(56, 'a'), id_text(64, 'b');

build::BuildResult result() {
    build::BuildResult result;
    result.file = "golem-example-latest.gvmi";
    result.size = 58'912'345;
    result.sha3 = sha3;
    result.image_id = id_text;
    result.inodes = 9;
    result.config.volumes = {"/golem/input", "/golem/output"};
    result.config.working_dir = "/golem/work";
    result.bases = {{"docker.io/library/debian:latest", Digest::of("x")}};
    return result;
}

store::ImageRecord record(const std::string& file) {
    return {"golem-example", "latest", id_text, sha3, 1'000'000, 58'912'345, file};
}

// Builds x.gvmi in `dir`, with a store in store/.
build::BuildResult build_image(const std::filesystem::path& dir, const std::string& dockerfile,
                               const std::string& repository = "golem-example") {
    NullSink events;
    build::BuildOptions options;
    options.context = dir;
    options.dockerfile_text = dockerfile;
    options.store_root = dir / "store";
    options.output = dir / "x.gvmi";
    options.tags = {{repository, "latest"}};
    return build::Build(options, events).without_commands().run(events, {});
}

}  // namespace

TEST_CASE("the last lines of a build") {
    build::BuildOptions options;
    options.tags = {{"golem-example", "latest"}, {"golem-example", "1.0"}};
    CHECK(build_summary(options, result()) == "Successfully tagged golem-example:latest\n"
                                              "Successfully tagged golem-example:1.0\n"
                                              "File: golem-example-latest.gvmi\n"
                                              "Size: 58.9 MB\n"
                                              "hash:sha3:" +
                                                  sha3 +
                                                  "\n"
                                                  "Volumes: /golem/input /golem/output\n"
                                                  "Working directory: /golem/work\n");
}

TEST_CASE("the last lines of a build without tag, volumes and directory, and with a user") {
    build::BuildResult built = result();
    built.config = {};
    built.config.user = "1000:1000";
    CHECK(build_summary({}, built) == "Successfully built bbbbbbbbbbbb\n"
                                      "File: golem-example-latest.gvmi\n"
                                      "Size: 58.9 MB\n"
                                      "hash:sha3:" +
                                          sha3 +
                                          "\n"
                                          "Volumes: none\n"
                                          "Working directory: /\n"
                                          "User: 1000:1000\n");
}

TEST_CASE("metadata has the keys that are documented") {
    build::BuildOptions options;
    options.tags = {{"a", "1"}, {"b", "2"}};
    Json json = build_metadata(options, result());
    CHECK(json["containerimage.config.digest"] == "sha256:" + id_text);
    CHECK(json["image.name"] == "a:1,b:2");
    CHECK(json["gbuild.sha3"] == sha3);
    CHECK(json["gbuild.manifestHash"] == "sha3:" + sha3);
    CHECK(json["gbuild.hash"] == "hash:sha3:" + sha3);
    CHECK(json["gbuild.size"] == 58'912'345);
    CHECK(json["gbuild.volumes"] == Json::parse(R"(["/golem/input", "/golem/output"])"));
    CHECK(json["gbuild.bases"][0]["reference"] == "docker.io/library/debian:latest");
    CHECK(json["gbuild.bases"][0]["digest"] == Digest::of("x").text());
    CHECK(std::filesystem::path(json["gbuild.file"].get<std::string>()).is_absolute());
}

TEST_CASE("images are listed under a heading, missing files marked") {
    CHECK(images_text({{record("/out/a.gvmi"), FileState::present}, {record("/out/b.gvmi"), FileState::missing}},
                      1'000'000 + 7200) ==
          "REPOSITORY     TAG     IMAGE ID      CREATED      SIZE     HASH          FILE\n"
          "golem-example  latest  bbbbbbbbbbbb  2 hours ago  58.9 MB  aaaaaaaaaaaa  /out/a.gvmi\n"
          "golem-example  latest  bbbbbbbbbbbb  2 hours ago  58.9 MB  aaaaaaaaaaaa  /out/b.gvmi (missing)\n");
    CHECK(images_text({}, 0) == "REPOSITORY  TAG  IMAGE ID  CREATED  SIZE  HASH  FILE\n");
}

TEST_CASE("images as JSON") {
    CHECK(images_json({}).dump() == "[]");
    CHECK(images_json({{record("/out/b.gvmi"), FileState::missing}}).dump() ==
          "[{\"repository\":\"golem-example\",\"tag\":\"latest\",\"imageId\":\"" + id_text + "\",\"sha3\":\"" + sha3 +
              "\",\"hash\":\"hash:sha3:" + sha3 +
              "\",\"created\":\"1970-01-12T13:46:40Z\",\"size\":58912345,\"file\":\"/out/"
              "b.gvmi\",\"missing\":true,\"replaced\":false}]");
}

TEST_CASE("an image is a file first, then a tag") {
    TempDir dir;
    std::string file = dir.path() / "x.gvmi";
    auto root = dir.path() / "store";
    write_file_atomically(file, "x");
    CHECK(find_image_argument(file, root).file == file);
    CHECK(!std::filesystem::exists(root));

    auto built = build_image(dir.path(), "FROM scratch\n");
    CHECK(find_image_argument("golem-example", root).file == file);
    CHECK(find_image_argument("golem-example:latest", root).record->sha3 == built.sha3);
}

TEST_CASE("a tag whose file became another image says so") {
    TempDir dir;
    build_image(dir.path(), "FROM scratch\n");
    auto root = dir.path() / "store";
    auto record = store::find_image(root, "golem-example", "latest").value();
    CHECK(file_state(record) == FileState::present);
    auto refused = [&] {
        CHECK(file_state(record) == FileState::replaced);
        CHECK(images_text({{record, file_state(record)}}, 0).find("(replaced)") != std::string::npos);
        try {
            find_image_argument("golem-example", root);
        } catch (const Error& error) {
            return error.kind() == ErrorKind::conflict;
        }
        return false;
    };
    SECTION("by no image at all") {
        write_file_atomically(record.file, "garbage");
        CHECK(refused());
    }
    SECTION("by another build, under another tag") {
        build_image(dir.path(), "FROM scratch\nENV A=b\n", "other");
        CHECK(refused());
    }
    SECTION("by nothing") {
        std::filesystem::remove(record.file);
        CHECK(file_state(record) == FileState::missing);
    }
}

TEST_CASE("an image that is neither is not found, with the nearest tag") {
    TempDir dir;
    store::Store(dir.path()).put_image(record("/no/such/file.gvmi"));
    auto failure = [&](const std::string& text) -> std::string {
        try {
            find_image_argument(text, dir.path());
        } catch (const Error& error) {
            CHECK(error.kind() == ErrorKind::not_found);
            return error.message() + " | " + error.hint();
        }
        return "no error";
    };
    CHECK(failure("golem-exmaple") ==
          "\"golem-exmaple\" is neither a file nor the name or id of an image | did you mean golem-example?");
    CHECK(failure("UPPER/x.gvmi") ==
          "\"UPPER/x.gvmi\" is neither a file nor the name or id of an image | gbuild images lists names and ids");
    CHECK(failure("golem-example") ==
          "the file of golem-example:latest, \"/no/such/file.gvmi\", is gone | build it again");
}

TEST_CASE("facts of an image, in columns") {
    ImageFacts facts;
    facts.file = "x.gvmi";
    facts.size = 4096;
    facts.sha3 = sha3;
    facts.squashfs.block_size = 131072;
    facts.squashfs.inode_count = 12;
    facts.squashfs.exportable = true;
    facts.trailer.image_id = id_text;
    facts.trailer.config.env = {"A=1", "B=\x1b"};
    facts.trailer.config.cmd = std::vector<std::string>{"sh", "-c", "x"};
    facts.trailer_json = "{\"Env\":[\"A=1\"]}";
    CHECK(facts_text(facts) == "File:               x.gvmi\n"
                               "Size:               4.1 kB (4096 bytes)\n"
                               "Hash for SDKs:      " +
                                   sha3 +
                                   "\n"
                                   "For manifests:      sha3:" +
                                   sha3 +
                                   "\n"
                                   "For task packages:  hash:sha3:" +
                                   sha3 +
                                   ":URL\n"
                                   "Image id:           " +
                                   id_text +
                                   "\n"
                                   "Compression:        gzip\n"
                                   "Block size:         128 KiB\n"
                                   "Inodes:             12\n"
                                   "Fragments:          0\n"
                                   "Owners:             0\n"
                                   "Created:            1970-01-01T00:00:00Z\n"
                                   "Export table:       yes\n"
                                   "Xattrs:             no\n"
                                   "User:               0:0 (not set)\n"
                                   "Working directory:  / (not set)\n"
                                   "Environment:        A=1\n"
                                   "                    B=\\x1b\n"
                                   "Command:            [\"sh\",\"-c\",\"x\"]\n");
    Json json = facts_json(facts);
    CHECK(json["squashfs"]["compression"] == "gzip");
    CHECK(json["squashfs"]["inodes"] == 12);
    CHECK(json["config"]["Env"][0] == "A=1");
    CHECK(json["sha3"] == sha3);
    CHECK(json["manifestHash"] == "sha3:" + sha3);
    CHECK(json["hash"] == "hash:sha3:" + sha3);
}
