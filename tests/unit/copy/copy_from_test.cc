// COPY --from a stage, image or named context: a tree whose contents are packed.
#include "copy_step.h"

using namespace gbuild;
using namespace gbuild::test;
using tree::ContentRef;
using tree::FileType;
using tree::Owner;

TEST_CASE("--from copies references to contents that are packed already") {
    auto source = tree_of({file("app/bin", 3, 0755)});
    auto copied = copy_from(source, copy_step({"/app/bin"}, "/usr/bin/"));
    CHECK_FALSE(copied.has_stream);
    REQUIRE(copied.at("usr/bin/bin"));
    CHECK(copied.at("usr/bin/bin")->content == ContentRef{0, 3});
    CHECK(copied.at("usr/bin/bin")->size == 103);
    CHECK(copied.at("usr/bin/bin")->mode == 0755);
}

TEST_CASE("--from keeps owners, xattrs, devices and times up to the epoch") {
    auto made = file("d/a", 1, 0644, {100, 200});
    made.inode.mtime = 5;
    made.inode.xattrs = {{"security.capability", "x"}};
    auto late = file("d/b", 2);
    late.inode.mtime = test_epoch + 5;
    auto device = entry("d/null", FileType::char_device, 0666);
    device.inode.device_major = 1;
    device.inode.device_minor = 3;
    auto copied = copy_from(tree_of({dir("d"), made, late, device}), copy_step({"/d"}, "/e"));
    CHECK(copied.owner("e/a") == Owner{100, 200});
    CHECK(copied.at("e/a")->mtime == 5);
    CHECK(copied.at("e/a")->xattrs.size() == 1);
    CHECK(copied.at("e/b")->mtime == test_epoch);
    CHECK(copied.at("e/null")->device_minor == 3);
}

TEST_CASE("--from without --chown makes the destination root's") {
    auto copied = copy_from(tree_of({dir("dir", 0700, {100, 200}), file("dir/f", 1, 0600, {102, 202})}),
                            copy_step({"/dir"}, "/dir"));
    CHECK(copied.owner("dir") == Owner{0, 0});
    CHECK(copied.at("dir")->mode == 0755);
    CHECK(copied.owner("dir/f") == Owner{102, 202});
}

TEST_CASE("--from with --chown changes what is copied") {
    auto step = copy_step({"/dir"}, "/dir");
    step.chown = "300:400";
    auto copied = copy_from(tree_of({dir("dir/sub", 0700, {100, 200}), file("dir/sub/f", 1)}), step,
                            tree_of({dir("dir", 0755, {500, 600})}));
    CHECK(copied.owner("dir") == Owner{500, 600});
    CHECK(copied.owner("dir/sub") == Owner{300, 400});
    CHECK(copied.owner("dir/sub/f") == Owner{300, 400});
}

TEST_CASE("--from matches wildcards in the tree") {
    auto source = tree_of({file("out/a.whl", 1), file("out/b.whl", 2), file("out/c.txt", 3)});
    auto copied = copy_from(source, copy_step({"/out/*.whl"}, "/w/"));
    CHECK(copied.at("w/a.whl"));
    CHECK(copied.at("w/b.whl"));
    CHECK_FALSE(copied.at("w/c.txt"));
}

TEST_CASE("--from follows links in the tree for the source, and copies those below") {
    auto source = tree_of({file("usr/lib/x", 1), soft_link("lib", "usr/lib"), soft_link("usr/lib/l", "/etc"),
                           soft_link("alias", "/lib/x")});
    CHECK(copy_from(source, copy_step({"/lib/x"}, "/x")).at("x")->size == 101);
    CHECK(copy_from(source, copy_step({"/alias"}, "/d/")).at("d/alias")->size == 101);
    auto copied = copy_from(source, copy_step({"/lib"}, "/d"));
    CHECK(copied.at("d/x"));
    CHECK(copied.at("d/l")->type == FileType::symlink);
}

TEST_CASE("--from keeps hard links of one source together") {
    auto source = tree_of({file("d/a", 1), hard_link("d/b", "d/a"), file("d/c", 2)});
    auto copied = copy_from(source, copy_step({"/d"}, "/e"));
    CHECK(copied.at("e/a") == copied.at("e/b"));
    CHECK(copied.at("e/a") != copied.at("e/c"));
}

TEST_CASE("a file copied twice by a step is two files") {
    auto source = tree_of({file("a", 1), hard_link("b", "a")});
    auto copied = copy_from(source, copy_step({"/a", "/b"}, "/d/"));
    CHECK(copied.at("d/a") != copied.at("d/b"));
}

TEST_CASE("--from the root copies everything") {
    auto copied = copy_from(tree_of({file("etc/x", 1), soft_link("l", "etc")}), copy_step({"/"}, "/"));
    CHECK(copied.at("etc/x"));
    CHECK(copied.at("l"));
}

TEST_CASE("dots do not lead out of the tree") {
    auto copied = copy_from(tree_of({file("etc/x", 1)}), copy_step({"../../etc/x"}, "/x"));
    CHECK(copied.at("x"));
}

TEST_CASE("a source that is not in the stage names the stage and the nearest name") {
    Error error = error_of([] { copy_from(tree_of({file("app/main", 1)}), copy_step({"/app/mainn"}, "/x")); });
    CHECK(error.kind() == ErrorKind::dockerfile);
    CHECK(error.message() == "\"/app/mainn\" is not in stage \"build\"");
    CHECK(error.hint() == "did you mean \"app/main\"?");
}

TEST_CASE("a link to nothing in the stage is an error") {
    auto source = tree_of({soft_link("dead1", "/nowhere")});
    CHECK_THROWS_AS(copy_from(source, copy_step({"/dead1"}, "/x")), Error);
    CHECK_THROWS_AS(copy_from(source, copy_step({"/dead*"}, "/x")), Error);
}

TEST_CASE("--from with --exclude and --parents") {
    auto step = copy_step({"/a/./b"}, "/out");
    step.parents = true;
    step.exclude = {"b/*.o"};
    auto copied = copy_from(tree_of({file("a/b/x.c", 1), file("a/b/x.o", 2), file("a/c", 3)}), step);
    CHECK(copied.at("out/b/x.c"));
    CHECK_FALSE(copied.at("out/b/x.o"));
    CHECK_FALSE(copied.at("out/c"));
}

TEST_CASE("--from with a heredoc gives both parts of a layer") {
    auto step = copy_step({"/a"}, "/d/");
    step.inline_files = {{"b", "text"}};
    auto copied = copy_from(tree_of({file("a", 1)}), step);
    CHECK(copied.at("d/a")->content == ContentRef{0, 1});
    CHECK(copied.text("d/b") == "text");
    CHECK(copied.ready.size() == 2);
    CHECK(copied.packed.entries.size() == 1);
}

TEST_CASE("an archive in a stage is not unpacked") {
    auto step = add_step({"/a.tar"}, "/d/");
    CHECK(copy_from(tree_of({file("a.tar", 1)}), step).at("d/a.tar"));
}

TEST_CASE("a name longer than any file's is not in an image, and not shown whole") {
    tree::Tree source = tree_of({file("f")});
    for (size_t length : {300u, 1'000'000u}) {
        Error error = error_of([&] { copy_from(source, copy_step({std::string(length, 'y')}, "/x")); });
        CHECK(error.kind() == ErrorKind::dockerfile);
        CHECK(error.message().size() < 200);
    }
}

TEST_CASE("a socket of a stage is copied as one (S-7)") {
    const tree::Tree stage = tree_of({dir("d"), entry("d/s", tree::FileType::socket, 0755)});
    for (const char* source : {"/d/s", "/d"}) {
        auto copied = copy_from(stage, copy_step({source}, "/to/"));
        CHECK(copied.at("to/s")->type == tree::FileType::socket);
        CHECK(copied.remarks.empty());
    }
}
