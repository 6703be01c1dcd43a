#include "gbuild/cli/file_list.h"

#include "gbuild/base/error.h"
#include "support/catch.h"

using namespace gbuild;
using namespace gbuild::cli;
using tree::FileType;
using tree::Inode;

namespace {

constexpr int64_t may_day = 1'714'564'800;  // 2024-05-01 12:00 UTC

Inode make(FileType type, unsigned mode) {
    Inode inode;
    inode.type = type;
    inode.mode = static_cast<uint16_t>(mode);
    inode.mtime = may_day;
    return inode;
}

tree::LayerEntry entry(const std::string& path, Inode inode) { return {tree::EntryKind::inode, path, "", inode}; }

tree::Tree sample() {
    tree::Tree tree;
    Inode link = make(FileType::symlink, 0777);
    link.target = "usr/bin";
    tree.apply({entry("usr", make(FileType::directory, 0755)), entry("usr/bin", make(FileType::directory, 0755)),
                entry("usr/bin/sh", make(FileType::regular, 0755)), entry("bin", link),
                entry("etc", make(FileType::directory, 0755))});
    return tree;
}

std::vector<std::string> paths(const tree::Node& node, const std::string& path, Depth depth) {
    std::vector<std::string> result;
    list_files(node, path, depth, [&](const std::string& found, const Inode&) { result.push_back(found); });
    return result;
}

}  // namespace

TEST_CASE("modes are written as ls writes them") {
    CHECK(mode_text(make(FileType::directory, 0755)) == "drwxr-xr-x");
    CHECK(mode_text(make(FileType::regular, 04755)) == "-rwsr-xr-x");
    CHECK(mode_text(make(FileType::regular, 04644)) == "-rwSr--r--");
    CHECK(mode_text(make(FileType::regular, 02755)) == "-rwxr-sr-x");
    CHECK(mode_text(make(FileType::regular, 02644)) == "-rw-r-Sr--");
    CHECK(mode_text(make(FileType::directory, 01777)) == "drwxrwxrwt");
    CHECK(mode_text(make(FileType::directory, 01776)) == "drwxrwxrwT");
    CHECK(mode_text(make(FileType::symlink, 0777)) == "lrwxrwxrwx");
    CHECK(mode_text(make(FileType::char_device, 0)) == "c---------");
    CHECK(mode_text(make(FileType::block_device, 0)) == "b---------");
    CHECK(mode_text(make(FileType::fifo, 0)) == "p---------");
    CHECK(mode_text(make(FileType::socket, 0)) == "s---------");
}

TEST_CASE("a line has mode, owner, size, time and path") {
    Inode file = make(FileType::regular, 0644);
    file.uid = 1000;
    file.gid = 100;
    file.size = 1234;
    CHECK(file_line("etc/passwd", file) == "-rw-r--r-- 1000/100           1234 2024-05-01 12:00 /etc/passwd\n");
}

TEST_CASE("a line of a symbolic link tells its target, of a device its number") {
    Inode link = make(FileType::symlink, 0777);
    link.target = "usr/bin";
    CHECK(file_line("bin", link) == "lrwxrwxrwx 0/0                   7 2024-05-01 12:00 /bin -> usr/bin\n");
    Inode device = make(FileType::char_device, 0666);
    device.device_major = 1;
    device.device_minor = 3;
    CHECK(file_line("dev/null", device) == "crw-rw-rw- 0/0                1, 3 2024-05-01 12:00 /dev/null\n");
}

TEST_CASE("names and targets cannot steer the terminal") {
    Inode link = make(FileType::symlink, 0777);
    link.target = "\x1b[2J";
    CHECK_THAT(file_line("a\nb\xff", link), ContainsSubstring("/a\\nb\\xff -> \\x1b[2J\n"));
}

TEST_CASE("a file as JSON") {
    Inode file = make(FileType::regular, 04755);
    file.uid = 7;
    file.size = 5;
    file.xattrs = {{"security.capability", "x"}};
    CHECK(file_json("bin/ping", file).dump() ==
          "{\"path\":\"/bin/ping\",\"type\":\"file\",\"mode\":\"4755\",\"uid\":7,\"gid\":0,\"size\":5,"
          "\"mtime\":\"2024-05-01T12:00:00Z\",\"xattrs\":[\"security.capability\"]}");
    Inode device = make(FileType::block_device, 0600);
    device.device_major = 8;
    CHECK(file_json("dev/sda", device)["device"].dump() == "{\"major\":8,\"minor\":0}");
}

TEST_CASE("a directory lists its children, or all below, parents first") {
    tree::Tree tree = sample();
    using Paths = std::vector<std::string>;
    CHECK(paths(tree.root(), "", Depth::children) == Paths{"bin", "etc", "usr"});
    CHECK(paths(tree.root(), "", Depth::all) == Paths{"bin", "etc", "usr", "usr/bin", "usr/bin/sh"});
    CHECK(paths(*tree.find("usr", tree::FollowLast::no), "usr", Depth::all) == Paths{"usr/bin", "usr/bin/sh"});
}

TEST_CASE("a file lists itself") {
    tree::Tree tree = sample();
    auto found = find_node(tree, "/bin/sh", tree::FollowLast::no, "x.gvmi");
    CHECK(paths(found.node, found.path, Depth::all) == std::vector<std::string>{"usr/bin/sh"});
}

TEST_CASE("a path that is not there is named") {
    tree::Tree tree = sample();
    REQUIRE_THROWS_WITH(find_node(tree, "/nope", tree::FollowLast::no, "x.gvmi"),
                        "there is no \"/nope\" in \"x.gvmi\"");
}
