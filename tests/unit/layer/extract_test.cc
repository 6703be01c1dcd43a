#include "gbuild/layer/extract.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <fstream>

#include "gbuild/base/recorded_owner.h"
#include "reading.h"
#include "scratch_dir.h"
#include "support/catch.h"

namespace gbuild::layer {
namespace {

namespace fs = std::filesystem;

// A tree made from a tar, with the contents that its files have by size.
class Sample {
  public:
    explicit Sample(const TarBuilder& tar) {
        const Layer layer = read_layer(tar);
        for (const auto& [path, contents] : layer.contents) by_size_[contents.size()] = contents;
        tree_.apply(layer.entries);
    }

    ExtractSummary extract_to(const fs::path& directory, const std::string& path = {},
                              Ownership ownership = Ownership::ignore) const {
        ExtractOptions options;
        options.ownership = ownership;
        options.read = [this](const tree::Inode& inode, const auto& consume) {
            const std::string& contents = by_size_.at(inode.size);
            for (size_t at = 0; at < contents.size(); at += 10000) {
                consume(as_bytes(std::string_view(contents).substr(at, 10000)));
            }
        };
        return extract(tree_, path, RootedDir(directory), options);
    }

  private:
    tree::Tree tree_;
    std::map<uint64_t, std::string> by_size_;
};

std::string text_of(const fs::path& path) { return read_text_file(path, 1 << 24); }

struct stat status_of(const fs::path& path) {
    struct stat status {};
    REQUIRE(::lstat(path.c_str(), &status) == 0);
    return status;
}

bool is_root() { return ::geteuid() == 0; }

}  // namespace

TEST_CASE("a tree is written with its names, contents and links") {
    const ScratchDir scratch;
    const ExtractSummary summary =
        Sample(TarBuilder().directory("d").file("d/f", "hello").symlink("d/l", "/etc/passwd").file("\xff\n", "12"))
            .extract_to(scratch.path());
    CHECK(text_of(scratch.path() / "d/f") == "hello");
    CHECK(fs::read_symlink(scratch.path() / "d/l") == "/etc/passwd");
    CHECK(text_of(scratch.path() / "\xff\n") == "12");
    CHECK(summary.files == 4);
    CHECK(summary.bytes == 7);
    CHECK(summary.skipped.empty());
}

TEST_CASE("modes do not depend on the umask") {
    const ScratchDir scratch;
    const mode_t before = ::umask(077);
    Sample(TarBuilder().directory("d", 01777).file("f", "", 0666)).extract_to(scratch.path());
    ::umask(before);
    CHECK((status_of(scratch.path() / "d").st_mode & 07777) == 01777);
    CHECK((status_of(scratch.path() / "f").st_mode & 07777) == 0666);
}

TEST_CASE("directories without permissions are filled all the same") {
    const ScratchDir scratch;
    Sample(TarBuilder().directory("d", 0).file("d/f", "x")).extract_to(scratch.path());
    CHECK((status_of(scratch.path() / "d").st_mode & 07777) == 0);
    REQUIRE(::chmod((scratch.path() / "d").c_str(), 0700) == 0);
    CHECK(text_of(scratch.path() / "d/f") == "x");
}

TEST_CASE("times are those of the tree, directories' too") {
    const ScratchDir scratch;
    Sample(TarBuilder()
               .pax({{"mtime", "1000"}})
               .directory("d")
               .pax({{"mtime", "2000"}})
               .file("d/f")
               .pax({{"mtime", "-3000"}})
               .symlink("d/l", "f"))
        .extract_to(scratch.path());
    CHECK(status_of(scratch.path() / "d").st_mtime == 1000);
    CHECK(status_of(scratch.path() / "d/f").st_mtime == 2000);
    CHECK(status_of(scratch.path() / "d/l").st_mtime == -3000);
}

TEST_CASE("hard links are links on disk, wherever their names are") {
    const ScratchDir scratch;
    Sample(TarBuilder().file("z/f", "x").hard_link("a/b", "z/f").hard_link("c", "z/f")).extract_to(scratch.path());
    CHECK(status_of(scratch.path() / "z/f").st_nlink == 3);
    CHECK(status_of(scratch.path() / "a/b").st_ino == status_of(scratch.path() / "c").st_ino);
}

TEST_CASE("holes are kept, at the end too") {
    const ScratchDir scratch;
    std::string contents(8'000'000, '\0');
    contents.replace(4'000'000, 4, "data");
    Sample(TarBuilder().file("f", contents)).extract_to(scratch.path());
    CHECK((text_of(scratch.path() / "f") == contents));
    CHECK(status_of(scratch.path() / "f").st_blocks * 512 < 100'000);
}

TEST_CASE("one path is extracted alone: a directory's contents, or a file under its name") {
    const ScratchDir scratch;
    const Sample sample(TarBuilder().file("a/b/c", "x").file("a/b/d", "12").file("e", "123"));
    sample.extract_to(scratch.path(), "a/b");
    CHECK(text_of(scratch.path() / "c") == "x");
    sample.extract_to(scratch.path(), "/e");
    CHECK(text_of(scratch.path() / "e") == "123");
    CHECK_FALSE(fs::exists(scratch.path() / "a"));
}

TEST_CASE("a path that is not in the tree is not found") {
    const ScratchDir scratch;
    try {
        Sample(TarBuilder()).extract_to(scratch.path(), "no/where");
        FAIL("extracted");
    } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::not_found);
    }
}

TEST_CASE("a name that exists already is a conflict, and is left alone") {
    const ScratchDir scratch;
    std::ofstream(scratch.path() / "f") << "mine";
    for (const TarBuilder& tar :
         {TarBuilder().file("f", "x"), TarBuilder().directory("f"), TarBuilder().symlink("f", "x")}) {
        try {
            Sample(tar).extract_to(scratch.path());
            FAIL("overwritten");
        } catch (const Error& error) {
            CHECK(error.kind() == ErrorKind::conflict);
            CHECK(error.message() == "\"f\" exists already");
        }
    }
    CHECK(text_of(scratch.path() / "f") == "mine");
}

TEST_CASE("CVE-2026-28406: nothing is written through a symbolic link that was planted in the directory") {
    const ScratchDir scratch;
    const fs::path outside = scratch.path() / "outside";
    const fs::path inside = scratch.path() / "inside";
    fs::create_directory(outside);
    fs::create_directory(inside);
    fs::create_symlink("../outside", inside / "d");
    fs::create_symlink("../outside/file", inside / "f");
    CHECK_THROWS_AS(Sample(TarBuilder().file("d/f", "x")).extract_to(inside), Error);
    CHECK_THROWS_AS(Sample(TarBuilder().file("f", "x")).extract_to(inside), Error);
    CHECK(fs::is_empty(outside));
}

TEST_CASE("CVE-2026-85731: links that the image plants lead nowhere outside") {
    const ScratchDir scratch;
    const fs::path inside = scratch.path() / "inside";
    fs::create_directory(inside);
    Sample(TarBuilder()
               .symlink("up", "../../../../../../../..")
               .file("up/escaped", "x")
               .symlink("abs", scratch.path().string())
               .file("abs/escaped", "x"))
        .extract_to(inside);
    CHECK_FALSE(fs::exists(scratch.path() / "escaped"));
    CHECK(fs::exists(inside / "escaped"));
}

TEST_CASE("attributes are not given to what a link points to") {
    const ScratchDir scratch;
    const fs::path inside = scratch.path() / "inside";
    fs::create_directory(inside);
    std::ofstream(scratch.path() / "victim") << "x";
    REQUIRE(::chmod((scratch.path() / "victim").c_str(), 0600) == 0);
    Sample(TarBuilder().symlink("l", "../victim")).extract_to(inside);
    CHECK((status_of(scratch.path() / "victim").st_mode & 07777) == 0600);
    CHECK(status_of(scratch.path() / "victim").st_mtime != 0);
}

TEST_CASE("FIFOs are made by anybody") {
    const ScratchDir scratch;
    TarFields fifo;
    fifo.name = "p";
    fifo.type = '6';
    Sample(TarBuilder().entry(fifo)).extract_to(scratch.path());
    CHECK(S_ISFIFO(status_of(scratch.path() / "p").st_mode));
}

TEST_CASE("devices are left out without ownership, and said to be") {
    const ScratchDir scratch;
    TarFields device;
    device.name = "dev/null";
    device.type = '3';
    const ExtractSummary summary = Sample(TarBuilder().entry(device)).extract_to(scratch.path());
    CHECK(summary.skipped == std::vector<std::string>{"dev/null: device nodes need root"});
    CHECK_FALSE(fs::exists(scratch.path() / "dev/null"));
}

TEST_CASE("a device that is recorded has an owner's record, root's as well") {
    const ScratchDir scratch;
    TarFields device;
    device.name = "null";
    device.type = '3';
    Sample(TarBuilder().entry(device)).extract_to(scratch.path(), {}, Ownership::record);
    const fs::path placeholder = scratch.path() / "null";
    CHECK(::getxattr(placeholder.c_str(), device_attribute, nullptr, 0) > 0);
    CHECK(::getxattr(placeholder.c_str(), owner_attribute, nullptr, 0) > 0);
}

TEST_CASE("setuid bits are left out without ownership, and said to be") {
    const ScratchDir scratch;
    const ExtractSummary summary = Sample(TarBuilder().file("su", "x", 04755)).extract_to(scratch.path());
    CHECK((status_of(scratch.path() / "su").st_mode & 07777) == 0755);
    CHECK(summary.skipped.size() == 1);
}

TEST_CASE("extended attributes that the file system refuses are named") {
    const ScratchDir scratch;
    const ExtractSummary summary =
        Sample(TarBuilder().pax({{"SCHILY.acl.access", "user::rwx"}}).file("f")).extract_to(scratch.path());
    REQUIRE(summary.skipped.size() == 1);
    CHECK_THAT(summary.skipped[0], ContainsSubstring("f: extended attribute system.posix_acl_access: "));
}

TEST_CASE("as root, owners, setuid bits, devices and privileged attributes are those of the tree") {
    if (!is_root()) return;
    const ScratchDir scratch;
    TarFields device;
    device.name = "null";
    device.type = '3';
    device.device_major = 1;
    device.device_minor = 3;
    TarFields owned;
    owned.name = "f";
    owned.uid = 1234;
    owned.gid = 5678;
    owned.mode = 06755;
    const std::string capability("\x01\0\0\x02\0\x20\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 20);
    const ExtractSummary summary = Sample(TarBuilder()
                                              .entry(device)
                                              .pax({{"SCHILY.xattr.security.capability", capability}})
                                              .entry(owned)
                                              .pax({{"uid", "77"}})
                                              .symlink("l", "f"))
                                       .extract_to(scratch.path(), {}, Ownership::apply);
    CHECK(status_of(scratch.path() / "f").st_uid == 1234);
    CHECK(status_of(scratch.path() / "f").st_gid == 5678);
    CHECK((status_of(scratch.path() / "f").st_mode & 07777) == 06755);
    CHECK(status_of(scratch.path() / "l").st_uid == 77);
    std::string value(64, '\0');
    const ssize_t length =
        ::getxattr((scratch.path() / "f").c_str(), "security.capability", value.data(), value.size());
    CHECK(value.substr(0, static_cast<size_t>(std::max<ssize_t>(length, 0))) == capability);
    if (summary.skipped.empty()) CHECK(status_of(scratch.path() / "null").st_rdev == makedev(1, 3));
}

TEST_CASE("contents that are shorter than the inode says are refused") {
    const ScratchDir scratch;
    tree::Tree tree;
    tree::LayerEntry entry;
    entry.path = "f";
    entry.inode.type = tree::FileType::regular;
    entry.inode.size = 10;
    tree.apply({entry});
    ExtractOptions options;
    options.read = [](const tree::Inode&, const auto& consume) { consume(as_bytes("short")); };
    CHECK_THROWS_WITH(extract(tree, "", RootedDir(scratch.path()), options), "\"f\" has 5 bytes instead of 10");
}

}  // namespace gbuild::layer
