// What the flags of COPY do.
#include "gbuild/copy/copy_layer.h"

#include "copy_step.h"

using namespace gbuild;
using namespace gbuild::test;
using tree::FileType;
using tree::Owner;

TEST_CASE("--chown by number changes everything that is copied or made") {
    TestContext files;
    files.file("src/a").link("src/l", "a").directory("src/d");
    auto step = copy_step({"src"}, "/x/app");
    step.chown = "10:20";
    auto copied = copy(files, step);
    for (const char* path : {"x", "x/app", "x/app/a", "x/app/l", "x/app/d"}) CHECK(copied.owner(path) == Owner{10, 20});
}

TEST_CASE("--chown by name is looked up in the image's accounts") {
    TestContext files;
    files.file("a");
    auto step = copy_step({"a"}, "/a");
    step.chown = "bin:staff";
    CHECK(copy(files, step).owner("a") == Owner{2, 50});
    step.chown = "nobody-known";
    CHECK_THROWS_AS(copy(files, step), Error);
}

TEST_CASE("a numeric --chown does not ask for the accounts") {
    TestContext files;
    files.file("a");
    auto context = files.open();
    auto step = copy_step({"a"}, "/a");
    step.chown = "7";
    tree::Tree image;
    auto never = []() -> tree::Accounts { throw Error(ErrorKind::internal, "asked"); };
    auto result = build::copy_layer({step, &context, image, never, 0});
    REQUIRE(result.ready.size() == 1);
    CHECK(result.ready[0].inode.uid == 7);
    CHECK(result.ready[0].inode.gid == 7);
}

TEST_CASE("--chmod changes files and directories, not links") {
    TestContext files;
    files.file("src/a", "", 0600).link("src/l", "a").directory("src/d", 0700);
    auto step = copy_step({"src"}, "/x/app");
    step.chmod = "u=rwX,go=rX";
    auto copied = copy(files, step);
    CHECK(copied.at("x/app/a")->mode == 0644);
    CHECK(copied.at("x/app/d")->mode == 0755);
    CHECK(copied.at("x/app/l")->mode == 0777);
    step.chmod = "4750";
    copied = copy(files, step);
    CHECK(copied.at("x/app/a")->mode == 04750);
    CHECK(copied.at("x/app/d")->mode == 04750);
}

TEST_CASE("an octal --chmod counts for directories that a step makes, a symbolic one does not (L-3)") {
    TestContext files;
    files.file("src/a", "", 0600).directory("src/d", 0700).file("f");
    struct Mode {
        const char* text;
        uint16_t made;
    };
    const Mode mode = GENERATE(Mode{"700", 0700}, Mode{"0711", 0711}, Mode{"2770", 02770}, Mode{"1777", 01777},
                               Mode{"0", 0}, Mode{"u=rwX,go=", 0755}, Mode{"g+s", 0755});
    CAPTURE(mode.text);
    auto run = [&](plan::CopyStep step, const tree::Tree& image = {}) {
        step.chmod = mode.text;
        return copy(files, step, image);
    };
    auto directory = run(copy_step({"src"}, "/n1/n2"));
    CHECK(directory.at("n1")->mode == mode.made);
    CHECK(directory.at("n1/n2")->mode == mode.made);
    CHECK(run(add_step({"src"}, "/n1/n2/")).at("n1/n2")->mode == mode.made);
    CHECK(run(copy_step({"f"}, "/p/q/g")).at("p/q")->mode == mode.made);
    CHECK(run(copy_step({"f"}, "/p/q/")).at("p")->mode == mode.made);

    auto there = run(copy_step({"src"}, "/old/new"), tree_of({dir("old", 0750)}));
    CHECK(there.at("old")->mode == 0750);
    CHECK(there.at("old/new")->mode == mode.made);

    plan::CopyStep linked = copy_step({"f"}, "/old/new/f");
    linked.link = true;
    CHECK(run(linked, tree_of({dir("old", 0750)})).at("old/new")->mode == mode.made);

    plan::CopyStep with_parents = copy_step({"src/./a"}, "/p/q/");
    with_parents.parents = true;
    CHECK(run(with_parents).at("p/q")->mode == mode.made);

    plan::CopyStep inline_file = copy_step({}, "/p/q/");
    inline_file.inline_files = {{"h", "text"}};
    CHECK(run(inline_file).at("p/q")->mode == mode.made);
}

TEST_CASE("an octal --chmod counts for directories made by COPY --from (L-3)") {
    auto step = copy_step({"src"}, "/n1/n2");
    step.chmod = "0750";
    auto copied = copy_from(tree_of({dir("src"), dir("src/d", 0700)}), step);
    CHECK(copied.at("n1")->mode == 0750);
    CHECK(copied.at("n1/n2")->mode == 0750);
    CHECK(copied.at("n1/n2/d")->mode == 0750);
}

TEST_CASE("--exclude counts from the copied directory") {
    TestContext files;
    files.file("src/a.txt").file("src/b.md").file("src/sub/c.txt").file("src/out/x");
    auto step = copy_step({"src"}, "/d");
    step.exclude = {"*.txt", "out"};
    auto copied = copy(files, step);
    CHECK_FALSE(copied.at("d/a.txt"));
    CHECK_FALSE(copied.at("d/out"));
    CHECK(copied.at("d/b.md"));
    CHECK(copied.at("d/sub/c.txt"));
}

TEST_CASE("--exclude leaves out files that are sources themselves") {
    TestContext files;
    files.file("home.txt").file("home.md").file("sub/hom.txt");
    auto step = copy_step({"hom*", "sub/hom.txt"}, "/d/");
    step.exclude = {"*.txt"};
    auto copied = copy(files, step);
    CHECK(copied.at("d/home.md"));
    CHECK_FALSE(copied.at("d/home.txt"));
    CHECK_FALSE(copied.at("d/hom.txt"));
}

TEST_CASE("--exclude with a negation keeps a file and its directories") {
    TestContext files;
    files.file("src/d/keep", "", 0600).file("src/d/drop").directory("src/d", 0711);
    auto step = copy_step({"src"}, "/x");
    step.exclude = {"d", "!d/keep"};
    auto copied = copy(files, step);
    CHECK(copied.at("x/d/keep"));
    CHECK(copied.at("x/d")->mode == 0711);
    CHECK_FALSE(copied.at("x/d/drop"));
}

TEST_CASE("an unreadable or odd file that --exclude names cannot fail the step") {
    TestContext files;
    files.file("src/a").directory("src/bad", 0);
    auto step = copy_step({"src"}, "/x");
    step.exclude = {"bad"};
    CHECK(copy(files, step).at("x/a"));
}

TEST_CASE("--parents keeps the directories of the source") {
    TestContext files;
    files.file("foo1/foo2/bar", "1").file("foo1/foo2/baz").file("foo1/other").directory("foo1/foo2", 0700);
    auto step = copy_step({"foo1/foo2/ba*"}, "/test");
    step.parents = true;
    auto copied = copy(files, step);
    CHECK(copied.text("test/foo1/foo2/bar") == "1");
    CHECK(copied.at("test/foo1/foo2/baz"));
    CHECK(copied.at("test/foo1/foo2")->mode == 0700);
    CHECK_FALSE(copied.at("test/foo1/other"));
}

TEST_CASE("--parents leaves directories that are there as they are") {
    TestContext files;
    files.file("d/a").directory("d", 0700);
    auto step = copy_step({"d/a"}, "/");
    step.parents = true;
    CHECK(copy(files, step, tree_of({dir("d", 01777)})).at("d")->mode == 01777);
}

TEST_CASE("--parents keeps only what follows the pivot") {
    TestContext files;
    files.file("a/b/c/d/foo").file("a/b2/c/d/e/bar").file("a/b/c2/d/baz");
    auto step = copy_step({"/a/b/./c/d"}, "/out/");
    step.parents = true;
    auto copied = copy(files, step);
    CHECK(copied.at("out/c/d/foo"));
    CHECK_FALSE(copied.at("out/a"));
    step.paths = {"a/b*/./c/**/bar", "a/b/c*/./d/**/baz"};
    copied = copy(files, step);
    CHECK(copied.at("out/c/d/e/bar"));
    CHECK(copied.at("out/d/baz"));
    CHECK_FALSE(copied.at("out/c/d/foo"));
    step.paths = {"/a/./b/./c"};
    CHECK(copy(files, step).at("out/b/c/d/foo"));
}

TEST_CASE("--parents without a match is an error like any other") {
    TestContext files;
    files.file("a/bar");
    auto step = copy_step({"a/baz"}, "/");
    step.parents = true;
    Error error = error_of([&] { copy(files, step); });
    CHECK(error.message() == "\"a/baz\" is not in the build context");
    CHECK(error.hint() == "did you mean \"a/bar\"?");
    step.paths = {"a/*.c"};
    CHECK(copy(files, step).remarks.size() == 1);
}

TEST_CASE("--link does not look at the image") {
    TestContext files;
    files.file("a", "x");
    auto step = copy_step({"a"}, "/lib/x/");
    step.link = true;
    auto image = tree_of({dir("usr/lib"), soft_link("lib", "usr/lib")});
    auto copied = copy(files, step, image);
    CHECK(copied.text("lib/x/a") == "x");
    CHECK(copied.at("lib")->is_directory());
    CHECK_FALSE(copied.at("usr/lib/x"));
    auto elsewhere = copy(files, step, tree_of({dir("lib/x", 0700)}));
    CHECK(elsewhere.key == copied.key);
    CHECK(elsewhere.at("lib/x")->mode == 0755);
}

TEST_CASE("--parents does not follow links, and says so") {
    TestContext files;
    files.file("a/h.md").link("la", "a").link("lb", "la");
    auto step = copy_step({"lb/h.md"}, "/x/");
    step.parents = true;
    Error error = error_of([&] { copy(files, step); });
    CHECK(error.kind() == ErrorKind::dockerfile);
    CHECK(error.message() ==
          "\"lb/h.md\" cannot be copied with its parents: \"lb\" in the build context is a symbolic link");
    CHECK(error.hint() == "name what it leads to: a/h.md");

    auto ignored = files.open("a/h.md\n");
    CHECK_THROWS_WITH(run_copy(step, &ignored, {}), ContainsSubstring("is excluded from the build context"));
    auto link_ignored = files.open("la\n");
    CHECK_THROWS_WITH(run_copy(step, &link_ignored, {}), ContainsSubstring("is excluded from the build context"));
}
