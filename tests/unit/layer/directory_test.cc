#include "gbuild/layer/directory.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <filesystem>
#include <map>
#include <random>

#include <fmt/format.h>

#include "gbuild/base/atomic_file.h"
#include "gbuild/base/error.h"
#include "gbuild/layer/snapshot.h"
#include "support/catch.h"

using namespace gbuild;
using namespace gbuild::layer;
using tree::EntryKind;
using tree::FileType;
using tree::Inode;
using tree::LayerEntry;
using tree::LayerTree;
using tree::Tree;
namespace fs = std::filesystem;

namespace {

// File contents by number, as a pack has them.
class Contents {
  public:
    tree::ContentRef number_of(const std::string& text) {
        if (text.empty()) return {};
        return {0, numbers_.try_emplace(text, static_cast<uint32_t>(numbers_.size())).first->second};
    }
    void read(const Inode& inode, const std::function<void(std::span<const std::byte>)>& take) const {
        if (inode.content.empty()) return;
        for (const auto& [text, number] : numbers_) {
            if (number == inode.content.number) take(as_bytes(text));
        }
    }

  private:
    std::map<std::string, uint32_t> numbers_;
};

constexpr int64_t epoch = 5000;

struct Disk {
    TempDir dir;
    Contents contents;
    ExtractOptions options;

    Disk() {
        options.ownership = Ownership::record;
        options.device_placeholders = true;
        options.read = [this](const Inode& inode, const auto& take) { contents.read(inode, take); };
    }

    fs::path make(const char* name) const {
        fs::create_directory(dir.path() / name);
        return dir.path() / name;
    }

    void write(const Tree& from, const Tree& to, const fs::path& path, DirectoryForm form) {
        write_difference(from, to, RootedDir(path), form, options);
    }

    // What the directory makes of `before`.
    Tree read(const fs::path& path, DirectoryForm form, const Tree& before, const Tree& owners_as_in) {
        Snapshot snapshot = look(path, form, before, owners_as_in);
        Tree result = before.clone();
        result.apply(std::move(snapshot.ready));
        if (snapshot.to_pack) result.apply(pack(*snapshot.to_pack));
        return result;
    }

    Snapshot look(const fs::path& path, DirectoryForm form, const Tree& before, const Tree& owners_as_in) {
        std::vector<PathRecord> owners;
        owners_as_in.walk([&](const std::string& at, const tree::Node& node) {
            owners.push_back({at, {node.inode->uid, node.inode->gid}});
        });
        const RootedDir root(path);
        return take_snapshot({root, form, Ownership::record, {}, owners, before, epoch, options.read});
    }

    LayerTree pack(tree::EntryStream& stream) {
        LayerTree layer;
        LayerEntry entry;
        while (stream.next(entry)) {
            std::string text(entry.inode.size, '\0');
            if (entry.kind == EntryKind::inode) {
                stream.read(std::as_writable_bytes(std::span(text)));
                entry.inode.content = contents.number_of(text);
            }
            layer.push_back(std::move(entry));
        }
        return layer;
    }
};

Inode file(Contents& contents, const std::string& text, uint16_t mode = 0644, int64_t mtime = 1000) {
    Inode inode;
    inode.type = FileType::regular;
    inode.mode = mode;
    inode.mtime = mtime;
    inode.size = text.size();
    inode.content = contents.number_of(text);
    return inode;
}

Inode directory(uint16_t mode = 0755, int64_t mtime = 1000) {
    Inode inode;
    inode.mode = mode;
    inode.mtime = mtime;
    return inode;
}

Inode link_to(const std::string& target, int64_t mtime = 1000) {
    Inode inode;
    inode.type = FileType::symlink;
    inode.mode = 0777;
    inode.mtime = mtime;
    inode.target = target;
    return inode;
}

Tree tree_of(LayerTree entries) {
    Tree tree;
    tree.apply(std::move(entries));
    return tree;
}

std::vector<std::string> listing(const Tree& tree) {
    std::vector<std::string> lines;
    tree.walk([&](const std::string& path, const tree::Node& node) {
        const Inode& inode = *node.inode;
        std::string xattrs;
        for (const auto& xattr : inode.xattrs) xattrs += " " + xattr.name + "=" + xattr.value;
        lines.push_back(fmt::format("/{} type {} mode {:o} {}:{} mtime {} size {} content {} device {}:{} -> {}{}",
                                    path, static_cast<int>(inode.type), inode.mode, inode.uid, inode.gid, inode.mtime,
                                    inode.size, inode.content.number, inode.device_major, inode.device_minor,
                                    inode.target, xattrs));
    });
    return lines;
}

// Changes a tree at random; what its owner could not enter or read is left out, so that this works for everybody.
class Mutation {
  public:
    Mutation(unsigned seed, Contents& contents) : random_(seed), contents_(contents) {}

    Tree of(const Tree& before) {
        Tree tree = before.clone();
        for (int i = 0; i < 12; i++) change(tree);
        return tree;
    }

  private:
    unsigned up_to(unsigned most) { return std::uniform_int_distribution<unsigned>(0, most)(random_); }

    std::string path() {
        std::string path(1, static_cast<char>('a' + up_to(3)));
        for (unsigned depth = up_to(2); depth > 0; depth--)
            path += fmt::format("/{}", static_cast<char>('a' + up_to(3)));
        return path;
    }

    Inode inode() {
        Inode inode;
        constexpr FileType types[] = {FileType::directory, FileType::regular,     FileType::regular,
                                      FileType::symlink,   FileType::char_device, FileType::fifo};
        inode.type = types[up_to(5)];
        inode.mode = static_cast<uint16_t>(0700 | up_to(077) | (up_to(3) == 0 ? 02000 : 0));
        inode.mtime = 1000 + up_to(3);
        inode.uid = up_to(2) * 1000;
        inode.gid = up_to(2) * 50;
        if (inode.type == FileType::symlink) {
            inode.mode = 0777;
            inode.target = std::string(up_to(5) + 1, 't');
        }
        if (inode.type == FileType::char_device) inode.device_minor = up_to(2) + 1;
        if (inode.type == FileType::regular) {
            const std::string text(up_to(3), static_cast<char>('x' + up_to(1)));
            inode.size = text.size();
            inode.content = contents_.number_of(text);
            if (up_to(3) == 0) inode.xattrs = {{"user.note", std::to_string(up_to(1))}};
        }
        return inode;
    }

    void change(Tree& tree) {
        const std::string at = path();
        // What is in the way of a parent goes; a link would lead elsewhere.
        for (size_t end = at.find('/'); end != std::string::npos; end = at.find('/', end + 1)) {
            const tree::Node* above = tree.find(at.substr(0, end), tree::FollowLast::no);
            if (above && !above->is_directory()) return;
        }
        LayerTree layer;
        if (up_to(3) == 0) {
            layer.push_back({EntryKind::whiteout, at, "", {}});
        } else {
            layer.push_back({EntryKind::inode, at, "", inode()});
        }
        tree.apply(std::move(layer));
    }

    std::mt19937 random_;
    Contents& contents_;
};

}  // namespace

TEST_CASE("a directory shows what was written to it, and a difference leads to the other tree") {
    for (unsigned seed = 0; seed < 40; seed++) {
        CAPTURE(seed);
        Disk disk;
        Mutation mutation(seed, disk.contents);
        const Tree empty, one = mutation.of(empty), two = mutation.of(one);
        const fs::path path = disk.make("whole");
        disk.write(empty, one, path, DirectoryForm::whole);
        CHECK(listing(disk.read(path, DirectoryForm::whole, empty, one)) == listing(one));
        const Snapshot unchanged = disk.look(path, DirectoryForm::whole, one, one);
        CHECK(unchanged.ready.empty());
        CHECK_FALSE(unchanged.to_pack);
        disk.write(one, two, path, DirectoryForm::whole);
        CHECK(listing(disk.read(path, DirectoryForm::whole, one, two)) == listing(two));
    }
}

TEST_CASE("an overlay layer says what the difference was, and two merged what both were") {
    for (unsigned seed = 100; seed < 140; seed++) {
        CAPTURE(seed);
        Disk disk;
        Mutation mutation(seed, disk.contents);
        const Tree base = mutation.of(Tree()), one = mutation.of(base), two = mutation.of(one);
        const fs::path lower = disk.make("lower"), upper = disk.make("upper");
        disk.write(base, one, lower, DirectoryForm::overlay);
        copy_root_attributes(one, RootedDir(lower), disk.options);
        CHECK(listing(disk.read(lower, DirectoryForm::overlay, base, one)) == listing(one));
        disk.write(one, two, upper, DirectoryForm::overlay);
        copy_root_attributes(two, RootedDir(upper), disk.options);
        merge_down(RootedDir(upper), RootedDir(lower));
        CHECK(fs::is_empty(upper));
        CHECK(listing(disk.read(lower, DirectoryForm::overlay, base, two)) == listing(two));
    }
}

TEST_CASE("a difference can be written to a layer more than once") {
    for (unsigned seed = 200; seed < 220; seed++) {
        CAPTURE(seed);
        Disk disk;
        Mutation mutation(seed, disk.contents);
        const Tree base = mutation.of(Tree()), one = mutation.of(base), two = mutation.of(one);
        const fs::path layer = disk.make("layer");
        disk.write(base, one, layer, DirectoryForm::overlay);
        disk.write(one, two, layer, DirectoryForm::overlay);
        copy_root_attributes(two, RootedDir(layer), disk.options);
        CHECK(listing(disk.read(layer, DirectoryForm::overlay, base, two)) == listing(two));
    }
}

TEST_CASE("a whiteout hides, one over nothing is none") {
    Disk disk;
    const Tree before = tree_of({{EntryKind::inode, "gone", "", file(disk.contents, "x")}});
    const fs::path upper = disk.make("upper");
    copy_root_attributes(before, RootedDir(upper), disk.options);
    for (const char* name : {"gone", "never-there"}) {
        REQUIRE(::mknod((upper / name).c_str(), S_IFCHR, makedev(0, 0)) == 0);
    }
    const Snapshot snapshot = disk.look(upper, DirectoryForm::overlay, before, before);
    // The directory itself has changed as well.
    REQUIRE(snapshot.ready.size() == 2);
    CHECK(snapshot.ready[1].kind == EntryKind::whiteout);
    CHECK(snapshot.ready[1].path == "gone");
}

TEST_CASE("a file copied up and left as it was is no change") {
    Disk disk;
    const Tree before =
        tree_of({{EntryKind::inode, "d", "", directory()}, {EntryKind::inode, "d/f", "", file(disk.contents, "same")}});
    const fs::path upper = disk.make("upper");
    disk.write(Tree(), before, upper, DirectoryForm::overlay);
    REQUIRE(::removexattr((upper / "d").c_str(), "user.overlay.opaque") == 0);
    const Snapshot snapshot = disk.look(upper, DirectoryForm::overlay, before, before);
    CHECK(snapshot.ready.empty());
    CHECK_FALSE(snapshot.to_pack);
}

TEST_CASE("other attributes alone keep the contents that are packed") {
    Disk disk;
    const Tree before = tree_of({{EntryKind::inode, "f", "", file(disk.contents, "same")}});
    const fs::path upper = disk.make("upper");
    disk.write(Tree(), before, upper, DirectoryForm::overlay);
    REQUIRE(::chmod((upper / "f").c_str(), 0600) == 0);
    const Snapshot snapshot = disk.look(upper, DirectoryForm::overlay, before, before);
    REQUIRE(snapshot.ready.size() == 1);
    CHECK(snapshot.ready[0].inode.mode == 0600);
    CHECK(snapshot.ready[0].inode.content == disk.contents.number_of("same"));
    CHECK_FALSE(snapshot.to_pack);
}

TEST_CASE("contents of the same size and time are compared") {
    Disk disk;
    const Tree before = tree_of({{EntryKind::inode, "f", "", file(disk.contents, "same")}});
    const fs::path upper = disk.make("upper");
    disk.write(Tree(), tree_of({{EntryKind::inode, "f", "", file(disk.contents, "else")}}), upper,
               DirectoryForm::overlay);
    Snapshot snapshot = disk.look(upper, DirectoryForm::overlay, before, before);
    CHECK(snapshot.ready.empty());
    REQUIRE(snapshot.to_pack);
    const LayerTree packed = disk.pack(*snapshot.to_pack);
    REQUIRE(packed.size() == 1);
    CHECK(packed[0].inode.content == disk.contents.number_of("else"));
}

TEST_CASE("times of what changed are no later than the epoch, on disk, too") {
    Disk disk;
    const Tree before = tree_of({{EntryKind::inode, "old", "", file(disk.contents, "x", 0644, epoch + 7)}});
    const fs::path upper = disk.make("upper");
    disk.write(Tree(), before, upper, DirectoryForm::overlay);
    write_file_atomically(upper / "new", "y");
    const Tree after = disk.read(upper, DirectoryForm::overlay, before, before);
    // The base keeps what it has.
    CHECK(after.find("old", tree::FollowLast::no)->inode->mtime == epoch + 7);
    CHECK(after.find("new", tree::FollowLast::no)->inode->mtime == epoch);
    CHECK(after.root().inode->mtime == epoch);
    struct stat status {};
    REQUIRE(::stat((upper / "new").c_str(), &status) == 0);
    CHECK(status.st_mtim.tv_sec == epoch);
    CHECK(status.st_mtim.tv_nsec == 0);
}

TEST_CASE("names of one file become hard links, whichever is packed") {
    Disk disk;
    const Tree before;
    const fs::path upper = disk.make("upper");
    write_file_atomically(upper / "b", "text");
    fs::create_hard_link(upper / "b", upper / "a");
    fs::create_directory(upper / "d");
    fs::create_hard_link(upper / "b", upper / "d/c");
    REQUIRE(::mkfifo((upper / "p").c_str(), 0600) == 0);
    REQUIRE(::link((upper / "p").c_str(), (upper / "q").c_str()) == 0);
    const Tree after = disk.read(upper, DirectoryForm::overlay, before, before);
    auto inode = [&](const char* path) { return after.find(path, tree::FollowLast::no)->inode; };
    CHECK(inode("a") == inode("b"));
    CHECK(inode("a") == inode("d/c"));
    CHECK(inode("p") == inode("q"));
    CHECK(inode("a") != inode("p"));
}

TEST_CASE("hard links are written as such and found unchanged") {
    Disk disk;
    const Tree before =
        tree_of({{EntryKind::inode, "a", "", file(disk.contents, "text")}, {EntryKind::hard_link, "b", "a", {}}});
    const fs::path path = disk.make("whole");
    disk.write(Tree(), before, path, DirectoryForm::whole);
    struct stat a {
    }, b{};
    REQUIRE(::stat((path / "a").c_str(), &a) == 0);
    REQUIRE(::stat((path / "b").c_str(), &b) == 0);
    CHECK(a.st_ino == b.st_ino);
    CHECK(disk.look(path, DirectoryForm::whole, before, before).ready.empty());
}

TEST_CASE("a directory replaced by a link, and a link by a directory") {
    Disk disk;
    const Tree before = tree_of({{EntryKind::inode, "d", "", directory()},
                                 {EntryKind::inode, "d/f", "", file(disk.contents, "x")},
                                 {EntryKind::inode, "l", "", link_to("d")}});
    const Tree after = tree_of({{EntryKind::inode, "d", "", link_to("elsewhere")},
                                {EntryKind::inode, "l", "", directory()},
                                {EntryKind::inode, "l/g", "", file(disk.contents, "y")}});
    const fs::path layer = disk.make("layer");
    disk.write(before, after, layer, DirectoryForm::overlay);
    CHECK(fs::is_symlink(layer / "d"));
    CHECK(listing(disk.read(layer, DirectoryForm::overlay, before, after)) == listing(after));
}

TEST_CASE("attributes that one id may not set are kept under other names") {
    Disk disk;
    Inode inode = file(disk.contents, "x");
    inode.xattrs = {{"security.note", "s"}, {"trusted.t", "t"}, {"user.u", "u"}};
    const Tree before, after = tree_of({{EntryKind::inode, "f", "", inode}});
    const fs::path layer = disk.make("layer");
    disk.write(before, after, layer, DirectoryForm::overlay);
    char value[8];
    CHECK(::getxattr((layer / "f").c_str(), "user.gbuild.xattr.trusted.t", value, sizeof value) == 1);
    CHECK(listing(disk.read(layer, DirectoryForm::overlay, before, after)) == listing(after));
}

TEST_CASE("a file that becomes shorter while it is packed is an error") {
    Disk disk;
    const Tree before;
    const fs::path upper = disk.make("upper");
    write_file_atomically(upper / "f", "text");
    Snapshot snapshot = disk.look(upper, DirectoryForm::overlay, before, before);
    REQUIRE(snapshot.to_pack);
    LayerEntry entry;
    REQUIRE(snapshot.to_pack->next(entry));
    REQUIRE(::truncate((upper / "f").c_str(), 1) == 0);
    std::string text(4, '\0');
    CHECK_THROWS_WITH(snapshot.to_pack->read(std::as_writable_bytes(std::span(text))),
                      ContainsSubstring("f\" changed"));
}
