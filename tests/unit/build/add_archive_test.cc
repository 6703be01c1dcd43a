// ADD of local archives.
#include "copy_step.h"
#include "support/tar_builder.h"

using namespace gbuild;
using namespace gbuild::test;
using tree::FileType;
using tree::Owner;

namespace {

std::string example_tar() {
    TarFields owned;
    owned.name = "d/f";
    owned.mode = 04755;
    owned.uid = 11;
    owned.gid = 22;
    owned.mtime = 77;
    TarFields late;
    late.name = "late";
    late.mtime = test_epoch + 9;
    return TarBuilder()
        .directory("d/", 0700)
        .entry(owned, "hello")
        .symlink("d/l", "f")
        .hard_link("d/h", "d/f")
        .entry(late, "x")
        .file(".wh.gone", "w")
        .finish();
}

}  // namespace

TEST_CASE("ADD unpacks an archive into the destination") {
    TestContext files;
    files.file("a.tar", example_tar());
    auto added = copy(files, add_step({"a.tar"}, "/opt/x"));
    CHECK(added.text("opt/x/d/f") == "hello");
    CHECK(added.at("opt/x/d")->mode == 0700);
    CHECK(added.at("opt/x/d/l")->target == "f");
    CHECK(added.at("opt/x/d/h") == added.at("opt/x/d/f"));
    CHECK(added.at("opt")->mode == 0755);
    CHECK_FALSE(added.at("opt/x/a.tar"));
}

TEST_CASE("unpacked files keep the archive's owners, modes and times up to the epoch") {
    TestContext files;
    files.file("a.tar", example_tar());
    auto added = copy(files, add_step({"a.tar"}, "/"));
    CHECK(added.owner("d/f") == Owner{11, 22});
    CHECK(added.at("d/f")->mode == 04755);
    CHECK(added.at("d/f")->mtime == 77);
    CHECK(added.at("late")->mtime == test_epoch);
}

TEST_CASE("--chown changes unpacked files, --chmod does not") {
    TestContext files;
    files.file("a.tar", example_tar());
    auto step = add_step({"a.tar"}, "/x/");
    step.chown = "5:6";
    step.chmod = "600";
    auto added = copy(files, step);
    CHECK(added.owner("x/d/f") == Owner{5, 6});
    CHECK(added.owner("x") == Owner{5, 6});
    CHECK(added.at("x/d/f")->mode == 04755);
}

TEST_CASE("whiteout names in an archive are plain files") {
    TestContext files;
    files.file("a.tar", example_tar());
    auto added = copy(files, add_step({"a.tar"}, "/"), tree_of({file("gone")}));
    CHECK(added.at("gone"));
    CHECK(added.text(".wh.gone") == "w");
}

TEST_CASE("COPY does not unpack") {
    TestContext files;
    files.file("a.tar", example_tar());
    CHECK(copy(files, copy_step({"a.tar"}, "/x/")).text("x/a.tar") == example_tar());
}

TEST_CASE("ADD --unpack=false does not unpack") {
    TestContext files;
    files.file("a.tar", example_tar());
    auto step = add_step({"a.tar"}, "/x/");
    step.unpack = false;
    CHECK(copy(files, step).at("x/a.tar"));
}

TEST_CASE("ADD copies what is no archive") {
    TestContext files;
    files.file("a.tar", "not a tar at all").file("data.gz", "\x1f\x8b\x08 damaged").file("d/b.tar", example_tar());
    auto added = copy(files, add_step({"a.tar", "data.gz", "d"}, "/x/"));
    CHECK(added.text("x/a.tar") == "not a tar at all");
    CHECK(added.at("x/data.gz"));
    CHECK(added.at("x/b.tar"));  // below a directory nothing is unpacked
}

TEST_CASE("files and archives lie over one another in the order of the step") {
    TestContext files;
    files.file("a.tar", TarBuilder().file("f", "from the archive").finish()).file("f", "the file");
    auto text = [&](std::vector<std::string> sources) {
        auto context = files.open();
        auto step = add_step(std::move(sources), "/x/");
        tree::Tree image;
        auto result = build::copy_layer({step, &context, image, {}, 0});
        return read_stream(*result.to_pack).contents.at("x/f");
    };
    CHECK(text({"a.tar", "f"}) == "the file");
    CHECK(text({"f", "a.tar"}) == "from the archive");
}

TEST_CASE("an archive is not unpacked over a file") {
    TestContext files;
    files.file("a.tar", example_tar());
    CHECK_THROWS_WITH(copy(files, add_step({"a.tar"}, "/f"), tree_of({file("f")})),
                      "cannot copy into \"/f\": \"/f\" is not a directory");
}

TEST_CASE("an archive cannot leave the image, whatever its names and links") {
    TestContext files;
    files.file("up.tar", TarBuilder().file("ok").file("../../etc/passwd", "evil").finish());
    CHECK_THROWS_AS(copy(files, add_step({"up.tar"}, "/x")), Error);
}

TEST_CASE("an archive whose first member is bad is not taken for a plain file") {
    for (const TarBuilder& tar : {TarBuilder().file("../../etc/evil", "x"), TarBuilder().hard_link("l", "../../evil"),
                                  TarBuilder().pax({{"path", "../up"}}).file("x")}) {
        TestContext files;
        files.file("a.tar", tar.finish());
        Error error = error_of([&] { copy(files, add_step({"a.tar"}, "/x/")); });
        CHECK(error.kind() == ErrorKind::integrity);
    }
}

TEST_CASE("the key of an archive stands for its bytes, place and owner") {
    auto key = [](const std::string& tar, const char* destination, std::optional<std::string> chown) {
        TestContext files;
        files.file("a.tar", tar);
        auto step = add_step({"a.tar"}, destination);
        step.chown = std::move(chown);
        return copy(files, step).key;
    };
    Digest plain = key(example_tar(), "/x", {});
    CHECK(plain == key(example_tar(), "/x/", {}));
    CHECK(plain != key(example_tar() + std::string(512, '\0'), "/x", {}));
    CHECK(plain != key(example_tar(), "/y", {}));
    CHECK(plain != key(example_tar(), "/x", "0:0"));
}

TEST_CASE("an archive that changes after it was hashed is refused while packing") {
    TestContext files;
    files.file("a.tar", example_tar());
    auto context = files.open();
    auto step = add_step({"a.tar"}, "/x");
    tree::Tree image;
    auto result = build::copy_layer({step, &context, image, {}, 0});
    files.file("a.tar", example_tar() + std::string(512, '\0'));
    CHECK(error_of([&] { read_stream(*result.to_pack); }).kind() == ErrorKind::integrity);
}

TEST_CASE("a truncated archive is an error that names it") {
    TestContext files;
    files.file("a.tar", TarBuilder().file("a", "x").open_ended() + std::string(100, 'y'));
    Error error = error_of([&] { copy(files, add_step({"a.tar"}, "/x")); });
    CHECK(error.kind() == ErrorKind::integrity);
    CHECK_THAT(error.message(), ContainsSubstring("a.tar"));
}
