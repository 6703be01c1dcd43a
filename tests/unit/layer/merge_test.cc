#include <fcntl.h>

#include <fstream>

#include "workshop.h"

namespace gbuild::layer {
namespace {

bool exists_itself(const fs::path& path) { return fs::exists(fs::symlink_status(path)); }

struct stat lstat_of(const fs::path& path) {
    struct stat status {};
    INFO(path);
    REQUIRE(::lstat(path.c_str(), &status) == 0);
    return status;
}

bool is_whiteout_file(const fs::path& path) {
    const struct stat status = lstat_of(path);
    return S_ISCHR(status.st_mode) && status.st_rdev == 0;
}

TarBuilder two_levels() {
    return TarBuilder().directory("d").file("d/a", "aaaa").directory("d/s").file("d/s/x", "x").file("f", "ffff");
}

// A step over the delta, taken into the tree and merged.
bool step(Workshop& shop, const std::string& script) {
    if (!shop.run(script)) return false;
    shop.snapshot_upper();
    merge_down(RootedDir(shop.upper()), RootedDir(shop.delta()));
    CHECK(fs::is_empty(shop.upper()));
    return true;
}

}  // namespace

TEST_CASE("difference: no change writes nothing but the directory's own attributes") {
    Workshop shop(two_levels());
    REQUIRE(::chmod(shop.delta().c_str(), 0700) == 0);
    write_difference(shop.tree, shop.tree, RootedDir(shop.delta()), DirectoryForm::overlay, shop.options());
    CHECK(fs::is_empty(shop.delta()));
    CHECK((lstat_of(shop.delta()).st_mode & 07777) == 0755);
    CHECK(lstat_of(shop.delta()).st_mtime == latest);
}

TEST_CASE("difference: equal trees that were made apart differ in nothing, but for which names are one file") {
    Workshop shop(two_levels().hard_link("g", "f").file("one", "same").file("two", "same"));
    const auto made_apart = [&](const TarBuilder& tar) {
        tree::LayerTree layer = layer_of(tar, shop.contents);
        for (tree::LayerEntry& entry : layer) {
            const tree::Node* old = shop.tree.find(entry.path, tree::FollowLast::no);
            if (old) entry.inode.content = old->inode->content;
        }
        tree::Tree tree;
        tree.apply(std::move(layer));
        return tree;
    };
    const RootedDir delta(shop.delta());
    const tree::Tree equal = made_apart(two_levels().hard_link("g", "f").file("one", "same").file("two", "same"));
    write_difference(shop.tree, equal, delta, DirectoryForm::overlay, shop.options());
    CHECK(fs::is_empty(shop.delta()));
    const tree::Tree other = made_apart(two_levels().file("g", "ffff").file("one", "same").hard_link("two", "one"));
    write_difference(equal, other, delta, DirectoryForm::overlay, shop.options());
    CHECK(lstat_of(shop.delta() / "f").st_ino != lstat_of(shop.delta() / "g").st_ino);
    CHECK(lstat_of(shop.delta() / "one").st_ino == lstat_of(shop.delta() / "two").st_ino);
    CHECK_FALSE(exists_itself(shop.delta() / "d"));
}

TEST_CASE("difference: new and changed files, links and directories appear") {
    const DirectoryForm form = GENERATE(DirectoryForm::whole, DirectoryForm::overlay);
    CAPTURE(static_cast<int>(form));
    Workshop shop(two_levels());
    follow(shop,
           TarBuilder()
               .file("d/a", "new")
               .directory("n", 01777)
               .file("n/f", "x", 04755)
               .symlink("n/l", "f")
               .hard_link("n/h", "n/f"),
           form);
    const fs::path directory = form == DirectoryForm::whole ? shop.base() : shop.delta();
    CHECK(lstat_of(directory / "n/f").st_ino == lstat_of(directory / "n/h").st_ino);
    CHECK((lstat_of(directory / "n").st_mode & 07777) == 01777);
    if (form == DirectoryForm::whole) CHECK(shop.snapshot(shop.base(), DirectoryForm::whole) == Changes{});
    shop.check_layers();
}

TEST_CASE("difference: in a layer, what is removed is hidden and what is replaced by a directory is opaque") {
    Workshop shop(two_levels());
    tree::LayerTree layer = layer_of(TarBuilder().file("f/inner", "x").file("d/s", "now a file"), shop.contents);
    layer.push_back(whiteout("f"));
    layer.push_back(whiteout("d/a"));
    follow(shop, layer, DirectoryForm::overlay);
    CHECK(is_whiteout_file(shop.delta() / "d/a"));
    CHECK(fs::is_regular_file(shop.delta() / "d/s"));
    char value = 0;
    CHECK(::getxattr((shop.delta() / "f").c_str(), "user.overlay.opaque", &value, 1) == 1);
    CHECK(::getxattr((shop.delta() / "d").c_str(), "user.overlay.opaque", &value, 1) < 0);
    shop.check_layers();
}

TEST_CASE("difference: in a whole directory the same is done in place") {
    Workshop shop(two_levels());
    tree::LayerTree layer = layer_of(TarBuilder().file("f/inner", "x").file("d/s", "now a file"), shop.contents);
    layer.push_back(whiteout("f"));
    layer.push_back(whiteout("d/a"));
    follow(shop, layer, DirectoryForm::whole);
    CHECK_FALSE(exists_itself(shop.base() / "d/a"));
    CHECK(shop.snapshot(shop.base(), DirectoryForm::whole) == Changes{});
}

TEST_CASE("difference: a directory that was new in the layer leaves no names behind when its files go") {
    Workshop shop(two_levels());
    follow(shop, TarBuilder().file("n/f", "x").file("n/g", "x"), DirectoryForm::overlay);
    follow(shop, {whiteout("n/f")}, DirectoryForm::overlay);
    // overlayfs lists the whiteouts of a directory that no other layer has.
    CHECK_FALSE(exists_itself(shop.delta() / "n/f"));
    shop.check_layers();
}

TEST_CASE("difference: directories on the way have their own attributes, and lose those they no longer have") {
    Workshop shop(TarBuilder()
                      .pax({{"SCHILY.xattr.user.a", "1"}, {"uid", "33"}, {"mtime", "5000"}})
                      .directory("d", 0700)
                      .file("d/f", "x"));
    follow(shop, TarBuilder().file("d/n", "x"), DirectoryForm::overlay);
    CHECK(lstat_of(shop.delta() / "d").st_mtime == 5000);
    shop.check_layers();
    follow(shop, TarBuilder().pax({{"SCHILY.xattr.user.b", "2"}}).directory("d", 0711), DirectoryForm::overlay);
    CHECK(::getxattr((shop.delta() / "d").c_str(), "user.a", nullptr, 0) < 0);
    CHECK(::getxattr((shop.delta() / "d").c_str(), owner_attribute, nullptr, 0) < 0);
    shop.check_layers();
}

TEST_CASE("difference: a new name of a file that stays is a link to it") {
    const DirectoryForm form = GENERATE(DirectoryForm::whole, DirectoryForm::overlay);
    CAPTURE(static_cast<int>(form));
    Workshop shop(two_levels());
    const tree::LayerTree link = {{tree::EntryKind::hard_link, "d/link", "f", {}}};
    follow(shop, link, form);
    const fs::path directory = form == DirectoryForm::whole ? shop.base() : shop.delta();
    CHECK(lstat_of(directory / "d/link").st_ino == lstat_of(directory / "f").st_ino);
    follow(shop, {{tree::EntryKind::hard_link, "third", "f", {}}}, form);
    CHECK(lstat_of(directory / "f").st_nlink == 3);
    if (form == DirectoryForm::whole) CHECK(shop.snapshot(shop.base(), DirectoryForm::whole) == Changes{});
    shop.check_layers();
}

TEST_CASE("difference: files in directories without permissions") {
    const DirectoryForm form = GENERATE(DirectoryForm::whole, DirectoryForm::overlay);
    Workshop shop(TarBuilder().directory("d", 0).file("d/f", "x", 0));
    follow(shop, TarBuilder().file("d/n", "x", 0), form);
    const fs::path directory = form == DirectoryForm::whole ? shop.base() : shop.delta();
    CHECK((lstat_of(directory / "d").st_mode & 07777) == 0);
    shop.check_layers();
}

TEST_CASE("merging: whiteouts, files, and directories of one layer go into the other") {
    Workshop shop(two_levels());
    if (!step(shop, "rm f; echo new > d/a; mkdir n; echo x > n/f; ln n/f n/g")) return;
    shop.check_layers();
    if (!step(shop, "echo back > f; rm d/a; rm -r d/s; rm n/f; chmod 700 n")) return;
    CHECK(is_whiteout_file(shop.delta() / "d/a"));
    CHECK_FALSE(exists_itself(shop.delta() / "n/f"));
    shop.check_layers();
}

TEST_CASE("merging: a directory in place of a whiteout hides what the whiteout hid") {
    Workshop shop(two_levels());
    if (!step(shop, "rm -r d; rm f")) return;
    if (!step(shop, "mkdir d f; echo x > d/new")) return;
    shop.check_layers();
    if (!step(shop, "rm -r d; mkdir d; mkdir d/s; echo y > d/s/y")) return;
    shop.check_layers();
    if (!step(shop, "rm -r d/s; ln -s nowhere d/s; rm -r f; echo file > f")) return;
    shop.check_layers();
}

TEST_CASE("merging: attributes of directories are those of the upper layer") {
    Workshop shop(two_levels());
    if (!step(shop, "echo x > d/n; chmod 700 d; touch -d @77 d")) return;
    CHECK(lstat_of(shop.delta() / "d").st_mtime == 77);
    const char* value = "33:44";
    REQUIRE(::setxattr((shop.delta() / "d").c_str(), "user.gone", "1", 1, 0) == 0);
    REQUIRE(::mkdir((shop.upper() / "d").c_str(), 0711) == 0);
    REQUIRE(::setxattr((shop.upper() / "d").c_str(), owner_attribute, value, 5, 0) == 0);
    REQUIRE(::setxattr((shop.upper() / "d").c_str(), "user.overlay.impure", "y", 1, 0) == 0);
    REQUIRE(::chmod(shop.upper().c_str(), 0750) == 0);
    merge_down(RootedDir(shop.upper()), RootedDir(shop.delta()));
    CHECK((lstat_of(shop.delta() / "d").st_mode & 07777) == 0711);
    CHECK((lstat_of(shop.delta()).st_mode & 07777) == 0750);
    CHECK(::getxattr((shop.delta() / "d").c_str(), owner_attribute, nullptr, 0) == 5);
    CHECK(::getxattr((shop.delta() / "d").c_str(), "user.gone", nullptr, 0) < 0);
    CHECK(::getxattr((shop.delta() / "d").c_str(), "user.overlay.impure", nullptr, 0) < 0);
    CHECK(exists_itself(shop.delta() / "d/n"));
}

}  // namespace gbuild::layer
