// Archives that GNU tar makes, in every format it has, read as what was on disk.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "compress.h"
#include "reading.h"
#include "scratch_dir.h"
#include "support/catch.h"

namespace gbuild::layer {
namespace {

namespace fs = std::filesystem;

void write_file(const fs::path& path, std::string_view text) { std::ofstream(path) << text; }

void set_mtime(const fs::path& path, time_t seconds, long nanoseconds) {
    const timespec times[2] = {{0, UTIME_OMIT}, {seconds, nanoseconds}};
    REQUIRE(::utimensat(AT_FDCWD, path.c_str(), times, AT_SYMLINK_NOFOLLOW) == 0);
}

std::string archived(const fs::path& directory, const std::string& options) {
    const std::string out = directory.string() + ".tar";
    const std::string command = fmt::format("tar --sort=name {} -C {} -cf {} .", options, directory.string(), out);
    REQUIRE(std::system(command.c_str()) == 0);
    std::string bytes = read_text_file(out, 1 << 26);
    fs::remove(out);
    return bytes;
}

const tree::LayerEntry& entry_at(const Layer& layer, std::string_view path) {
    for (const tree::LayerEntry& entry : layer.entries) {
        if (entry.path == path) return entry;
    }
    throw std::runtime_error(fmt::format("no entry {}", path));
}

}  // namespace

TEST_CASE("GNU tar's formats all give names, links, modes and contents as they are") {
    const ScratchDir scratch;
    const fs::path top = scratch.path() / "top";
    const std::string long_name = std::string(90, 'd') + "/" + std::string(95, 'n');
    fs::create_directories(top / std::string(90, 'd'));
    write_file(top / long_name, sample_text(5000));
    write_file(top / "new\nline", "1");
    write_file(top / "\xff\xfe", "2");
    write_file(top / "e\xcc\x81", "3");
    fs::create_hard_link(top / "e\xcc\x81", top / "hard");
    fs::create_symlink("some/where", top / "soft");
    REQUIRE(::chmod((top / "new\nline").c_str(), 06754) == 0);
    REQUIRE(::mkfifo((top / "pipe").c_str(), 0600) == 0);
    set_mtime(top / "soft", 1234567890, 999'999'999);
    for (const char* format : {"gnu", "oldgnu", "pax", "ustar"}) {
        CAPTURE(format);
        const Layer layer = read_layer(archived(top, fmt::format("--format={}", format)));
        CHECK(layer.contents.at(long_name) == sample_text(5000));
        CHECK(layer.contents.at("new\nline") == "1");
        CHECK(layer.contents.at("\xff\xfe") == "2");
        CHECK(entry_at(layer, "new\nline").inode.mode == 06754);
        CHECK(entry_at(layer, "hard").kind == tree::EntryKind::hard_link);
        CHECK(entry_at(layer, "hard").target == "e\xcc\x81");
        CHECK(entry_at(layer, "soft").inode.target == "some/where");
        CHECK(entry_at(layer, "soft").inode.mtime == 1234567890);
        CHECK(entry_at(layer, "pipe").inode.type == tree::FileType::fifo);
        CHECK(entry_at(layer, "").inode.is_directory());
        CHECK(entry_at(layer, "hard").path == "hard");
        struct stat status {};
        REQUIRE(::stat((top / long_name).c_str(), &status) == 0);
        CHECK(entry_at(layer, long_name).inode.uid == status.st_uid);
        CHECK(entry_at(layer, long_name).inode.gid == status.st_gid);
    }
}

TEST_CASE("GNU tar's sparse formats all give the file with its holes as zeros") {
    const ScratchDir scratch;
    const fs::path top = scratch.path() / "top";
    fs::create_directory(top);
    std::string expected(3'000'000, '\0');
    {
        UniqueFd fd = open_file(top / "sparse", O_WRONLY | O_CREAT, 0644);
        // More parts than a header and one block after it hold.
        for (size_t at = 4096; at < 2'500'000; at += 65536) {
            const std::string part = sample_text(4096);
            pwrite_all(fd.get(), as_bytes(part), at);
            expected.replace(at, part.size(), part);
        }
        REQUIRE(::ftruncate(fd.get(), 3'000'000) == 0);
    }
    write_file(top / "z", "after");
    for (const char* format : {"--format=gnu", "--format=oldgnu", "--format=pax --sparse-version=0.0",
                               "--format=pax --sparse-version=0.1", "--format=pax --sparse-version=1.0"}) {
        CAPTURE(format);
        const std::string tar = archived(top, fmt::format("--sparse --hole-detection=raw {}", format));
        CHECK(tar.size() < 1'000'000);
        const Layer layer = read_layer(tar);
        CHECK((layer.contents.at("sparse") == expected));
        CHECK(layer.contents.at("z") == "after");
    }
}

TEST_CASE("GNU tar's PAX times before the epoch are rounded down") {
    const ScratchDir scratch;
    const fs::path top = scratch.path() / "top";
    fs::create_directory(top);
    write_file(top / "old", "");
    set_mtime(top / "old", -2, 500'000'000);
    CHECK(entry_at(read_layer(archived(top, "--format=pax")), "old").inode.mtime == -2);
}

TEST_CASE("GNU tar's numbers beyond octal come through in both of its ways") {
    const ScratchDir scratch;
    const fs::path top = scratch.path() / "top";
    fs::create_directory(top);
    write_file(top / "f", "");
    for (const char* format : {"gnu", "pax"}) {
        const Layer layer =
            read_layer(archived(top, fmt::format("--format={} --owner=:3000000000 --group=:4000000000", format)));
        CHECK(entry_at(layer, "f").inode.uid == 3000000000);
        CHECK(entry_at(layer, "f").inode.gid == 4000000000);
    }
}

TEST_CASE("GNU tar's global PAX options apply") {
    const ScratchDir scratch;
    const fs::path top = scratch.path() / "top";
    fs::create_directory(top);
    write_file(top / "f", "");
    const Layer layer = read_layer(archived(top, "--format=pax --pax-option='uid=77,delete=mtime'"));
    CHECK(entry_at(layer, "f").inode.uid == 77);
}

TEST_CASE("GNU tar's compressed archives read as archives") {
    const ScratchDir scratch;
    const fs::path top = scratch.path() / "top";
    fs::create_directory(top);
    write_file(top / "f", sample_text(200'000));
    for (const char* option : {"--gzip", "--xz", "--bzip2"}) {
        const std::string bytes = archived(top, option);
        REQUIRE(bytes.size() < 200'000);
        CHECK(collect(*read_archive(source_of(bytes), {})).contents.at("f") == sample_text(200'000));
    }
}

}  // namespace gbuild::layer
