// COPY from a build context.
#include "gbuild/copy/copy_layer.h"

#include "copy_step.h"

using namespace gbuild;
using namespace gbuild::test;
using tree::FileType;
using tree::Owner;

TEST_CASE("a file is copied to the destination's name") {
    TestContext files;
    files.file("a.txt", "hello", 0640);
    auto copied = copy(files, copy_step({"a.txt"}, "/b.txt"));
    REQUIRE(copied.at("b.txt"));
    CHECK(copied.at("b.txt")->mode == 0640);
    CHECK(copied.at("b.txt")->mtime == test_epoch);
    CHECK(copied.owner("b.txt") == Owner{0, 0});
    CHECK(copied.text("b.txt") == "hello");
}

TEST_CASE("a destination with a slash takes the file into itself") {
    TestContext files;
    files.file("a.txt", "hello");
    auto copied = copy(files, copy_step({"a.txt"}, "/new/dir/"));
    CHECK(copied.text("new/dir/a.txt") == "hello");
}

TEST_CASE("a destination that is a directory takes the file into itself") {
    TestContext files;
    files.file("a.txt", "hello");
    auto copied = copy(files, copy_step({"a.txt"}, "/etc"), tree_of({dir("etc")}));
    CHECK(copied.text("etc/a.txt") == "hello");
}

TEST_CASE("missing parents are made 0755 root at the epoch") {
    TestContext files;
    files.file("a");
    auto copied = copy(files, copy_step({"a"}, "/x/y/b"));
    for (const char* path : {"x", "x/y"}) {
        CHECK(copied.at(path)->mode == 0755);
        CHECK(copied.owner(path) == Owner{0, 0});
        CHECK(copied.at(path)->mtime == test_epoch);
    }
}

TEST_CASE("parents that are there are not touched") {
    TestContext files;
    files.file("a");
    auto copied = copy(files, copy_step({"a"}, "/tmp/b"), tree_of({dir("tmp", 01777, {5, 6})}));
    CHECK(copied.at("tmp")->mode == 01777);
    CHECK(copied.owner("tmp") == Owner{5, 6});
}

TEST_CASE("a directory copies its contents, not itself") {
    TestContext files;
    files.file("src/a", "1").file("src/sub/b", "2", 0755).link("src/l", "../outside").directory("src/empty", 0700);
    auto copied = copy(files, copy_step({"src"}, "/app"));
    CHECK(copied.text("app/a") == "1");
    CHECK(copied.text("app/sub/b") == "2");
    CHECK(copied.at("app/l")->target == "../outside");
    CHECK(copied.at("app/l")->mtime == test_epoch);
    CHECK(copied.at("app/empty")->mode == 0700);
    CHECK_FALSE(copied.at("app/src"));
}

TEST_CASE("the made destination of a directory is 0755 whatever the source's mode") {
    TestContext files;
    files.file("src/a").directory("src", 0700);
    CHECK(copy(files, copy_step({"src"}, "/app")).at("app")->mode == 0755);
}

TEST_CASE("the existing destination of a directory keeps its attributes, directories below it do not") {
    TestContext files;
    files.file("src/sub/a").directory("src/sub", 0711);
    auto image = tree_of({dir("app", 0750, {7, 8}), dir("app/sub", 0700, {7, 8}), file("app/sub/old")});
    auto copied = copy(files, copy_step({"src"}, "/app"), image);
    CHECK(copied.at("app")->mode == 0750);
    CHECK(copied.owner("app") == Owner{7, 8});
    CHECK(copied.at("app/sub")->mode == 0711);
    CHECK(copied.owner("app/sub") == Owner{0, 0});
    CHECK(copied.at("app/sub/old"));
}

TEST_CASE("the whole context is copied into the root") {
    TestContext files;
    files.file("a").file("d/b");
    auto copied = copy(files, copy_step({"."}, "/"), tree_of({dir("d", 0700)}));
    CHECK(copied.at("a"));
    CHECK(copied.at("d/b"));
    CHECK(copied.at("d")->mode == 0755);
}

TEST_CASE("the destination is resolved through the image's links, inside it") {
    TestContext files;
    files.file("a", "x");
    auto image = tree_of({dir("usr"), dir("usr/lib"), soft_link("lib", "usr/lib"), soft_link("up", "../../usr")});
    CHECK(copy(files, copy_step({"a"}, "/lib/a"), image).text("usr/lib/a") == "x");
    CHECK(copy(files, copy_step({"a"}, "/lib"), image).text("usr/lib/a") == "x");
    CHECK(copy(files, copy_step({"a"}, "/up/b"), image).text("usr/b") == "x");
    CHECK(copy(files, copy_step({"a"}, "/lib/a"), image).at("lib")->type == FileType::symlink);
}

TEST_CASE("a destination that is a link to a file replaces the file it leads to") {
    TestContext files;
    files.file("a", "x");
    auto copied = copy(files, copy_step({"a"}, "/link"), tree_of({file("real"), soft_link("link", "real")}));
    CHECK(copied.text("real") == "x");
    CHECK(copied.at("link")->type == FileType::symlink);
}

TEST_CASE("a destination that is a link to nothing makes what it leads to") {
    TestContext files;
    files.file("a", "x");
    CHECK(copy(files, copy_step({"a"}, "/link"), tree_of({soft_link("link", "/d/new")})).text("d/new") == "x");
}

TEST_CASE("dots in a destination do not leave the image") {
    TestContext files;
    files.file("a", "x");
    CHECK(copy(files, copy_step({"a"}, "/../../b")).text("b") == "x");
}

TEST_CASE("a loop of links in the image ends") {
    TestContext files;
    files.file("a");
    auto image = tree_of({soft_link("x", "y"), soft_link("y", "x")});
    CHECK_THROWS_AS(copy(files, copy_step({"a"}, "/x/b"), image), Error);
}

TEST_CASE("a parent that is a file is an error that names both") {
    TestContext files;
    files.file("a");
    Error error = error_of([&] { copy(files, copy_step({"a"}, "/etc/passwd/b"), tree_of({file("etc/passwd")})); });
    CHECK(error.kind() == ErrorKind::dockerfile);
    CHECK(error.message() == "cannot copy into \"/etc/passwd\": \"/etc/passwd\" is not a directory");
}

TEST_CASE("a destination with a slash that is a file is an error") {
    TestContext files;
    files.file("a");
    CHECK_THROWS_WITH(copy(files, copy_step({"a"}, "/f/"), tree_of({file("f")})),
                      "cannot copy into \"/f\": \"/f\" is not a directory");
}

TEST_CASE("a file does not replace a directory below the destination") {
    TestContext files;
    files.file("src/x");
    CHECK_THROWS_WITH(copy(files, copy_step({"src"}, "/app"), tree_of({dir("app/x")})),
                      "cannot copy a file to \"/app/x\", which is a directory");
}

TEST_CASE("a directory does not replace a file or link below the destination") {
    TestContext files;
    files.file("src/x/y");
    for (const auto& there : {file("app/x"), soft_link("app/x", "/")}) {
        CHECK_THROWS_WITH(copy(files, copy_step({"src"}, "/app"), tree_of({there})),
                          ContainsSubstring("cannot copy the directory \"src/x\" to \"/app/x\", "));
    }
}

TEST_CASE("a directory copied over a file is an error") {
    TestContext files;
    files.file("src/x");
    CHECK_THROWS_AS(copy(files, copy_step({"src"}, "/f"), tree_of({file("f")})), Error);
}

TEST_CASE("a link below the destination is replaced by a file, not followed") {
    TestContext files;
    files.file("src/passwd", "mine");
    auto copied =
        copy(files, copy_step({"src"}, "/app"), tree_of({file("etc/passwd"), soft_link("app/passwd", "/etc/passwd")}));
    CHECK(copied.text("app/passwd") == "mine");
    CHECK(copied.at("etc/passwd")->size == 100);
}

TEST_CASE("the last of several sources wins") {
    TestContext files;
    files.file("one/a", "1").file("two/a", "2");
    CHECK(copy(files, copy_step({"one", "two"}, "/d/")).text("d/a") == "2");
    CHECK(copy(files, copy_step({"two", "one"}, "/d/")).text("d/a") == "1");
}

TEST_CASE("a source of a step may conflict with an earlier one") {
    TestContext files;
    files.file("one/a/x").file("two/a");
    CHECK_THROWS_AS(copy(files, copy_step({"one", "two"}, "/d/")), Error);
}

TEST_CASE("several matches need a directory") {
    TestContext files;
    files.file("a.py").file("b.py");
    Error error = error_of([&] { copy(files, copy_step({"*.py"}, "/app")); });
    CHECK(error.message() == "several sources, but the destination \"/app\" is not a directory");
    CHECK(error.hint() == "write it with a slash at its end: /app/");
    CHECK(copy(files, copy_step({"*.py"}, "/app"), tree_of({dir("app")})).at("app/b.py"));
    CHECK(copy(files, copy_step({"a*"}, "/app")).at("app")->type == FileType::regular);
}

TEST_CASE("several sources need a directory, which need not end in a slash (S-23)") {
    TestContext files;
    files.file("a", "1").file("b", "2").file("d1/x").file("d2/y");
    const tree::Tree image = tree_of({dir("app"), soft_link("to-app", "app"), file("file")});
    auto refused = [&](plan::CopyStep step) {
        Error error = error_of([&] { copy(files, step, image); });
        CHECK(error.kind() == ErrorKind::dockerfile);
        return error.message();
    };
    CHECK(copy(files, copy_step({"a", "b"}, "/app"), image).text("app/b") == "2");
    CHECK(copy(files, add_step({"a", "b"}, "/to-app"), image).text("app/b") == "2");
    CHECK(copy(files, copy_step({"a", "b"}, "/new/"), image).text("new/b") == "2");
    CHECK(copy(files, copy_step({"nope*", "a"}, "/hello"), image).text("hello") == "1");
    CHECK(copy(files, copy_step({"d[12]"}, "/new"), image).at("new/y"));

    CHECK_THAT(refused(copy_step({"a", "b"}, "/new")), ContainsSubstring("several sources"));
    CHECK_THAT(refused(copy_step({"a", "b"}, "/file")), ContainsSubstring("several sources"));
    CHECK_THAT(refused(copy_step({"d1", "a"}, "/new")), ContainsSubstring("several sources"));
    CHECK_THAT(refused(copy_step({"a", "d1"}, "/new")), ContainsSubstring("several sources"));
    CHECK_THAT(refused(copy_step({"d1", "d2"}, "/new")), ContainsSubstring("several sources"));
    auto step = copy_step({"a"}, "/new");
    step.inline_files = {{"h", "text"}};
    CHECK_THAT(refused(step), ContainsSubstring("several sources"));
    step.destination = "/app";
    CHECK(copy(files, step, image).text("app/h") == "text");
    auto linked = copy_step({"a", "b"}, "/app");
    linked.link = true;  // which does not look at the image
    CHECK_THAT(refused(linked), ContainsSubstring("several sources"));
    auto excluded = copy_step({"a", "b"}, "/new");
    excluded.exclude = {"a"};
    CHECK(copy(files, excluded, image).text("new") == "2");
    auto with_parents = copy_step({"d1/x", "d2/y"}, "/new");
    with_parents.parents = true;
    CHECK(copy(files, with_parents, image).at("new/d2/y"));
}

TEST_CASE("a wildcard may match nothing beside a source that is there") {
    TestContext files;
    files.file("package.json");
    CHECK(copy(files, copy_step({"package.json", "yarn.loc[k]"}, "/app/")).at("app/package.json"));
    CHECK(copy(files, copy_step({"package.json", "yarn.loc[k]"}, "/app/")).remarks.empty());
    CHECK_THROWS_WITH(copy(files, copy_step({"package.json", "yarn.lock"}, "/app/")),
                      "\"yarn.lock\" is not in the build context");
}

TEST_CASE("wildcards that match nothing copy nothing, with a warning (L-7)") {
    TestContext files;
    files.file("package.json").file("arr[0].txt").file("d/sub/x.c");
    auto warned = [&](const plan::CopyStep& step) {
        auto copied = copy(files, step);
        CHECK(copied.image.size() == 1);  // not even the destination is made
        std::vector<std::string> texts;
        for (const Event& remark : copied.remarks) {
            const auto& warning = std::get<Warning>(remark);
            CHECK(warning.id == "nothing-copied");
            texts.push_back(warning.message + " | " + warning.hint);
        }
        return texts;
    };
    using Texts = std::vector<std::string>;
    CHECK(warned(copy_step({"package.jso"
                            "[m]"},
                           "/app/")) ==
          Texts{"nothing in the build context matches \"package.jso[m]\"; nothing is copied | did you mean "
                "\"package.json\"?"});
    CHECK(warned(add_step({"zzz*", "d/*/q?"}, "/app")).size() == 2);
    auto step = copy_step({"d/./s*/z*"}, "/app/");
    step.parents = true;
    CHECK(warned(step) == Texts{"nothing in the build context matches \"d/s*/z*\"; nothing is copied | "});
    // S-10
    files.file("half[open");
    CHECK(error_of([&] { copy(files, copy_step({"half[open"}, "/")); }).hint() ==
          "to name \"half[open\" itself, write half[[]open");
    CHECK(copy(files, copy_step({"half[[]open"}, "/x")).at("x"));
    CHECK(warned(copy_step({"arr[0].txt"}, "/"))[0].ends_with(" | to name \"arr[0].txt\" itself, write arr[[]0].txt"));
}

TEST_CASE("a wildcard that matches nothing in a stage copies nothing, with a warning (L-7)") {
    auto copied =
        copy_from(tree_of({file("out/a.bin"), file("out/b[1]")}), copy_step({"/out/*.so", "/out/b[1]"}, "/x/"));
    CHECK(copied.image.size() == 1);
    REQUIRE(copied.remarks.size() == 2);
    CHECK(std::get<Warning>(copied.remarks[0]).message ==
          "nothing in stage \"build\" matches \"/out/*.so\"; nothing is copied");
    CHECK(std::get<Warning>(copied.remarks[1]).hint == "to name \"out/b[1]\" itself, write out/b[[]1]");
}

TEST_CASE("a directory over a link of the image: where it leads and what to do (S-11)") {
    TestContext files;
    files.file("tree/bin/x").file("tree/lib/x").file("tree/gone/x");
    const tree::Tree image = tree_of({dir("usr/bin"), soft_link("bin", "usr/bin"), soft_link("gone", "nowhere")});
    Error error = error_of([&] { copy(files, copy_step({"tree/"}, "/"), image); });
    CHECK(error.message() ==
          "cannot copy the directory \"tree/bin\" to \"/bin\", which is a symbolic link to \"usr/bin\" in the image");
    CHECK(error.hint() == "move what is in it to usr/bin in the source, or copy it by a line of its own to /usr/bin/");
    auto only = copy_step({"tree/"}, "/");
    only.exclude = {"bin"};
    CHECK(error_of([&] { copy(files, only, image); }).hint() == "remove the link first: RUN rm /gone");
}

TEST_CASE("a source that is a link is copied as what it leads to") {
    TestContext files;
    files.file("sub/real", "x").link("alias", "sub/real");
    auto copied = copy(files, copy_step({"alias"}, "/d/"));
    CHECK(copied.text("d/alias") == "x");
}

TEST_CASE("a heredoc becomes a file") {
    plan::CopyStep step = copy_step({}, "/etc/motd");
    step.inline_files = {{"EOF", "hello\n"}};
    auto copied = run_copy(step, static_cast<const build::ContextDir*>(nullptr), tree::Tree());
    CHECK(copied.text("etc/motd") == "hello\n");
    CHECK(copied.at("etc/motd")->mode == 0644);
    CHECK(copied.at("etc/motd")->mtime == test_epoch);
}

TEST_CASE("heredocs go into a directory by their names, with owner and mode") {
    plan::CopyStep step = copy_step({}, "/d/");
    step.inline_files = {{"one.sh", "1"}, {"two", ""}};
    step.chmod = "755";
    step.chown = "4:5";
    auto copied = run_copy(step, static_cast<const build::ContextDir*>(nullptr), tree::Tree());
    CHECK(copied.text("d/one.sh") == "1");
    CHECK(copied.at("d/one.sh")->mode == 0755);
    CHECK(copied.at("d/two")->size == 0);
    CHECK(copied.owner("d/two") == Owner{4, 5});
}

TEST_CASE("a heredoc's name cannot leave the destination") {
    plan::CopyStep step = copy_step({}, "/d/");
    step.inline_files = {{"../../x", "1"}};
    CHECK(run_copy(step, static_cast<const build::ContextDir*>(nullptr), tree::Tree()).at("d/x"));
    step.inline_files = {{"..", "1"}};
    CHECK_THROWS_AS(run_copy(step, static_cast<const build::ContextDir*>(nullptr), tree::Tree()), Error);
}

TEST_CASE("files and heredocs can be copied by one step") {
    TestContext files;
    files.file("a", "1");
    plan::CopyStep step = copy_step({"a"}, "/d/");
    step.inline_files = {{"b", "2"}};
    auto copied = copy(files, step);
    CHECK(copied.text("d/a") == "1");
    CHECK(copied.text("d/b") == "2");
}

TEST_CASE("hard links of a context become files of their own") {
    TestContext files;
    files.file("src/a", "x");
    fs::create_hard_link(files.path() / "src/a", files.path() / "src/b");
    auto copied = copy(files, copy_step({"src"}, "/d"));
    CHECK(copied.text("d/a") == "x");
    CHECK(copied.text("d/b") == "x");
    CHECK(copied.at("d/a") != copied.at("d/b"));
}

TEST_CASE("without new contents there is nothing to pack") {
    TestContext files;
    files.file("src/empty").directory("src/d").link("src/l", "d");
    auto copied = copy(files, copy_step({"src"}, "/x"));
    CHECK_FALSE(copied.has_stream);
    CHECK(copied.key.empty());
    CHECK(copied.at("x/empty")->content.empty());
    CHECK(copied.at("x/l"));
}

TEST_CASE("the key stands for names, modes, owners and bytes") {
    auto key = [](const TestContext& files, const char* destination = "/d", const char* chown = "0:0") {
        auto step = copy_step({"src"}, destination);
        step.chown = chown;
        return copy(files, step).key;
    };
    TestContext files, same, bytes, name, mode, link, empty;
    files.file("src/a", "x").link("src/l", "a");
    same.link("src/l", "a").file("src/a", "x");
    bytes.file("src/a", "y").link("src/l", "a");
    name.file("src/b", "x").link("src/l", "a");
    mode.file("src/a", "x", 0755).link("src/l", "a");
    link.file("src/a", "x").link("src/l", "b");
    empty.file("src/a", "x").link("src/l", "a").directory("src/e");
    fs::last_write_time(same.path() / "src/a", fs::file_time_type::clock::now() - std::chrono::hours(1000));
    CHECK(key(files) == key(same));
    CHECK(key(files) != key(bytes));
    CHECK(key(files) != key(name));
    CHECK(key(files) != key(mode));
    CHECK(key(files) != key(link));
    CHECK(key(files) != key(empty));
    CHECK(key(files) != key(files, "/e"));
    CHECK(key(files) != key(files, "/d", "1:0"));
}

TEST_CASE("entries come in byte order, parents first, whatever order the directory has") {
    TestContext files;
    for (const char* name : {"src/z", "src/a/b", "src/a-b", "src/M", "src/a/a"}) files.file(name, "x");
    std::vector<std::string> order;
    for (const auto& found : copy(files, copy_step({"src"}, "/d")).packed.entries) order.push_back(found.path);
    CHECK(order == std::vector<std::string>{"d", "d/M", "d/a", "d/a-b", "d/a/a", "d/a/b", "d/z"});
}

TEST_CASE("a large file is streamed whole") {
    TestContext files;
    std::string text(1'000'003, '\0');
    for (size_t i = 0; i < text.size(); i++) text[i] = static_cast<char>(i * i >> 7);
    files.file("big", text);
    CHECK(copy(files, copy_step({"big"}, "/big")).text("big") == text);
}

TEST_CASE("a file that changes after it was hashed is refused while packing") {
    auto change = GENERATE(as<std::string>(), "hellO", "hell", "hello!");
    TestContext files;
    files.file("src/a", "hello");
    auto context = files.open();
    auto step = copy_step({"src"}, "/d");
    tree::Tree image;
    auto result = build::copy_layer({step, &context, image, {}, 0});
    files.file("src/a", change);
    Error error = error_of([&] { read_stream(*result.to_pack); });
    CHECK(error.kind() == ErrorKind::integrity);
    CHECK(error.message() == "\"src/a\" changed while it was being copied");
}

TEST_CASE("contents that are not read are skipped") {
    TestContext files;
    files.file("src/a", "hello").file("src/b", "world");
    auto context = files.open();
    auto step = copy_step({"src"}, "/d");
    tree::Tree image;
    auto result = build::copy_layer({step, &context, image, {}, 0});
    tree::LayerEntry next;
    std::string text(2, '\0');
    std::vector<std::string> seen;
    while (result.to_pack->next(next)) {
        seen.push_back(next.path);
        if (next.path == "d/a") result.to_pack->read(std::as_writable_bytes(std::span(text)));
    }
    CHECK(text == "he");
    CHECK(seen == std::vector<std::string>{"d", "d/a", "d/b"});
}

TEST_CASE("what .dockerignore excludes is not copied") {
    TestContext files;
    files.file("a").file("b.log").file("d/c.log");
    auto context = files.open("**/*.log\n");
    auto copied = run_copy(copy_step({"."}, "/x"), &context, tree::Tree());
    CHECK(copied.at("x/a"));
    CHECK(copied.at("x/d"));
    CHECK_FALSE(copied.at("x/b.log"));
    CHECK_FALSE(copied.at("x/d/c.log"));
}
