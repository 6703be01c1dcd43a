// Whole builds in one process: from a context on disk to a .gvmi that is read back.
#include "gbuild/engine/build.h"

#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "gbuild/store/store.h"
#include "support/catch.h"
#include "support/tar_builder.h"
#include "workshop.h"

using namespace gbuild;
using namespace gbuild::build::testing;
namespace fs = std::filesystem;

namespace {

// The error that a build ends with, and what it marks.
Error error_in(const build::BuildOptions& options) {
    NullSink events;
    try {
        run_build(options, events);
    } catch (const Error& error) {
        return error;
    }
    throw std::runtime_error("no error was thrown");
}
std::string marked(const Error& error) {
    const SourceSpan& span = error.span().value();
    return span.column == 0
               ? ""
               : span.source.substr(static_cast<size_t>(span.column) - 1, static_cast<size_t>(span.length));
}

}  // namespace

TEST_CASE("files copied onto scratch are in the image with the entries the VM needs") {
    Workshop shop;
    shop.file("hello.txt", "hello\n");
    auto result = shop.build("FROM scratch\nCOPY hello.txt /srv/\nVOLUME /data\nWORKDIR /work\n");
    CHECK(shop.content("srv/hello.txt") == "hello\n");
    for (const char* path : {"dev", "dev/pts", "dev/shm", "proc", "sys", "etc", "tmp", "data", "work"}) {
        INFO(path);
        REQUIRE(shop.inode(path));
        CHECK(shop.inode(path)->is_directory());
    }
    CHECK(shop.inode("tmp")->mode == 01777);
    CHECK(result.sha3 == pack::ImageReader(result.file.native()).sha3());
    CHECK(result.size == fs::file_size(result.file));
    CHECK(shop.trailer().config.volumes == std::set<std::string>{"/data"});
    CHECK(shop.trailer().config.working_dir == "/work");
    CHECK(shop.trailer().image_id == result.image_id);
}

TEST_CASE("the same inputs give the same bytes whatever the jobs, the store's state and the host's times") {
    Workshop shop;
    for (int i = 0; i < 50; i++)
        shop.file("d/f" + std::to_string(i), std::string(5000, static_cast<char>('a' + i % 26)));
    auto options = shop.options("FROM scratch\nCOPY d /d\nVOLUME /v\n");
    run_build(options, shop.events);
    std::string first = bytes_of(shop.image());

    options.jobs = 1;
    run_build(options, shop.events);  // warm
    CHECK(bytes_of(shop.image()) == first);

    fs::remove_all(options.store_root);
    fs::last_write_time(shop.context() / "d/f7", fs::file_time_type::clock::now() - std::chrono::hours(1000));
    options.jobs = 4;
    run_build(options, shop.events);  // cold
    CHECK(bytes_of(shop.image()) == first);
}

TEST_CASE("a changed file changes the image, and only a rebuilt pack is new") {
    Workshop shop;
    shop.file("a", "one");
    auto before = shop.build("FROM scratch\nCOPY a /a\n");
    shop.file("a", "two");
    auto after = shop.build("FROM scratch\nCOPY a /a\n");
    CHECK(before.sha3 != after.sha3);
    CHECK(before.image_id != after.image_id);
    CHECK(shop.content("a") == "two");
}

TEST_CASE("a later stage takes files from an earlier one, whose other files stay out") {
    Workshop shop;
    shop.file("keep", "wanted contents");
    shop.file("secret", "SECRET-0123456789");
    shop.build("FROM scratch AS one\nCOPY keep secret /x/\nFROM scratch\nCOPY --from=one /x/keep /y/\n");
    CHECK(shop.content("y/keep") == "wanted contents");
    CHECK(shop.content("x/secret") == "<absent>");
}

TEST_CASE("a stage that starts from another has its files and configuration") {
    Workshop shop;
    shop.file("a", "a");
    shop.build("FROM scratch AS base\nENV X=1\nCOPY a /a\nFROM base\nENV Y=$X$X\n");
    CHECK(shop.content("a") == "a");
    CHECK(shop.trailer().config.env_value("Y") == "11");
}

TEST_CASE("USER is left out of a .gvmi unless it is asked for (G-3)") {
    Workshop shop;
    auto result = shop.build("FROM scratch\nUSER 1234:77\n");
    CHECK(shop.trailer().config.user.empty());
    CHECK(result.config.user.empty());
    CHECK_FALSE(shop.events.warned("user-not-root"));
    shop.build("FROM scratch\nUSER 0:77\n");
    CHECK(shop.trailer().config.user == "0:77");
}

TEST_CASE("the image's variables in a file for login shells (G-4)") {
    Workshop shop;
    build::BuildOptions options =
        shop.options("FROM scratch\nVOLUME /v\nENV A=\"it's $B\" PATH=/opt/bin:/bin odd.name=x\n");
    options.env_profile = true;
    run_build(options, shop.events);
    CHECK(shop.content("etc/profile.d/image-env.sh") == "export PATH='/opt/bin:/bin'\nexport A='it'\\''s '\n");
    CHECK(shop.inode("etc/profile.d/image-env.sh")->mode == 0644);
    CHECK(shop.events.warned("env-profile"));
    CHECK_FALSE(shop.events.warned("env-not-passed"));
}

TEST_CASE("USER is written as numbers from the image's own passwd") {
    Workshop shop;
    shop.file("passwd", "root:x:0:0::/root:/bin/sh\napp:x:1234:77::/home/app:/bin/sh\n");
    build::BuildOptions options = shop.options("FROM scratch\nCOPY passwd /etc/passwd\nUSER app\nWORKDIR /home/app\n");
    options.vm_user = build::VmUser::image;
    const build::BuildResult result = run_build(options, shop.events);
    CHECK(shop.trailer().config.user == "1234:77");
    CHECK(result.config.user == "1234:77");
    CHECK(shop.inode("home/app")->uid == 1234);
    CHECK(shop.inode("home")->gid == 77);
    CHECK(shop.events.warned("user-not-root"));
}

TEST_CASE("an unknown USER is an error and leaves no image") {
    Workshop shop;
    REQUIRE_THROWS_WITH(shop.build("FROM scratch\nUSER nobody-here\n"), ContainsSubstring("nobody-here"));
    CHECK_FALSE(fs::exists(shop.image()));
}

TEST_CASE("a failed build leaves the earlier image as it was") {
    Workshop shop;
    shop.file("a", "a");
    shop.build("FROM scratch\nCOPY a /a\n");
    std::string before = bytes_of(shop.image());
    REQUIRE_THROWS_AS(shop.build("FROM scratch\nCOPY missing /a\n"), Error);
    CHECK(bytes_of(shop.image()) == before);
}

TEST_CASE("a step's error has its place in the Dockerfile") {
    Workshop shop;
    try {
        shop.file("there", "x");
        shop.build("FROM scratch\nVOLUME /v\nCOPY --chown=missing there /a\n");
        FAIL("nothing thrown");
    } catch (const Error& error) {
        REQUIRE(error.span());
        CHECK(error.span()->line == 3);
        CHECK(error.message().find("missing") != std::string::npos);
    }
    CHECK(shop.events.all<StepFailed>().size() == 1);
}

TEST_CASE("what the first step with files misses is said before any step is begun") {
    Workshop shop;
    try {
        shop.build("FROM scratch\nVOLUME /v\nCOPY missing /b\n");
        FAIL("nothing thrown");
    } catch (const Error& error) {
        REQUIRE(error.span());
        CHECK(error.span()->line == 3);
    }
    CHECK(shop.events.all<StepStarted>().empty());
}

TEST_CASE("WORKDIR over a file is an error, through a symbolic link it stays in the image") {
    Workshop shop;
    shop.file("f", "");
    fs::create_symlink("../../../../srv", shop.context() / "f2");
    fs::create_directory(shop.context() / "d");
    fs::create_symlink("../../../../srv", shop.context() / "d/link");
    REQUIRE_THROWS_WITH(shop.build("FROM scratch\nCOPY f /f\nWORKDIR /f/sub\n"), ContainsSubstring("not a directory"));
    shop.build("FROM scratch\nCOPY d /\nWORKDIR /link/sub\n");
    CHECK(shop.inode("srv/sub")->is_directory());
    CHECK(shop.inode("link")->type == tree::FileType::symlink);
}

TEST_CASE("--timestamp is the mtime of what steps make and of the superblock") {
    Workshop shop;
    shop.file("a", "a");
    auto options = shop.options("FROM scratch\nCOPY a /a\nWORKDIR /w\n");
    options.timestamp = 1700000000;
    run_build(options, shop.events);
    for (const char* path : {"a", "w", "proc"}) CHECK(shop.inode(path)->mtime == 1700000000);
    CHECK(pack::ImageReader(shop.image().native()).superblock().created == 1700000000);
}

TEST_CASE("tags are remembered with the image they name") {
    Workshop shop;
    auto options = shop.options("FROM scratch\nVOLUME /v\n");
    options.tags = {{"team/app", "1"}, {"app", "latest"}};
    auto result = run_build(options, shop.events);
    REQUIRE(store::find_image(options.store_root, "team/app", "1"));
    auto record = store::find_image(options.store_root, "app", "latest").value();
    CHECK(record.sha3 == result.sha3);
    CHECK(record.file == result.file.native());
}

TEST_CASE("an output that cannot be written is refused at once") {
    Workshop shop;
    auto options = shop.options("FROM no-such-registry.invalid/base\n");
    options.output = "/nonexistent/dir/out.gvmi";
    REQUIRE_THROWS_WITH(run_build(options, shop.events), ContainsSubstring("/nonexistent/dir/out.gvmi"));
}

TEST_CASE("a named directory serves COPY --from and, with its files, FROM (L-11)") {
    Workshop shop;
    TempDir other;
    std::ofstream(other.path() / "data") << "from elsewhere";
    auto options = shop.options("FROM scratch\nCOPY --from=assets data /data\n");
    options.build_contexts["assets"] = other.path().native();
    run_build(options, shop.events);
    CHECK(shop.content("data") == "from elsewhere");

    options = shop.options("FROM assets\n");
    options.build_contexts["assets"] = other.path().native();
    run_build(options, shop.events);
    CHECK(shop.content("data") == "from elsewhere");
    options.build_contexts["assets"] = "docker-image://scratch";  // L-12
    const auto result = run_build(options, shop.events);
    CHECK(result.bases.empty());
}

TEST_CASE("errors of COPY stand at the word they are about") {
    Workshop shop;
    shop.file("there", "");
    auto marked_of = [&](const std::string& lines) { return marked(error_in(shop.options("FROM scratch\n" + lines))); };
    CHECK(marked_of("COPY there \\\n    missing /x/\n") == "missing");
    CHECK(marked_of("COPY [\"there\", \"missing\", \"/x/\"]\n") == "missing");
    CHECK(marked_of("COPY --parents there there/./mis /x/\n") == "there/./mis");
    CHECK(marked_of("COPY --chown=stranger there /x\n") == "--chown=stranger");
    CHECK(marked_of("COPY there /f\nCOPY there \\\n    /f/sub\n") == "/f/sub");
}

TEST_CASE("check=error=true makes the first warning an error at its place") {
    for (const char* lines : {"FROM scratch AS Base\nENV a=$b\n", "FROM scratch\nENV a=$b\n"}) {
        Workshop shop;
        try {
            shop.build(std::string("# check=error=true\n") + lines);
            FAIL("nothing thrown");
        } catch (const Error& error) {
            CHECK(error.kind() == ErrorKind::dockerfile);
            REQUIRE(error.span());
            CHECK(error.span()->line == (lines[12] == ' ' ? 2 : 3));
            CHECK_THAT(error.hint(), ContainsSubstring("check=error=true"));
        }
    }
    Workshop shop;
    shop.build("# check=error=true;skip=StageNameCasing\nFROM scratch AS Base\n");
}

TEST_CASE("a pipe in a context does not hang the build") {
    for (const char* name : {".dockerignore", "Dockerfile.dockerignore", "Dockerfile", "other"}) {
        Workshop shop;
        auto options = shop.options("FROM scratch\nCOPY . /\n");
        fs::remove(shop.context() / name);
        REQUIRE(::mkfifo((shop.context() / name).c_str(), 0600) == 0);
        if (name == std::string("other")) options.dockerfile = name;
        REQUIRE_THROWS_WITH(run_build(options, shop.events),
                            ContainsSubstring(std::string(name) + "\" is not a regular file"));
    }
}

TEST_CASE("a Dockerfile may be a pipe that -f names") {
    Workshop shop;
    auto options = shop.options("");
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    UniqueFd from(ends[0]), to(ends[1]);
    write_all(to.get(), "FROM scratch\nWORKDIR /from/pipe\n");
    to.reset();
    options.dockerfile = "/dev/fd/" + std::to_string(from.get());
    run_build(options, shop.events);
    CHECK(shop.inode("from/pipe"));
}

TEST_CASE("a build context or Dockerfile that is not there is said with a remedy") {
    Workshop shop;
    auto options = shop.options("FROM scratch\n");
    options.dockerfile = "Dockerfile.none";
    REQUIRE_THROWS_WITH(run_build(options, shop.events), ContainsSubstring("Dockerfile.none"));
    options.context = shop.context() / "none";
    REQUIRE_THROWS_WITH(run_build(options, shop.events), ContainsSubstring("does not exist"));
}

TEST_CASE("the image id tells a hard link from a file like it") {
    using gbuild::test::TarBuilder;
    Workshop shop;
    shop.file("files.tar", TarBuilder().file("f", "same").file("g", "same").finish());
    shop.file("linked.tar", TarBuilder().file("f", "same").hard_link("g", "f").finish());
    auto files = shop.build("FROM scratch\nADD files.tar /d/\n");
    // Another stage's tree, whose inodes the image shares, is not part of it.
    auto copied = shop.build("FROM scratch AS a\nADD files.tar /d/\nFROM a\n");
    auto linked = shop.build("FROM scratch\nADD linked.tar /d/\n");
    CHECK(copied.image_id == files.image_id);
    CHECK(linked.image_id != files.image_id);
}
