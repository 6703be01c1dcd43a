#include "gbuild/layer/snapshot.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <sys/un.h>

#include <fstream>

#include "workshop.h"

namespace gbuild::layer {
namespace {

TarBuilder small_image() {
    return TarBuilder()
        .directory("d")
        .file("d/a", "aaaa")
        .file("d/b", "bbbb")
        .directory("e")
        .file("e/c", "cccc")
        .file("f", "ffff")
        .symlink("l", "f");
}

// One step over a tree, and what it changed.
struct Step {
    Step(const TarBuilder& tar, const std::string& script) : shop(tar) {
        works = shop.run(script);
        if (works) changes = shop.snapshot_upper();
    }
    Workshop shop;
    bool works = false;
    Changes changes;
};

void set_time(const fs::path& path, int64_t seconds) {
    const std::array<timespec, 2> times = {timespec{seconds, 1}, timespec{seconds, 1}};
    REQUIRE(::utimensat(AT_FDCWD, path.c_str(), times.data(), AT_SYMLINK_NOFOLLOW) == 0);
}

timespec time_of(const fs::path& path) {
    struct stat status {};
    REQUIRE(::lstat(path.c_str(), &status) == 0);
    return status.st_mtim;
}

void set_attribute(const fs::path& path, const char* name, const std::string& value) {
    REQUIRE(::lsetxattr(path.c_str(), name, value.data(), value.size(), 0) == 0);
}

NodeRecord record_of(const fs::path& path, RecordedOwner owner) {
    struct statx status {};
    REQUIRE(::statx(AT_FDCWD, path.c_str(), AT_SYMLINK_NOFOLLOW, STATX_INO | STATX_BTIME, &status) == 0);
    return {{status.stx_ino, status.stx_btime.tv_sec, status.stx_btime.tv_nsec}, owner};
}

Error error_from(const std::function<void()>& body) {
    try {
        body();
    } catch (const Error& error) {
        return error;
    }
    throw std::runtime_error("no error");
}

}  // namespace

TEST_CASE("snapshot: a step that does nothing changes nothing") {
    Step step(small_image(), "true");
    if (step.works) CHECK(step.changes == Changes{});
}

TEST_CASE("snapshot: removed names are whiteouts") {
    Step step(small_image(), "rm f d/a; rm -r e");
    if (step.works) CHECK(step.changes == Changes{"- d/a", "- e", "- f"});
}

TEST_CASE("snapshot: new files are packed, new directories and links are not") {
    Step step(small_image(), "mkdir n; echo x > n/f; ln -s f n/l; : > n/empty; mkfifo n/p");
    if (!step.works) return;
    CHECK(step.changes == Changes{"= n", "= n/empty", "= n/l", "= n/p", "+ n/f"});
    CHECK(step.shop.inode("n/f").size == 2);
    CHECK(step.shop.inode("n/l").target == "f");
}

TEST_CASE("snapshot: a directory that was removed and made anew is compared with the old one") {
    Step step(small_image(), "rm -r d; mkdir d; printf aaaa > d/a; echo new > d/n");
    if (step.works) CHECK(step.changes == Changes{"- d/b", "+ d/n"});
}

TEST_CASE("snapshot: a new directory hides nothing, though overlayfs marks it opaque") {
    Step step(small_image(), "mkdir n");
    if (step.works) CHECK(step.changes == Changes{"= n"});
}

TEST_CASE("snapshot: a directory in place of a file, and the reverse") {
    Step step(small_image(), "rm f; mkdir f; echo x > f/x; rm -r d; ln -s e d; rm -r e; echo y > e");
    if (!step.works) return;
    CHECK(step.changes == Changes{"= d", "= f", "+ e", "+ f/x"});
    CHECK(step.shop.inode("d").type == tree::FileType::symlink);
    CHECK(step.shop.tree.find("f/x", tree::FollowLast::no) != nullptr);
}

TEST_CASE("snapshot: a link in place of a directory, and a directory in place of a link") {
    Step step(small_image(), "rm l; mkdir l; echo x > l/x; mv d moved; ln -s moved d");
    if (step.works) CHECK(step.changes == Changes{"= d", "= l", "= moved", "+ l/x", "+ moved/a", "+ moved/b"});
}

TEST_CASE("snapshot: a file that was copied up and is as it was is no change") {
    Step step(small_image(), "exec 3<>f; chmod 600 d/a; chmod 644 d/a; touch -d @1 e; touch -d @1000000 e");
    if (step.works) CHECK(step.changes == Changes{});
}

TEST_CASE("snapshot: equal bytes written anew are no change, other bytes of the same size are one") {
    Step step(small_image(), "printf ffff > f; printf aaXa > d/a");
    if (step.works) CHECK(step.changes == Changes{"+ d/a"});
}

TEST_CASE("snapshot: a changed mode keeps the contents' reference") {
    Workshop shop(small_image());
    const tree::ContentRef old = shop.inode("f").content;
    if (!shop.run("chmod 4711 f")) return;
    CHECK(shop.snapshot_upper() == Changes{"= f"});
    CHECK(shop.inode("f").mode == 04711);
    CHECK(shop.inode("f").content == old);
}

TEST_CASE("snapshot: hard links made by a step stay links") {
    Step step(small_image(), "echo x > z; ln z d/z; ln -s t s; ln s s2");
    if (!step.works) return;
    CHECK(step.changes == Changes{"= s", "s2 > s", "+ d/z", "z > d/z"});
    CHECK(&step.shop.inode("z") == &step.shop.inode("d/z"));
}

TEST_CASE("snapshot: a link to a file that did not change is a link to it") {
    Step step(small_image(), "ln f a");
    if (!step.works) return;
    CHECK(step.changes == Changes{"a > f"});
    CHECK(&step.shop.inode("a") == &step.shop.inode("f"));
}

TEST_CASE("snapshot: a link to a file whose mode changed goes with it") {
    Step step(small_image(), "ln f a; chmod 600 a");
    if (step.works) CHECK(step.changes == Changes{"= a", "f > a"});
}

TEST_CASE("snapshot: one name of several, copied up and unchanged, is no change") {
    Step step(small_image().hard_link("d/g", "f").hard_link("h", "f"), "exec 3<>f; chmod 600 h; chmod 644 h");
    if (!step.works) return;
    CHECK(step.changes == Changes{});
    CHECK(&step.shop.inode("f") == &step.shop.inode("h"));
}

TEST_CASE("snapshot: one name of several, changed, leaves the others as they were") {
    Step step(small_image().hard_link("g", "f"), "echo new > g");
    if (!step.works) return;
    CHECK(step.changes == Changes{"+ g"});
    CHECK(step.shop.inode("f").size == 4);
}

TEST_CASE("snapshot: names of one file that are changed alike stay one file") {
    Step alike(small_image().hard_link("g", "f").hard_link("h", "f"), "chmod 600 f g");
    if (!alike.works) return;
    CHECK(alike.changes == Changes{"= f", "g > f"});
    CHECK(&alike.shop.inode("f") == &alike.shop.inode("g"));
    CHECK(&alike.shop.inode("f") != &alike.shop.inode("h"));
    Step unlike(small_image().hard_link("g", "f"), "chmod 600 f; chmod 640 g");
    CHECK(unlike.changes == Changes{"= f", "= g"});
}

TEST_CASE("snapshot: two equal files that became one are a change") {
    Step step(small_image().file("g", "ffff"), "ln -f f g");
    if (step.works) CHECK(step.changes == Changes{"g > f"});
}

TEST_CASE("snapshot: times later than the epoch become the epoch, in the tree and on disk") {
    Step step(small_image(), "mkdir n; echo x > n/new; touch -d @5 n/old; ln -s x n/l; touch -d @7 f; touch -d @9 d");
    if (!step.works) return;
    CHECK(step.changes == Changes{"= d", "= f", "= n", "= n/l", "= n/old", "+ n/new"});
    for (const auto& [path, seconds] : std::map<std::string, int64_t>{
             {"n", latest}, {"n/new", latest}, {"n/old", 5}, {"n/l", latest}, {"f", 7}, {"d", 9}}) {
        INFO(path);
        CHECK(step.shop.inode(path).mtime == seconds);
        CHECK(time_of(step.shop.upper() / path).tv_sec == seconds);
        CHECK(time_of(step.shop.upper() / path).tv_nsec == 0);
    }
}

TEST_CASE("snapshot: an old time later than the epoch stays when it did not change") {
    Workshop shop(TarBuilder().pax({{"mtime", "2000000"}}).file("f", "x"));
    if (!shop.run("chmod 600 f")) return;
    CHECK(shop.snapshot_upper() == Changes{"= f"});
    CHECK(shop.inode("f").mtime == 2'000'000);
}

TEST_CASE("snapshot: times that squashfs cannot hold are clamped") {
    Workshop shop(small_image());
    set_time(shop.base() / "f", -5);
    CHECK(shop.snapshot(shop.base(), DirectoryForm::whole) == Changes{"= f"});
    CHECK(shop.inode("f").mtime == 0);
    CHECK(time_of(shop.base() / "f").tv_sec == 0);
}

TEST_CASE("snapshot: files and directories without permissions are read, and stay so") {
    // What is in such a directory only root can see, if only of a user namespace.
    const bool root = ::geteuid() == 0;
    Step step(small_image(), root ? "mkdir n; echo x > n/f; echo y > e/f; chmod 0 n/f n d/a e/f"
                                  : "mkdir n; echo y > e/f; chmod 0 n d/a e/f");
    if (!step.works) return;
    CHECK(step.changes == (root ? Changes{"= d/a", "= n", "+ e/f", "+ n/f"} : Changes{"= d/a", "= n", "+ e/f"}));
    CHECK(step.shop.inode("n").mode == 0);
    CHECK(step.shop.inode("e/f").mode == 0);
    struct stat status {};
    REQUIRE(::lstat((step.shop.upper() / "n").c_str(), &status) == 0);
    CHECK((status.st_mode & 07777) == 0);
}

TEST_CASE("snapshot: in a whole directory what is not there is gone, the rest compared") {
    Workshop shop(small_image());
    CHECK(shop.snapshot(shop.base(), DirectoryForm::whole) == Changes{});
    fs::remove_all(shop.base() / "d");
    fs::remove(shop.base() / "l");
    std::ofstream(shop.base() / "e/c") << "CCCC";
    std::ofstream(shop.base() / "f") << "ffff";
    CHECK(shop.snapshot(shop.base(), DirectoryForm::whole) == Changes{"- d", "- l", "+ e/c"});
    CHECK(shop.snapshot(shop.base(), DirectoryForm::whole) == Changes{});
}

TEST_CASE("snapshot: in a whole directory links are compared, too") {
    Workshop shop(small_image().hard_link("g", "f").hard_link("h", "f"));
    CHECK(shop.snapshot(shop.base(), DirectoryForm::whole) == Changes{});
    fs::remove(shop.base() / "g");
    std::ofstream(shop.base() / "g") << "ffff";
    REQUIRE(::chmod((shop.base() / "g").c_str(), 0644) == 0);
    CHECK(shop.snapshot(shop.base(), DirectoryForm::whole) == Changes{"= f", "h > f"});
}

TEST_CASE("snapshot: recorded owners are the image's, the files' own are not") {
    Workshop shop(TarBuilder().pax({{"uid", "33"}, {"gid", "44"}}).file("f", "x").file("g", "x").directory("d"));
    CHECK(shop.snapshot(shop.base(), DirectoryForm::whole) == Changes{});
    set_attribute(shop.base() / "g", owner_attribute, "1:2");
    set_attribute(shop.base() / "d", owner_attribute, "3:4");
    REQUIRE(::removexattr((shop.base() / "f").c_str(), owner_attribute) == 0);
    CHECK(shop.snapshot(shop.base(), DirectoryForm::whole) == Changes{"= d", "= f", "= g"});
    CHECK(shop.inode("f").uid == 0);
    CHECK(shop.inode("g").gid == 2);
    CHECK(shop.inode("d").uid == 3);
    CHECK(shop.inode("g").xattrs.empty());
}

TEST_CASE("snapshot: the owners of links and FIFOs come from the records, none is root") {
    Workshop shop(small_image());
    REQUIRE(::mkfifo((shop.base() / "p").c_str(), 0600) == 0);
    shop.records = {record_of(shop.base() / "l", {5, 6}), record_of(shop.base() / "p", {7, 8})};
    CHECK(shop.snapshot(shop.base(), DirectoryForm::whole) == Changes{"= l", "= p"});
    CHECK(shop.inode("l").uid == 5);
    CHECK(shop.inode("p").gid == 8);
    shop.records = {record_of(shop.base() / "l", {5, 6})};
    shop.records[0].key.birth_nanoseconds ^= 1;  // a number that was given away again
    CHECK(shop.snapshot(shop.base(), DirectoryForm::whole) == Changes{"= l", "= p"});
    CHECK(shop.inode("l").uid == 0);
}

TEST_CASE("snapshot: an owner that is known by path counts, under whichever name of the file") {
    Workshop shop(small_image());
    if (!shop.run("touch -hd @5 l; ln -s x n; ln n 0; mkfifo p")) return;
    shop.records = {record_of(shop.upper() / "l", {1, 2}), record_of(shop.upper() / "p", {3, 4})};
    shop.path_records = {{"l", {5, 6}}, {"n", {7, 8}}};
    CHECK(shop.snapshot_upper() == Changes{"= 0", "= l", "n > 0", "= p"});
    CHECK(shop.inode("l").uid == 5);
    CHECK(shop.inode("0").gid == 8);
    CHECK(shop.inode("p").uid == 3);
}

TEST_CASE("snapshot: recorded devices are devices") {
    TarFields device;
    device.name = "null";
    device.type = '3';
    device.device_major = 1;
    device.device_minor = 3;
    Workshop shop(TarBuilder().entry(device));
    CHECK(fs::is_regular_file(shop.base() / "null"));
    CHECK(shop.snapshot(shop.base(), DirectoryForm::whole) == Changes{});
    std::ofstream(shop.base() / "sda") << "";
    set_attribute(shop.base() / "sda", device_attribute, "b:8:0");
    CHECK(shop.snapshot(shop.base(), DirectoryForm::whole) == Changes{"= sda"});
    CHECK(shop.inode("sda").type == tree::FileType::block_device);
    CHECK(shop.inode("sda").device_major == 8);
    CHECK(shop.inode("sda").xattrs.empty());
}

TEST_CASE("snapshot: devices that squashfs cannot hold are refused by name") {
    Workshop shop(small_image());
    std::ofstream(shop.base() / "dev") << "";
    set_attribute(shop.base() / "dev", device_attribute, "c:5000:0");
    const Error error = error_from([&] { shop.snapshot(shop.base(), DirectoryForm::whole); });
    CHECK(error.kind() == ErrorKind::limit);
    CHECK(error.message() == "\"/dev\": device 5000:0");
}

TEST_CASE("snapshot: attributes of the true root are recorded and come back, users' are as they are") {
    Workshop shop(TarBuilder()
                      .pax({{"SCHILY.xattr.trusted.t", "1"}, {"SCHILY.xattr.user.u", "2"}})
                      .file("f", "x")
                      .pax({{"SCHILY.xattr.user.overlay.opaque", "y"}, {"SCHILY.xattr.user.gbuild.owner", "9:9"}})
                      .directory("d"));
    CHECK(shop.snapshot(shop.base(), DirectoryForm::whole) == Changes{});
    set_attribute(shop.base() / "d", "user.gbuild.xattr.trusted.n", "3");
    set_attribute(shop.base() / "d", "user.gbuild.xattr.user.fake", "4");
    CHECK(shop.snapshot(shop.base(), DirectoryForm::whole) == Changes{"= d"});
    CHECK(shop.inode("d").xattrs == std::vector<tree::Xattr>{{"trusted.n", "3"}});
    CHECK(shop.inode("f").xattrs == std::vector<tree::Xattr>{{"trusted.t", "1"}, {"user.u", "2"}});
}

TEST_CASE("snapshot: names are bytes") {
    Workshop shop(small_image());
    std::ofstream(shop.base() / "\xff\n \\") << "x";
    fs::create_directory(shop.base() / "d-1");
    std::ofstream(shop.base() / "d/n") << "x";
    CHECK(shop.snapshot(shop.base(), DirectoryForm::whole) == Changes{"= d-1", "+ d/n", "+ \xff\n \\"});
}

TEST_CASE("snapshot: sockets are kept") {
    Workshop shop(small_image());
    REQUIRE(::mknod((shop.base() / "s").c_str(), S_IFSOCK | 0600, 0) == 0);
    CHECK(shop.snapshot(shop.base(), DirectoryForm::whole) == Changes{"= s"});
    CHECK(shop.inode("s").type == tree::FileType::socket);
}

TEST_CASE("snapshot: a whiteout hides only what was there") {
    Workshop shop(small_image());
    for (const char* name : {"f", "nothing"}) {
        REQUIRE(::mknod((shop.upper() / name).c_str(), S_IFCHR, 0) == 0);
    }
    CHECK(shop.snapshot_upper() == Changes{"- f"});
}

TEST_CASE("snapshot: what has an older ctime is not read, unless a directory may have moved it") {
    Workshop shop(TarBuilder().file("d/f", "aaaa").file("e/f", "bbbb"));
    shop.note_time();
    const fs::path top = shop.base();
    fs::rename(top / "d", top / "other");
    fs::rename(top / "e", top / "d");
    fs::rename(top / "other", top / "e");
    CHECK(shop.snapshot(top, DirectoryForm::whole) == Changes{"+ d/f", "+ e/f"});
}

TEST_CASE("snapshot: labels of the host, access control lists and overlayfs's notes are not the image's") {
    Workshop shop(TarBuilder().pax({{"SCHILY.xattr.security.selinux", "of the image"}}).file("f", "x").directory("d"));
    // Either of a file that carries some already, or of one that does not.
    for (const char* path : {"f", "d"}) {
        set_attribute(shop.base() / path, "user.overlay.origin", "");
        set_attribute(shop.base() / path, "user.gbuild.xattr.security.ima", "x");
        if (::geteuid() != 0) continue;
        set_attribute(shop.base() / path, "security.selinux", "of the host");
        set_attribute(shop.base() / path, "security.evm", "x");
        set_attribute(shop.base() / path, "trusted.overlay.opaque", "y");
    }
    CHECK(shop.snapshot(shop.base(), DirectoryForm::whole) == Changes{});
    const std::string acl("\2\0\0\0\1\0\6\0\377\377\377\377\2\0\4\0\1\0\0\0\4\0\4\0\377\377\377\377"
                          "\20\0\4\0\377\377\377\377\40\0\4\0\377\377\377\377",
                          44);
    if (::setxattr((shop.base() / "f").c_str(), "system.posix_acl_access", acl.data(), acl.size(), 0) != 0) return;
    CHECK(shop.snapshot(shop.base(), DirectoryForm::whole) == Changes{});
}

TEST_CASE("snapshot: capabilities and attributes of users are the image's") {
    const std::string capability("\1\0\0\2\0\x20\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 20);
    Workshop shop(small_image());
    set_attribute(shop.base() / "f", "user.note", "");
    if (::geteuid() == 0) {
        set_attribute(shop.base() / "f", "security.capability", capability);
    } else {
        set_attribute(shop.base() / "f", "user.gbuild.xattr.security.capability", capability);
    }
    CHECK(shop.snapshot(shop.base(), DirectoryForm::whole) == Changes{"= f"});
    CHECK(shop.inode("f").xattrs == std::vector<tree::Xattr>{{"security.capability", capability}, {"user.note", ""}});
}

TEST_CASE("snapshot: sparse files have their length, and their holes are no contents") {
    Workshop shop(small_image());
    const UniqueFd file = open_file(shop.base() / "sparse", O_WRONLY | O_CREAT);
    REQUIRE(::ftruncate(file.get(), 3 << 20) == 0);
    pwrite_all(file.get(), as_bytes("x"), 1 << 20);
    CHECK(shop.snapshot(shop.base(), DirectoryForm::whole) == Changes{"+ sparse"});
    CHECK(shop.inode("sparse").size == 3 << 20);
    CHECK(shop.snapshot(shop.base(), DirectoryForm::whole) == Changes{});
}

TEST_CASE("snapshot: names of 255 bytes, and paths as long as Linux takes them") {
    Workshop shop(small_image());
    UniqueFd at = open_file(shop.base(), O_RDONLY | O_DIRECTORY);
    const std::string name(255, '\xfe');
    std::string path = name;
    for (int depth = 1; depth < 15; depth++) {
        REQUIRE(::mkdirat(at.get(), name.c_str(), 0700) == 0);
        at = open_file_at(at.get(), name, O_RDONLY | O_DIRECTORY);
        path += "/" + name;
    }
    path += "/" + std::string(255, 'f');  // 16 * 256 - 1
    REQUIRE(::mkdirat(at.get(), name.c_str(), 0700) == 0);
    at = open_file_at(at.get(), name, O_RDONLY | O_DIRECTORY);
    write_all(open_file_at(at.get(), std::string(255, 'f'), O_WRONLY | O_CREAT).get(), "x");
    shop.snapshot(shop.base(), DirectoryForm::whole);
    CHECK(shop.inode(path).size == 1);
    CHECK(shop.snapshot(shop.base(), DirectoryForm::whole) == Changes{});
}

TEST_CASE("snapshot: a file that changes before it is packed is refused") {
    Workshop shop(small_image());
    std::ofstream(shop.base() / "n") << "12345";
    const RootedDir root(shop.base());
    Snapshot taken = take_snapshot(shop.request(root, DirectoryForm::whole));
    std::ofstream(shop.base() / "n") << "123";
    tree::LayerEntry entry;
    const Error error = error_from([&] { taken.to_pack->next(entry); });
    CHECK(error.kind() == ErrorKind::integrity);
    CHECK(error.message() == "\"/n\" changed while it was being read");
}

TEST_CASE("snapshot: a path longer than Linux takes is a limit error") {
    Workshop shop(small_image());
    UniqueFd at = open_file(shop.base(), O_RDONLY | O_DIRECTORY);
    const std::string name(200, 'n');
    for (int i = 0; i < 30; i++) {
        REQUIRE(::mkdirat(at.get(), name.c_str(), 0700) == 0);
        at = open_file_at(at.get(), name, O_RDONLY | O_DIRECTORY);
    }
    CHECK(error_from([&] { shop.snapshot(shop.base(), DirectoryForm::whole); }).kind() == ErrorKind::limit);
}

TEST_CASE("snapshot: as root, owners and devices are the files' own") {
    if (::geteuid() != 0) return;
    Workshop shop(TarBuilder().pax({{"uid", "33"}, {"gid", "44"}}).file("f", "x").symlink("l", "f"), Ownership::apply);
    CHECK(shop.snapshot(shop.base(), DirectoryForm::whole) == Changes{});
    REQUIRE(::lchown((shop.base() / "l").c_str(), 5, 6) == 0);
    const bool device = ::mknod((shop.base() / "null").c_str(), S_IFCHR | 0666, makedev(1, 3)) == 0;
    const Changes changes = shop.snapshot(shop.base(), DirectoryForm::whole);
    CHECK(changes.front() == "= l");
    CHECK(shop.inode("l").uid == 5);
    if (device) CHECK(shop.inode("null").device_minor == 3);
}

}  // namespace gbuild::layer
