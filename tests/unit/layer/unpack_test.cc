#include "gbuild/layer/unpack.h"

#include <sys/stat.h>

#include <filesystem>

#include "reading.h"
#include "scratch_dir.h"
#include "support/catch.h"

using namespace gbuild;
using namespace gbuild::layer;

namespace {

namespace fs = std::filesystem;

void unpack_to(const fs::path& directory, const std::string& tar) {
    TarOptions options;
    options.whiteouts = Whiteouts::keep_as_files;
    const auto entries = read_tar(source_of(tar), options);
    unpack(*entries, RootedDir(directory), {});
}

mode_t mode_of(const fs::path& path) {
    struct stat st;
    REQUIRE(::lstat(path.c_str(), &st) == 0);
    return st.st_mode & 07777;
}

ErrorKind kind_of(const std::string& tar) {
    const ScratchDir place;
    try {
        unpack_to(place.path(), tar);
    } catch (const Error& error) {
        return error.kind();
    }
    return ErrorKind::internal;
}

TarFields named(const std::string& name, uint32_t mode) {
    TarFields fields;
    fields.name = name;
    fields.mode = mode;
    return fields;
}

}  // namespace

TEST_CASE("an archive's files appear with their modes, whatever the umask") {
    const ScratchDir place;
    const mode_t before = ::umask(077);
    unpack_to(place.path(), TarBuilder()
                                .directory("closed/", 0500)
                                .entry(named("closed/set", 04755), "x")
                                .entry(named("made/up/file", 0604), std::string(100000, '\0') + "end")
                                .symlink("link", "/etc/passwd")
                                .hard_link("again", "closed/set")
                                .file(".wh.x", "w")
                                .finish());
    ::umask(before);
    CHECK(mode_of(place.path() / "closed") == 0500);
    CHECK(mode_of(place.path() / "closed/set") == 04755);
    CHECK(mode_of(place.path() / "made/up") == 0755);
    CHECK(mode_of(place.path() / "made/up/file") == 0604);
    CHECK(fs::file_size(place.path() / "made/up/file") == 100003);
    CHECK(fs::read_symlink(place.path() / "link") == "/etc/passwd");
    CHECK(fs::hard_link_count(place.path() / "again") == 2);
    CHECK(fs::exists(place.path() / ".wh.x"));
}

TEST_CASE("the last entry of a path counts, whatever was there") {
    const ScratchDir place;
    unpack_to(place.path(), TarBuilder()
                                .file("a", "first")
                                .hard_link("kept", "a")
                                .file("a", "second")
                                .directory("d/", 0000)
                                .file("d/below", "x")
                                .file("d", "no directory")
                                .file("f", "x")
                                .file("f/below", "y")
                                .symlink("l", "nowhere")
                                .directory("l/", 0711)
                                .finish());
    CHECK(read_text_file(place.path() / "a", 100) == "second");
    CHECK(read_text_file(place.path() / "kept", 100) == "first");
    CHECK(read_text_file(place.path() / "d", 100) == "no directory");
    CHECK(read_text_file(place.path() / "f/below", 100) == "y");
    CHECK(mode_of(place.path() / "l") == 0711);
}

TEST_CASE("nothing is written outside") {
    const ScratchDir place;
    const fs::path outside = place.path() / "outside", inside = place.path() / "inside";
    fs::create_directory(outside);
    fs::create_directory(inside);
    unpack_to(inside, TarBuilder()
                          .symlink("up", "..")
                          .symlink("away", outside.native())
                          .file("up/outside/x", "x")
                          .file("away/y", "y")
                          .file("up/outside", "z")
                          .finish());
    CHECK(fs::is_empty(outside));
    CHECK(fs::is_directory(outside));
}

TEST_CASE("what cannot be in a context is an error") {
    CHECK(kind_of(TarBuilder().hard_link("h", "nothing").finish()) == ErrorKind::integrity);
    CHECK(kind_of(TarBuilder().directory("d/", 0755).hard_link("h", "d").finish()) == ErrorKind::integrity);
    TarFields device = named("null", 0666);
    device.type = '3';
    device.device_major = 1;
    device.device_minor = 3;
    CHECK(kind_of(TarBuilder().entry(device, "").finish()) == ErrorKind::unsupported);
}

TEST_CASE("a directory's last entry counts by whatever way it is named") {
    const ScratchDir place;
    unpack_to(place.path(), TarBuilder()
                                .directory("a/b", 0755)
                                .symlink("a/b/up", "..")
                                .directory("a/b/up/b", 0711)
                                .directory("a/b/up", 0700)
                                .symlink("l", "/a")
                                .directory("l/b/new", 0750)
                                .directory("a", 0500)
                                .finish());
    CHECK(mode_of(place.path() / "a/b") == 0711);
    CHECK(mode_of(place.path() / "a/b/up") == 0700);
    CHECK(mode_of(place.path() / "a/b/new") == 0750);
    CHECK(mode_of(place.path() / "a") == 0500);
}

TEST_CASE("a hard link to its own name changes nothing, by whatever way it is named (S-16)") {
    const ScratchDir place;
    unpack_to(place.path(), TarBuilder()
                                .symlink("d", "..")
                                .symlink("d/b", "d")
                                .hard_link("b", "d/b")
                                .file("f", "text")
                                .hard_link("d/f", "./f")
                                .finish());
    CHECK(fs::read_symlink(place.path() / "b") == "d");
    CHECK(fs::hard_link_count(place.path() / "f") == 1);
}

TEST_CASE("an archive's files with a capability are named") {
    const ScratchDir place;
    TarOptions options;
    const auto entries = read_tar(source_of(TarBuilder()
                                                .pax({{"SCHILY.xattr.security.capability", "x"}})
                                                .file("d/ping")
                                                .pax({{"SCHILY.xattr.user.a", "x"}})
                                                .file("plain")
                                                .finish()),
                                  options);
    CHECK(unpack(*entries, RootedDir(place.path()), {}) == std::vector<std::string>{"d/ping"});
}
