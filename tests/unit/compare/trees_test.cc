#include "compare/trees.h"

#include <cstdint>
#include <optional>
#include <vector>

#include "support/catch.h"

using namespace gbuild;
using namespace gbuild::compare;
using tree::FileType;
using tree::Inode;

namespace {

struct TreeBuilder {
    tree::LayerTree layer;

    TreeBuilder& add(std::string path, Inode inode) {
        tree::LayerEntry entry;
        entry.path = std::move(path);
        entry.inode = std::move(inode);
        layer.push_back(std::move(entry));
        return *this;
    }
    TreeBuilder& file(std::string path, uint32_t content = 1) {
        Inode inode;
        inode.type = FileType::regular;
        inode.mode = 0644;
        inode.size = 10;
        inode.content = {0, content};
        return add(std::move(path), inode);
    }
    TreeBuilder& link(std::string path, std::string target) {
        tree::LayerEntry entry;
        entry.kind = tree::EntryKind::hard_link;
        entry.path = std::move(path);
        entry.target = std::move(target);
        layer.push_back(std::move(entry));
        return *this;
    }
    tree::Tree tree() const {
        tree::Tree result;
        result.apply(tree::LayerTree(layer));
        return result;
    }
};

std::optional<ContentChange> by_number(const Inode& a, const Inode& b) {
    if (a.content.number == b.content.number) return std::nullopt;
    ContentChange change;
    change.bytes = 1;
    return change;
}

std::vector<std::string> described(const TreeBuilder& a, const TreeBuilder& b) {
    std::vector<std::string> lines;
    const tree::Tree tree_a = a.tree(), tree_b = b.tree();
    for (const FileChange& change : compare_trees(tree_a, tree_b, by_number)) {
        const char* signs[] = {"+", "-", "~"};
        std::string line = signs[static_cast<size_t>(change.change)] + std::string("/") + change.path;
        for (const ValueChange& value : change.attributes)
            line += " " + value.name + " " + value.a.value_or("none") + ">" + value.b.value_or("none");
        if (change.content) line += " content";
        lines.push_back(line);
    }
    return lines;
}

using Lines = std::vector<std::string>;

Inode inode_of(FileType type) {
    Inode inode;
    inode.type = type;
    inode.mode = 0644;
    return inode;
}

template <class Modify>
Lines changed(Inode inode, Modify&& modify) {
    TreeBuilder a, b;
    a.add("x", inode);
    modify(inode);
    b.add("x", inode);
    return described(a, b);
}

}  // namespace

TEST_CASE("equal trees have no difference") {
    TreeBuilder tree;
    tree.file("a/b").link("c", "a/b");
    CHECK(described(tree, tree).empty());
}

TEST_CASE("files that are only in one tree, with all below them") {
    CHECK(described(TreeBuilder().file("a").file("d/x").file("d/y"), TreeBuilder().file("a").file("b")) ==
          Lines{"+/b", "-/d", "-/d/x", "-/d/y"});
}

TEST_CASE("each attribute is named") {
    const Inode file = inode_of(FileType::regular);
    CHECK(changed(file, [](Inode& inode) { inode.mode = 04755; }) == Lines{"~/x mode 0644>4755"});
    CHECK(changed(file, [](Inode& inode) { inode.gid = 42; }) == Lines{"~/x owner 0:0>0:42"});
    CHECK(changed(file, [](Inode& inode) { inode.mtime = 1; }) ==
          Lines{"~/x mtime 1970-01-01T00:00:00Z>1970-01-01T00:00:01Z"});
    CHECK(changed(file, [](Inode& inode) {
              inode.xattrs = {{"user.a", "v"}, {"user.b", std::string(1, '\0')}};
          }) == Lines{"~/x xattr user.a none>\"v\" xattr user.b none>0x00"});
    CHECK(changed(inode_of(FileType::symlink), [](Inode& inode) { inode.target = "/t"; }) == Lines{"~/x target >/t"});
    CHECK(changed(inode_of(FileType::char_device), [](Inode& inode) { inode.device_minor = 3; }) ==
          Lines{"~/x device 0:0>0:3"});
    CHECK(changed(file, [](Inode& inode) { inode.type = FileType::fifo; }) == Lines{"~/x type file>fifo"});
}

TEST_CASE("long attributes are shown by their digests") {
    auto lines = changed(inode_of(FileType::regular), [](Inode& inode) {
        inode.xattrs = {{"user.a", std::string(100, 'x')}};
    });
    REQUIRE(lines.size() == 1);
    CHECK_THAT(lines[0], ContainsSubstring("none>100 bytes, sha256:"));
}

TEST_CASE("a directory that became a file") {
    CHECK(described(TreeBuilder().file("d/x"), TreeBuilder().file("d")) ==
          Lines{"~/d type directory>file mode 0755>0644", "-/d/x"});
}

TEST_CASE("names that are one file") {
    CHECK(described(TreeBuilder().file("a").file("b"), TreeBuilder().file("a").link("b", "a")) ==
          Lines{"~/a links none>/b", "~/b links none>/a"});
    CHECK(described(TreeBuilder().file("a").link("b", "a"), TreeBuilder().file("a").link("b", "a").link("c", "a")) ==
          Lines{"~/a links /b>/b /c", "~/b links /a>/a /c", "+/c"});
}

TEST_CASE("contents of a file with several names are compared once and told for each") {
    TreeBuilder a, b;
    a.file("a", 1).link("b", "a");
    b.file("a", 2).link("b", "a");
    int asked = 0;
    const tree::Tree tree_a = a.tree(), tree_b = b.tree();
    auto changes = compare_trees(tree_a, tree_b, [&](const Inode& x, const Inode& y) {
        asked++;
        return by_number(x, y);
    });
    CHECK(asked == 1);
    REQUIRE(changes.size() == 2);
    CHECK(changes[0].content);
    CHECK(changes[1].content);
}
