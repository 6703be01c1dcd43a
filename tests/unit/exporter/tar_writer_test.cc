#include "gbuild/exporter/tar_writer.h"

#include "gbuild/base/error.h"
#include "gbuild/base/fd.h"
#include "support/catch.h"

using namespace gbuild;
using namespace gbuild::exporter;

namespace {

struct Archive {
    std::string text;
    TarWriter tar{[this](std::span<const std::byte> bytes) { text += as_text(bytes); }};

    std::string field(size_t block, size_t offset, size_t size) const {
        const std::string raw = text.substr(block * 512 + offset, size);
        return raw.substr(0, raw.find('\0'));
    }
};

tree::Inode tar_inode(tree::FileType type, uint64_t size = 0) {
    tree::Inode inode;
    inode.type = type;
    inode.mode = 0644;
    inode.size = size;
    return inode;
}

}  // namespace

TEST_CASE("a file is a header and its bytes in whole blocks") {
    Archive archive;
    tree::Inode inode = tar_inode(tree::FileType::regular, 5);
    inode.mode = 04755;
    inode.uid = 1000;
    inode.mtime = 1'700'000'000;
    archive.tar.add("bin/x", inode);
    archive.tar.data(as_bytes("hello"));
    archive.tar.finish();
    REQUIRE(archive.text.size() == 4 * 512);
    CHECK(archive.field(0, 0, 100) == "bin/x");
    CHECK(archive.field(0, 100, 8) == "0004755");
    CHECK(archive.field(0, 108, 8) == "0001750");
    CHECK(archive.field(0, 124, 12) == "00000000005");
    CHECK(archive.field(0, 136, 12) == "14524770400");
    CHECK(archive.field(0, 257, 6) == "ustar");
    CHECK(archive.field(1, 0, 512) == "hello");
}

TEST_CASE("the checksum counts its own field as blanks") {
    Archive archive;
    archive.tar.add("", tree::Inode());
    unsigned sum = 8 * ' ';
    for (size_t i = 0; i < 512; i++) {
        if (i < 148 || i >= 156) sum += static_cast<unsigned char>(archive.text[i]);
    }
    CHECK(std::stoul(archive.field(0, 148, 6), nullptr, 8) == sum);
    CHECK(archive.field(0, 0, 100) == "./");
    CHECK(archive.field(0, 156, 1) == "5");
}

TEST_CASE("what a header cannot hold is in PAX records, sorted") {
    Archive archive;
    tree::Inode inode = tar_inode(tree::FileType::regular);
    inode.uid = 3'000'000;
    inode.mtime = -1;
    inode.xattrs = {{"security.capability", std::string("\1\0\n", 3)}, {"user.a", "b"}};
    const std::string path = std::string(60, 'd') + "/" + std::string(60, 'f');
    archive.tar.add(path, inode);
    CHECK(archive.field(0, 156, 1) == "x");
    const std::string records = archive.text.substr(512, std::stoul(archive.field(0, 124, 12), nullptr, 8));
    const std::string capability = "40 SCHILY.xattr.security.capability=" + std::string("\1\0\n", 3) + "\n";
    CHECK(records.substr(0, capability.size()) == capability);
    CHECK(records.find("25 SCHILY.xattr.user.a=b\n") == capability.size());
    CHECK(records.find(" path=" + path + "\n") != std::string::npos);
    CHECK(records.find("15 uid=3000000\n") != std::string::npos);
    CHECK(records.find("12 mtime=-1\n") != std::string::npos);
    CHECK(archive.field(2, 108, 8) == "0000000");
    CHECK(archive.field(2, 0, 100) == path.substr(0, 100));
}

TEST_CASE("a record's length counts its own digits") {
    for (size_t size = 80; size < 110; size++) {
        Archive archive;
        tree::Inode inode = tar_inode(tree::FileType::regular);
        inode.xattrs = {{"user.x", std::string(size, 'v')}};
        archive.tar.add("f", inode);
        const size_t length = std::stoul(archive.field(0, 124, 12), nullptr, 8);
        CHECK(std::stoul(archive.text.substr(512)) == length);
        CHECK(archive.text[512 + length - 1] == '\n');
    }
}

TEST_CASE("links, devices and long targets") {
    Archive archive;
    archive.tar.add_link("b", "a", tar_inode(tree::FileType::regular, 7));
    CHECK(archive.field(0, 156, 1) == "1");
    CHECK(archive.field(0, 157, 100) == "a");
    CHECK(archive.field(0, 124, 12) == "00000000000");
    tree::Inode device = tar_inode(tree::FileType::char_device);
    device.device_major = 1;
    device.device_minor = 1'000'000;
    archive.tar.add("null", device);
    CHECK(archive.field(1, 156, 1) == "3");
    CHECK(archive.field(1, 329, 8) == "0000001");
    CHECK(archive.field(1, 337, 8) == "3641100");
    tree::Inode link = tar_inode(tree::FileType::symlink);
    link.target = std::string(200, 't');
    archive.tar.add("l", link);
    CHECK(archive.text.find(" linkpath=" + link.target + "\n") != std::string::npos);
}

TEST_CASE("what tar cannot hold") {
    Archive archive;
    tree::Inode device = tar_inode(tree::FileType::block_device);
    device.device_minor = 0x7fffffff;
    CHECK_THROWS_AS(archive.tar.add("dev", device), Error);
    CHECK_THROWS_AS(archive.tar.add("s", tar_inode(tree::FileType::socket)), Error);
    CHECK_FALSE(tar_can_hold({"user.a=b", ""}));
    CHECK(tar_can_hold({"user.a", ""}));
}

TEST_CASE("a file that is shorter or longer than it says is an error") {
    Archive archive;
    archive.tar.add("f", tar_inode(tree::FileType::regular, 3));
    CHECK_THROWS_AS(archive.tar.data(as_bytes("four")), Error);
    archive.tar.data(as_bytes("2"));
    CHECK_THROWS_AS(archive.tar.finish(), Error);
}
