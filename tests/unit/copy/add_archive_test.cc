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

TEST_CASE("an archive's entry for its root gives the destination no attributes (S-1)") {
    const char* name = GENERATE("./", ".", "/", "", "d/..");
    CAPTURE(name);
    TarFields root;
    root.name = name;
    root.type = '5';
    root.mode = 0700;
    root.uid = 501;
    root.gid = 20;
    TestContext files;
    files.file("a.tar", TarBuilder().entry(root).file("./app", "x").finish());
    files.file("b.tar", TarBuilder().file("other").entry(root).finish());

    auto made = copy(files, add_step({"a.tar", "b.tar"}, "/usr/local/"));
    CHECK(made.at("usr/local")->mode == 0755);
    CHECK(made.owner("usr/local") == Owner{0, 0});
    CHECK(made.text("usr/local/app") == "x");

    auto there = copy(files, add_step({"a.tar"}, "/tmp"), tree_of({dir("tmp", 01777, {3, 4})}));
    CHECK(there.at("tmp")->mode == 01777);
    CHECK(there.owner("tmp") == Owner{3, 4});

    auto onto_root = copy(files, add_step({"a.tar"}, "/"));
    CHECK(onto_root.at("")->mode == 0755);
    CHECK(onto_root.owner("") == Owner{0, 0});

    auto step = add_step({"a.tar"}, "/new");
    step.chown = "5:6";
    step.chmod = "600";
    auto owned = copy(files, step);
    CHECK(owned.at("new")->mode == 0755);
    CHECK(owned.owner("new") == Owner{5, 6});
    CHECK(owned.owner("new/app") == Owner{5, 6});
}

TEST_CASE("an archive's root entry is skipped whatever its type (S-25)") {
    TarFields root;
    root.name = GENERATE("./", ".", "/", "");
    root.type = GENERATE('0', '1', '2', '3', '6');
    root.link = "etc";
    CAPTURE(root.name, root.type);
    TestContext files;
    files.file("a.tar",
               TarBuilder().file("before", "1").entry(root, root.type == '0' ? "text" : "").file("app", "x").finish());
    auto added = copy(files, add_step({"a.tar"}, "/x"));
    CHECK(added.at("x")->is_directory());
    CHECK(added.text("x/before") == "1");
    CHECK(added.text("x/app") == "x");
}

TEST_CASE("a symbolic link of an archive has mode 0777 (S-26)") {
    TarFields link;
    link.name = "l";
    link.type = '2';
    link.mode = 0644;
    link.link = "f";
    TestContext files;
    files.file("a.tar", TarBuilder().entry(link).finish());
    CHECK(copy(files, add_step({"a.tar"}, "/"), {}).at("l")->mode == 0777);
}

TEST_CASE("links of an archive lead nowhere but below the destination (S-16)") {
    struct Way {
        TarBuilder tar;
        const char* file;  // where the one with the contents "evil" has to be
    };
    const Way ways[] = {
        {TarBuilder().symlink("up", "..").file("up/etc/f", "evil"), "opt/app/etc/f"},
        {TarBuilder().symlink("up", "../../../..").file("up/etc/f", "evil"), "opt/app/etc/f"},
        {TarBuilder().symlink("up", "/").file("up/etc/f", "evil"), "opt/app/etc/f"},
        {TarBuilder().symlink("up", "/etc").file("up/f", "evil"), "opt/app/etc/f"},
        {TarBuilder().symlink("a", "/b").symlink("b", "../etc").file("a/f", "evil"), "opt/app/etc/f"},
        {TarBuilder().directory("d").symlink("d/up", "../..").file("d/up/etc/f", "evil"), "opt/app/etc/f"},
        {TarBuilder().symlink("d/up", "../..").symlink("d/up/out", "..").file("out/etc/f", "evil"), "opt/app/etc/f"},
        {TarBuilder().symlink("up", "..").hard_link("again", "up").file("again/etc/f", "evil"), "opt/app/etc/f"},
        {TarBuilder().symlink("up", "..").directory("up").file("up/f", "evil"), "opt/app/up/f"},
        {TarBuilder().symlink("up", "..").file("up", "evil"), "opt/app/up"},
        {TarBuilder().file("f", "evil").symlink("up", "/").hard_link("g", "up/f"), "opt/app/f"},
        {TarBuilder().symlink("up", "/etc").file("up/f", "evil").hard_link("up/g", "up/f"), "opt/app/etc/f"},
        {TarBuilder().directory("up").symlink("up", "..").file("up/etc/f", "evil"), "opt/app/etc/f"},
    };
    for (const Way& way : ways) {
        CAPTURE(way.file, &way - ways);
        TestContext files;
        files.file("a.tar", way.tar.finish());
        const tree::Tree image = tree_of({dir("etc", 0700), dir("opt")});
        auto added = copy(files, add_step({"a.tar"}, "/opt/app/"), image);
        CHECK(added.text(way.file) == "evil");
        CHECK(added.at(way.file));
        size_t outside = 0;
        added.image.walk([&](const std::string& path, const tree::Node&) { outside += !path.starts_with("opt/app"); });
        CHECK(outside == 3);  // the root, etc, opt
        CHECK(added.at("etc")->mode == 0700);
    }
}

TEST_CASE("links that the image has below the destination lead nowhere else for an archive (S-16)") {
    TestContext files;
    files.file("a.tar",
               TarBuilder().directory("conf", 0700).file("lib/x", "evil").file("deep/down/y", "evil").finish());
    const tree::Tree image = tree_of({dir("etc"), dir("opt/app/deep"), soft_link("opt/app/lib", "/etc"),
                                      soft_link("opt/app/deep/down", "../../../etc"), soft_link("srv", "opt/app"),
                                      soft_link("opt/app/conf", "../../etc")});
    for (const char* destination : {"/opt/app", "/srv/"}) {
        auto added = copy(files, add_step({"a.tar"}, destination), image);
        CHECK(added.text("opt/app/etc/x") == "evil");
        CHECK(added.text("opt/app/etc/y") == "evil");
        CHECK(added.at("opt/app/conf")->is_directory());
        CHECK_FALSE(added.at("etc/x"));
        CHECK_FALSE(added.at("etc/y"));
        CHECK(added.at("etc")->mode == 0755);
    }
}

TEST_CASE("an archive is confined by the links of what was put before it in the same step (S-16)") {
    TestContext files;
    files.file("a.tar", TarBuilder().symlink("up", "..").finish())
        .file("b.tar", TarBuilder().file("up/f", "evil").finish());
    files.link("tree/lib", "/etc").file("c.tar", TarBuilder().file("lib/g", "evil").finish());
    auto added = copy(files, add_step({"a.tar", "b.tar", "tree", "c.tar"}, "/opt/"), tree_of({dir("etc")}));
    CHECK(added.text("opt/f") == "evil");
    CHECK(added.text("opt/etc/g") == "evil");
    CHECK_FALSE(added.at("f"));
    CHECK_FALSE(added.at("etc/g"));
}

TEST_CASE("with --link, what an archive implies replaces links of the image (S-16)") {
    TestContext files;
    files.file("a.tar", TarBuilder().file("lib/x", "evil").symlink("up", "..").file("up/y", "evil").finish());
    auto step = add_step({"a.tar"}, "/opt/app");
    step.link = true;
    auto added = copy(files, step, tree_of({dir("etc"), dir("opt/app"), soft_link("opt/app/lib", "/etc")}));
    CHECK(added.text("opt/app/lib/x") == "evil");
    CHECK(added.at("opt/app/lib")->is_directory());
    CHECK(added.text("opt/app/y") == "evil");
    CHECK_FALSE(added.at("etc/x"));
}

TEST_CASE("onto the image's root an archive follows links as ever") {
    TestContext files;
    files.file("a.tar", TarBuilder().file("bin/x", "x").symlink("up", "..").file("up/y", "y").finish());
    auto added = copy(files, add_step({"a.tar"}, "/"), tree_of({dir("usr/bin"), soft_link("bin", "usr/bin")}));
    CHECK(added.at("usr/bin/x"));
    CHECK(added.at("bin")->target == "usr/bin");
    CHECK(added.at("y"));
}

TEST_CASE("the key of an archive stands for the links below its destination, too") {
    TestContext files;
    files.file("a.tar", TarBuilder().file("lib/x").finish());
    auto key = [&](const tree::Tree& image) { return copy(files, add_step({"a.tar"}, "/opt"), image).key; };
    const Digest plain = key(tree_of({dir("opt")}));
    CHECK(plain == key(tree_of({file("opt/lib/y"), soft_link("etc/l", "x")})));
    CHECK(plain != key(tree_of({soft_link("opt/lib", "x")})));
    CHECK(key(tree_of({soft_link("opt/lib", "y")})) != key(tree_of({soft_link("opt/lib", "x")})));
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
