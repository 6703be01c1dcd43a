#include <algorithm>

#include "gbuild/base/error.h"
#include "gbuild/golem/vm_contract.h"
#include "layer_entries.h"
#include "support/catch.h"

using gbuild::Error;
using gbuild::golem::directory;
using gbuild::golem::file;
using gbuild::golem::link_at;
using gbuild::golem::missing_entries;
using gbuild::oci::ContainerConfig;
using gbuild::tree::FileType;
using gbuild::tree::FollowLast;
using gbuild::tree::Inode;
using gbuild::tree::LayerEntry;
using gbuild::tree::LayerTree;
using gbuild::tree::Node;
using gbuild::tree::Tree;

namespace {

constexpr int64_t epoch = 1234;

Tree tree_of(const LayerTree& entries) {
    Tree tree;
    tree.apply(entries);
    return tree;
}

Tree completed(Tree tree, const ContainerConfig& config = {}) {
    tree.apply(missing_entries(tree, config, epoch));
    return tree;
}

std::vector<std::string> paths(const LayerTree& entries) {
    std::vector<std::string> result;
    for (const auto& entry : entries) result.push_back(entry.path);
    std::sort(result.begin(), result.end());
    return result;
}

const Inode& at(const Tree& tree, const std::string& path) {
    const Node* node = tree.find(path, FollowLast::no);
    if (!node) FAIL("nothing at " + path);
    return *node->inode;
}

const LayerTree everything = {
    directory("dev"),         directory("dev/pts"), directory("dev/shm"), directory("proc"),    directory("sys"),
    directory("tmp"),         directory("etc"),     file("etc/hosts"),    file("etc/hostname"), file("etc/resolv.conf"),
    link_at("etc/mtab", "x"), directory("var"),     directory("var/tmp")};

ContainerConfig with_volumes(std::set<std::string> volumes) {
    ContainerConfig config;
    config.volumes = std::move(volumes);
    return config;
}

}  // namespace

TEST_CASE("an empty image gets all that the VM needs and nothing else") {
    CHECK(paths(missing_entries(Tree(), {}, epoch)) ==
          std::vector<std::string>{"dev", "dev/pts", "dev/shm", "etc", "etc/hostname", "etc/hosts", "etc/mtab",
                                   "etc/resolv.conf", "proc", "sys", "tmp", "var", "var/tmp"});
}

TEST_CASE("new entries are root's and have the epoch as their time") {
    for (const auto& entry : missing_entries(Tree(), with_volumes({"/a/b"}), epoch)) {
        CHECK(entry.inode.mtime == epoch);
        CHECK(entry.inode.uid == 0);
        CHECK(entry.inode.gid == 0);
        CHECK(entry.inode.size == 0);
    }
}

TEST_CASE("modes are those of the contract") {
    Tree tree = completed(Tree());
    for (const char* path : {"dev", "dev/pts", "dev/shm", "proc", "sys", "etc", "var"})
        CHECK(at(tree, path).mode == 0755);
    CHECK(at(tree, "tmp").mode == 01777);
    CHECK(at(tree, "var/tmp").mode == 01777);
    CHECK(at(tree, "etc/hosts").type == FileType::regular);
    CHECK(at(tree, "etc/hosts").mode == 0644);
    CHECK(at(tree, "etc/mtab").target == "/proc/mounts");
}

TEST_CASE("what is there stays as it is") { CHECK(missing_entries(tree_of(everything), {}, epoch).empty()); }

TEST_CASE("a directory with an unusual mode is kept") {
    Tree tree = completed(tree_of({directory("tmp", 0700), directory("dev", 0711)}));
    CHECK(at(tree, "tmp").mode == 0700);
    CHECK(at(tree, "dev").mode == 0711);
}

TEST_CASE("applying the entries once is enough") {
    Tree tree = completed(tree_of({link_at("etc", "/nowhere"), link_at("tmp", "/var/tmp"), file("proc")}),
                          with_volumes({"/tmp/v", "/data"}));
    CHECK(missing_entries(tree, with_volumes({"/tmp/v", "/data"}), epoch).empty());
}

TEST_CASE("a root of another mode becomes 0755 and keeps the rest") {
    LayerEntry root = directory("", 0700);
    root.inode.uid = 7;
    root.inode.mtime = 99;
    Tree tree = completed(tree_of({root}));
    CHECK(tree.root().inode->mode == 0755);
    CHECK(tree.root().inode->uid == 7);
    CHECK(tree.root().inode->mtime == 99);
}

TEST_CASE("links and files where the VM mounts are replaced and not followed") {
    auto name = GENERATE(as<std::string>(), "dev", "proc", "sys", "tmp");
    Tree tree = completed(tree_of({directory("elsewhere"), link_at(name, "/elsewhere")}));
    CHECK(at(tree, name).type == FileType::directory);
    CHECK(tree.find("elsewhere", FollowLast::no)->children.empty());
    Tree over_file = completed(tree_of({file(name)}));
    CHECK(at(over_file, name).type == FileType::directory);
}

TEST_CASE("a linked /dev/shm becomes a directory") {
    Tree tree = completed(tree_of({directory("dev"), link_at("dev/shm", "/run/shm")}));
    CHECK(at(tree, "dev/shm").type == FileType::directory);
    CHECK_FALSE(tree.find("run", FollowLast::no));
}

TEST_CASE("the network's files that are not regular become empty regular files") {
    Tree tree = completed(
        tree_of({directory("etc"), link_at("etc/resolv.conf", "../run/resolv.conf"), link_at("etc/hosts", "/secret"),
                 file("secret"), directory("etc/hostname"), file("etc/hostname/x")}));
    for (const char* path : {"etc/resolv.conf", "etc/hosts", "etc/hostname"}) {
        CHECK(at(tree, path).type == FileType::regular);
        CHECK(at(tree, path).size == 0);
    }
    CHECK(at(tree, "secret").size == 5);
    CHECK_FALSE(tree.find("run", FollowLast::no));
}

TEST_CASE("the network's files that are regular keep their contents") {
    CHECK(at(completed(tree_of({file("etc/hosts", 77)})), "etc/hosts").size == 77);
}

TEST_CASE("whatever stands at /etc/mtab stays") {
    CHECK(at(completed(tree_of({file("etc/mtab")})), "etc/mtab").type == FileType::regular);
    CHECK(at(completed(tree_of({link_at("etc/mtab", "/gone")})), "etc/mtab").target == "/gone");
}

TEST_CASE("an /etc that leads nowhere becomes a directory") {
    Tree tree = completed(tree_of({link_at("etc", "/nowhere/at/all")}));
    CHECK(at(tree, "etc").type == FileType::directory);
    CHECK(at(tree, "etc/hosts").type == FileType::regular);
    CHECK_FALSE(tree.find("nowhere", FollowLast::no));
}

TEST_CASE("an /etc that leads to a directory becomes one with the same contents") {
    Tree tree = completed(
        tree_of({directory("usr/etc", 0750), file("usr/etc/passwd", 11), directory("usr/etc/a"),
                 file("usr/etc/a/b", 22), link_at("usr/etc/resolv.conf", "/run/r"), link_at("etc", "usr/etc")}));
    CHECK(at(tree, "etc").type == FileType::directory);
    CHECK(at(tree, "etc").mode == 0750);
    CHECK(&at(tree, "etc/passwd") == &at(tree, "usr/etc/passwd"));
    CHECK(at(tree, "etc/a/b").size == 22);
    CHECK(at(tree, "etc/resolv.conf").type == FileType::regular);
    CHECK(at(tree, "usr/etc/resolv.conf").type == FileType::symlink);
    CHECK_FALSE(tree.find("usr/etc/hosts", FollowLast::no));
}

TEST_CASE("links of a linked /etc lead where they led") {
    Tree tree = completed(tree_of({file("usr/lib/os-release", 33), link_at("usr/etc/os-release", "../lib/os-release"),
                                   link_at("usr/etc/a/up", "../b"), link_at("usr/etc/abs", "/usr/lib/os-release"),
                                   link_at("etc", "usr/etc")}));
    for (const char* path : {"etc/os-release", "etc/abs", "usr/etc/os-release"}) {
        const Node* node = tree.find(path, FollowLast::yes);
        REQUIRE(node);
        CHECK(node->inode->size == 33);
    }
    CHECK(at(tree, "etc/a/up").target == "/usr/etc/a/../b");
    CHECK(at(tree, "usr/etc/os-release").target == "../lib/os-release");
}

TEST_CASE("links in a circle at /etc are no obstacle") {
    Tree tree = completed(tree_of({link_at("etc", "x"), link_at("x", "etc")}));
    CHECK(at(tree, "etc").type == FileType::directory);
    CHECK(at(tree, "etc/hosts").type == FileType::regular);
}

TEST_CASE("a volume at a file of a linked /etc is refused as of any other") {
    Tree tree = tree_of({file("usr/etc/datafile", 1), link_at("etc", "usr/etc")});
    CHECK_THROWS_WITH(missing_entries(tree, with_volumes({"/etc/datafile"}), epoch),
                      ContainsSubstring("is not a directory in the image"));
}

TEST_CASE("an /etc that leads to the root or into what is replaced is survived") {
    Tree tree = completed(tree_of({link_at("etc", "/"), link_at("tmp", "/var"), file("a")}));
    CHECK(at(tree, "etc/a").size == 5);
    CHECK(at(tree, "etc/hosts").type == FileType::regular);
    CHECK(at(tree, "tmp").type == FileType::directory);
    Tree dev = completed(tree_of({directory("dev"), link_at("dev/pts", "x"), link_at("etc", "dev")}));
    CHECK(at(dev, "dev/pts").type == FileType::directory);
}

TEST_CASE("missing volumes and working directory are made with their parents") {
    ContainerConfig config = with_volumes({"/golem/input", "/golem/output"});
    config.working_dir = "/srv/job/here";
    LayerTree entries = missing_entries(tree_of(everything), config, epoch);
    CHECK(paths(entries) ==
          std::vector<std::string>{"golem", "golem/input", "golem/output", "srv", "srv/job", "srv/job/here"});
    for (const auto& entry : entries) CHECK(entry.inode.mode == 0755);
}

TEST_CASE("paths are cleaned, and those without a slash count from the root") {
    ContainerConfig config = with_volumes({"data/", "/a/../b//c/."});
    CHECK(paths(missing_entries(tree_of(everything), config, epoch)) == std::vector<std::string>{"b", "b/c", "data"});
}

TEST_CASE("volumes follow links inside the tree and never leave it") {
    LayerTree base = everything;
    base.push_back(directory("real"));
    base.push_back(link_at("link", "/real"));
    base.push_back(link_at("up", "../../../../outside"));
    Tree tree = tree_of(base);
    CHECK(paths(missing_entries(tree, with_volumes({"/link/v"}), epoch)) == std::vector<std::string>{"real/v"});
    CHECK(paths(missing_entries(tree, with_volumes({"/up/v"}), epoch)) ==
          std::vector<std::string>{"outside", "outside/v"});
    CHECK(paths(missing_entries(tree, with_volumes({"/../../v"}), epoch)) == std::vector<std::string>{"v"});
}

TEST_CASE("a volume below a replaced link lies in the new directory") {
    Tree tree = completed(tree_of({directory("var/tmp"), link_at("tmp", "/var/tmp")}), with_volumes({"/tmp/v"}));
    CHECK(at(tree, "tmp/v").type == FileType::directory);
    CHECK(at(tree, "tmp").mode == 01777);
    CHECK(tree.find("var/tmp", FollowLast::no)->children.empty());
}

TEST_CASE("a volume below a directory that is new as well keeps its mode") {
    Tree tree = completed(Tree(), with_volumes({"/tmp/v"}));
    CHECK(at(tree, "tmp").mode == 01777);
    CHECK(at(tree, "tmp/v").mode == 0755);
}

TEST_CASE("a volume or working directory that is a file, or below one, is refused by name") {
    Tree tree = tree_of({file("data")});
    REQUIRE_THROWS_WITH(missing_entries(tree, with_volumes({"/data"}), epoch),
                        "volume \"/data\": \"/data\" is not a directory in the image");
    REQUIRE_THROWS_WITH(missing_entries(tree, with_volumes({"/data/x/y"}), epoch),
                        "volume \"/data/x/y\": \"/data\" is not a directory in the image");
    REQUIRE_THROWS_AS(missing_entries(Tree(), with_volumes({"/etc/hosts"}), epoch), Error);
    ContainerConfig config;
    config.working_dir = "/data";
    REQUIRE_THROWS_WITH(missing_entries(tree, config, epoch),
                        "working directory \"/data\": \"/data\" is not a directory in the image");
}

TEST_CASE("the root is no volume") {
    auto volume = GENERATE(as<std::string>(), "/", "", "/..", "/loop");
    Tree tree = tree_of({link_at("loop", "/")});
    REQUIRE_THROWS_WITH(missing_entries(tree, with_volumes({volume}), epoch), ContainsSubstring("is the root"));
}

TEST_CASE("a volume behind links in a circle is refused") {
    Tree tree = tree_of({link_at("a", "b"), link_at("b", "a")});
    try {
        missing_entries(tree, with_volumes({"/a/x"}), epoch);
        FAIL("accepted");
    } catch (const Error& error) {
        CHECK(error.kind() == gbuild::ErrorKind::integrity);
        CHECK(error.context() == std::vector<std::string>{"volume \"/a/x\""});
    }
}

TEST_CASE("the root as working directory needs nothing") {
    ContainerConfig config;
    config.working_dir = "/";
    CHECK(missing_entries(tree_of(everything), config, epoch).empty());
}

TEST_CASE("a /var/tmp that is a link becomes a directory (G-2)") {
    Tree to_tmp = completed(tree_of({directory("tmp"), file("tmp/x"), directory("var"), link_at("var/tmp", "/tmp")}));
    CHECK(at(to_tmp, "var/tmp").type == FileType::directory);
    CHECK(at(to_tmp, "var/tmp").mode == 01777);
    CHECK(to_tmp.find("var/tmp", FollowLast::no)->children.empty());
    Tree elsewhere = completed(tree_of({file("data/x", 9), directory("var"), link_at("var/tmp", "../data")}));
    CHECK(at(elsewhere, "var/tmp/x").size == 9);
    CHECK(at(elsewhere, "data/x").size == 9);
    Tree dangling = completed(tree_of({directory("var"), link_at("var/tmp", "/gone")}));
    CHECK(at(dangling, "var/tmp").type == FileType::directory);
    Tree circle = completed(tree_of({directory("var"), link_at("var/tmp", "tmp")}));
    CHECK(at(circle, "var/tmp").type == FileType::directory);
}

TEST_CASE("a /var that is a link becomes a directory with the same contents (G-2)") {
    Tree tree = completed(tree_of({file("usr/var/lib/x", 7), link_at("usr/var/up", "lib/x"),
                                   directory("usr/var/tmp", 0700), link_at("var", "usr/var")}));
    CHECK(at(tree, "var").type == FileType::directory);
    CHECK(at(tree, "var/lib/x").size == 7);
    CHECK(at(tree, "var/up").target == "/usr/var/lib/x");
    CHECK(at(tree, "var/tmp").mode == 0700);
    Tree bare = completed(tree_of({directory("usr/var"), link_at("var", "/usr/var")}));
    CHECK(at(bare, "var/tmp").mode == 01777);
    CHECK_FALSE(bare.find("usr/var/tmp", FollowLast::no));
    CHECK(missing_entries(tree, {}, epoch).empty());
}

TEST_CASE("a file where the VM needs /var or /var/tmp is refused when something is in it (G-2)") {
    CHECK_THROWS_AS(missing_entries(tree_of({file("var", 5)}), {}, epoch), Error);
    CHECK_THROWS_AS(missing_entries(tree_of({directory("var"), file("var/tmp", 5)}), {}, epoch), Error);
    CHECK_THROWS_AS(missing_entries(tree_of({link_at("var", "/")}), {}, epoch), Error);
    CHECK(at(completed(tree_of({directory("var"), file("var/tmp", 0)})), "var/tmp").type == FileType::directory);
    CHECK(at(completed(tree_of({file("var", 0)})), "var/tmp").type == FileType::directory);
}

TEST_CASE("relative links of the network's files that work in the VM are kept (G-9)") {
    Tree tree = completed(tree_of({directory("etc"), file("etc/hosts.real", 3), link_at("etc/hosts", "hosts.real"),
                                   file("run/resolv", 4), link_at("etc/resolv.conf", "../run/resolv"),
                                   link_at("etc/hostname", "one"), link_at("etc/one", "hosts.real")}));
    for (const char* path : {"etc/hosts", "etc/resolv.conf", "etc/hostname"})
        CHECK(at(tree, path).type == FileType::symlink);
    for (const char* target : {"/etc/real", "gone", "../../etc/real", "abs", "hosts", "../tmp/real", "dir"}) {
        INFO(target);
        Tree broken = completed(tree_of({file("etc/real", 3), file("tmp/real", 3), link_at("etc/abs", "/etc/real"),
                                         directory("etc/dir"), link_at("etc/hosts", target)}));
        CHECK(at(broken, "etc/hosts").type == FileType::regular);
    }
}
