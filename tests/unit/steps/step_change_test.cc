#include "gbuild/steps/step_change.h"

#include "gbuild/base/error.h"
#include "support/catch.h"

using namespace gbuild;
using namespace gbuild::build;

namespace {

using Changes = std::vector<StepChange>;

StepChange rich_change() {
    StepChange change;
    change.layers = {Digest::of("one"), Digest::of("two")};
    tree::Inode file;
    file.type = tree::FileType::regular;
    file.mode = 04755;
    file.uid = 1000;
    file.gid = 4'000'000'000;
    file.mtime = -5;
    file.size = 17;
    file.content = {1, 42};
    file.xattrs = {{"security.capability", std::string("\0\1\2", 3)}};
    tree::Inode link;
    link.type = tree::FileType::symlink;
    link.target = "../x\n";
    tree::Inode device;
    device.type = tree::FileType::char_device;
    device.device_major = 5;
    device.device_minor = 1;
    using tree::EntryKind;
    change.ready = {{EntryKind::whiteout, "gone", "", {}},    {EntryKind::opaque, "dir", "", {}},
                    {EntryKind::inode, "bin/su", "", file},   {EntryKind::hard_link, "bin/su2", "bin/su", {}},
                    {EntryKind::inode, "a link", "", link},   {EntryKind::inode, "dev/console", "", device},
                    {EntryKind::inode, "", "", tree::Inode()}};
    change.packed = Digest::of("three");
    return change;
}

bool same(const StepChange& a, const StepChange& b) {
    if (a.layers != b.layers || a.packed != b.packed || a.ready.size() != b.ready.size()) return false;
    for (size_t i = 0; i < a.ready.size(); i++) {
        const auto &x = a.ready[i], &y = b.ready[i];
        if (x.kind != y.kind || x.path != y.path || x.target != y.target || !(x.inode == y.inode)) return false;
    }
    return true;
}

}  // namespace

TEST_CASE("a step's changes survive their encoding") {
    const std::vector<StepChange> changes = {rich_change(), StepChange()};
    const auto decoded = decode_changes(encode(changes));
    REQUIRE(decoded.size() == 2);
    CHECK(same(decoded[0], changes[0]));
    CHECK(same(decoded[1], changes[1]));
    CHECK(decode_changes(encode(Changes())).empty());
}

TEST_CASE("changes cut short, with more behind them or with a byte changed are refused or are other changes") {
    const std::string good = encode(Changes{rich_change()});
    for (size_t length = 0; length < good.size(); length++) {
        CHECK_THROWS_AS(decode_changes(good.substr(0, length)), Error);
    }
    CHECK_THROWS_AS(decode_changes(good + "x"), Error);
    for (size_t at = 0; at < good.size(); at++) {
        std::string bad = good;
        bad[at] = static_cast<char>(bad[at] ^ 0x55);
        try {
            const auto decoded = decode_changes(bad);
            CHECK(encode(decoded) != good);
        } catch (const Error& error) {
            CHECK((error.kind() == ErrorKind::integrity || error.kind() == ErrorKind::limit));
        }
    }
}

TEST_CASE("contents in a layer that is not there are refused") {
    StepChange change = rich_change();
    change.layers.pop_back();
    CHECK_THROWS_AS(decode_changes(encode(Changes{change})), Error);
}

TEST_CASE("paths that leave the image are refused") {
    for (const char* path : {"/etc", "a/../b", "..", "a//b", "a/"}) {
        StepChange change;
        change.ready = {{tree::EntryKind::inode, path, "", tree::Inode()}};
        CHECK_THROWS_AS(decode_changes(encode(Changes{change})), Error);
    }
}

TEST_CASE("a result is what was before and what changed") {
    const Digest start = Digest::of("start"), other = Digest::of("other");
    const std::string change = encode(Changes{rich_change()});
    CHECK(result_after(start, change) == result_after(start, change));
    CHECK(result_after(start, change) != result_after(other, change));
    CHECK(result_after(start, change) != result_after(start, encode(Changes())));
    CHECK(result_after(start, encode(Changes())) != start);
}
