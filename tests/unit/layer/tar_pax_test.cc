#include "reading.h"
#include "support/catch.h"

namespace gbuild::layer {
namespace {

using namespace std::string_literals;

tree::Inode inode_with(const test::PaxList& records) { return only_entry(TarBuilder().pax(records).file("f")).inode; }
Error error_with_body(std::string_view body) {
    TarFields fields;
    fields.name = "x";
    fields.type = 'x';
    return error_of(TarBuilder().entry(fields, body).file("f"));
}
using Xattrs = std::vector<tree::Xattr>;

}  // namespace

TEST_CASE("PAX records replace the header's fields") {
    const Layer layer = read_layer(
        TarBuilder()
            .pax(
                {{"path", "p/a"}, {"uid", "70000"}, {"gid", "80000"}, {"mtime", "12"}, {"size", "3"}, {"comment", "c"}})
            .entry(TarFields{}, "abc"));
    CHECK(layer.entries[0].path == "p/a");
    CHECK(layer.entries[0].inode.uid == 70000);
    CHECK(layer.entries[0].inode.gid == 80000);
    CHECK(layer.entries[0].inode.mtime == 12);
    CHECK(layer.contents.at("p/a") == "abc");
}

TEST_CASE("a PAX size counts, whatever the header says") {
    TarFields fields;
    fields.name = "f";
    fields.size = 1;
    const Layer layer = read_layer(TarBuilder().pax({{"size", "600"}}).entry(fields, std::string(600, 'x')).file("g"));
    CHECK(layer.contents.at("f").size() == 600);
    CHECK(layer.entries[1].path == "g");
}

TEST_CASE("PAX records apply to one entry") {
    const Layer layer = read_layer(TarBuilder().pax({{"uid", "5"}}).file("a").file("b"));
    CHECK(layer.entries[1].inode.uid == 0);
}

TEST_CASE("an empty PAX record is none") {
    CHECK(only_entry(TarBuilder().pax({{"path", ""}, {"uid", ""}}).file("f")).path == "f");
}

TEST_CASE("the last of two PAX records with one key counts") {
    CHECK(inode_with({{"uid", "1"}, {"uid", "2"}}).uid == 2);
}

TEST_CASE("times are rounded down, those before the epoch too") {
    CHECK(inode_with({{"mtime", "1.999999999"}}).mtime == 1);
    CHECK(inode_with({{"mtime", "-1.5"}}).mtime == -2);
    CHECK(inode_with({{"mtime", "-0.000000001"}}).mtime == -1);
    CHECK(inode_with({{"mtime", ".5"}}).mtime == 0);
    CHECK(inode_with({{"mtime", "-.5"}}).mtime == -1);
    CHECK(inode_with({{"mtime", "-3.000"}}).mtime == -3);
    CHECK(inode_with({{"mtime", "7."}}).mtime == 7);
}

TEST_CASE("times and ids that are no numbers, or too large, are refused") {
    for (const char* time : {"x", "1.x", "-", "1e5", "99999999999999999999", "-9223372036854775808.5"}) {
        CHECK(error_of(TarBuilder().pax({{"mtime", time}}).file("f")).kind() == ErrorKind::integrity);
    }
    CHECK(error_of(TarBuilder().pax({{"uid", "99999999999999999999"}}).file("f")).message() ==
          "a PAX header is malformed: uid is beyond 64 bits");
    CHECK(error_of(TarBuilder().pax({{"size", "0x10"}}).file("f")).kind() == ErrorKind::integrity);
}

TEST_CASE("a global PAX header applies to all entries after it, below their own records") {
    const Layer layer = read_layer(
        TarBuilder().file("a").global_pax({{"uid", "5"}, {"mtime", "9"}}).file("b").pax({{"uid", "6"}}).file("c"));
    CHECK(layer.entries[0].inode.uid == 0);
    CHECK(layer.entries[1].inode.uid == 5);
    CHECK(layer.entries[2].inode.uid == 6);
    CHECK(layer.entries[2].inode.mtime == 9);
}

TEST_CASE("a second global PAX header adds to the first") {
    const Layer layer =
        read_layer(TarBuilder().global_pax({{"uid", "5"}, {"gid", "6"}}).global_pax({{"uid", "7"}}).file("a"));
    CHECK(layer.entries[0].inode.uid == 7);
    CHECK(layer.entries[0].inode.gid == 6);
}

TEST_CASE("git's global header with a comment changes nothing") {
    CHECK(read_layer(TarBuilder().global_pax({{"comment", std::string(40, 'f')}}).file("a")).entries.size() == 1);
}

TEST_CASE("of global PAX headers only what has a meaning is kept, and not much of it (X-6)") {
    TarBuilder comments;
    for (int i = 0; i < 200; i++) comments.global_pax({{fmt::format("comment.{}", i), std::string(1000, 'c')}});
    CHECK(read_layer(comments.file("a")).entries.size() == 1);

    TarBuilder attributes;
    for (int i = 0; i < 70; i++)
        attributes.global_pax({{fmt::format("SCHILY.xattr.user.{}", i), std::string(1000, 'x')}});
    const Error error = error_of(attributes.file("a"));
    CHECK(error.kind() == ErrorKind::limit);
    CHECK(error.message() == "the global PAX headers set attributes of 66.3 kB for every file");
}

TEST_CASE("extended attributes of global PAX headers are those of files that have none of that name (X-6)") {
    const Layer layer = read_layer(TarBuilder()
                                       .global_pax({{"SCHILY.xattr.user.a", "1"}, {"SCHILY.xattr.user.b", "2"}})
                                       .global_pax({{"SCHILY.xattr.user.b", "3"}})
                                       .file("all")
                                       .pax({{"SCHILY.xattr.user.a", "own"}, {"LIBARCHIVE.xattr.user.b", "QQ=="}})
                                       .file("own"));
    CHECK(layer.entries[0].inode.xattrs == Xattrs{{"user.a", "1"}, {"user.b", "3"}});
    CHECK(layer.entries[1].inode.xattrs == Xattrs{{"user.a", "own"}, {"user.b", "3"}});
}

TEST_CASE("more extended attributes than an image can be read with are refused (X-9)") {
    const auto with = [](int count) {
        std::vector<std::pair<std::string, std::string>> records;
        for (int i = 0; i < count; i++) records.emplace_back(fmt::format("SCHILY.xattr.user.{}", i), "v");
        return TarBuilder().pax(records).file("a");
    };
    CHECK(read_layer(with(4096)).entries.front().inode.xattrs.size() == 4096);
    const Error error = error_of(with(4097));
    CHECK(error.kind() == ErrorKind::limit);
    CHECK(error.message() == "a file has 4097 extended attributes");
}

TEST_CASE("a global PAX header that gives all files one name or size is refused") {
    for (const char* key : {"path", "linkpath", "size", "GNU.sparse.size"}) {
        CHECK(error_of(TarBuilder().global_pax({{key, "1"}}).file("a")).kind() == ErrorKind::unsupported);
    }
}

TEST_CASE("extended attributes are sorted and may hold any bytes") {
    const std::string value = "\0\n=\xff"s;
    CHECK(
        inode_with(
            {{"SCHILY.xattr.user.b", value}, {"SCHILY.xattr.security.capability", "cap"}, {"SCHILY.xattr.user.a", ""}})
            .xattrs == Xattrs{{"security.capability", "cap"}, {"user.a", ""}, {"user.b", value}});
}

TEST_CASE("libarchive's extended attributes are decoded and yield to SCHILY's") {
    CHECK(inode_with({{"LIBARCHIVE.xattr.user.a%3Db", "AAECAw"}}).xattrs == Xattrs{{"user.a=b", "\0\1\2\3"s}});
    CHECK(inode_with({{"LIBARCHIVE.xattr.user.a", "QQ=="}}).xattrs == Xattrs{{"user.a", "A"}});
    CHECK(inode_with({{"SCHILY.xattr.user.a", "B"}, {"LIBARCHIVE.xattr.user.a", "QQ"}}).xattrs ==
          Xattrs{{"user.a", "B"}});
}

TEST_CASE("an extended attribute that is not base64 where it must be is refused") {
    CHECK(error_of(TarBuilder().pax({{"LIBARCHIVE.xattr.user.a", "!"}}).file("f")).kind() == ErrorKind::integrity);
}

TEST_CASE("POSIX ACLs are kept under the kernel's names") {
    CHECK(inode_with({{"SCHILY.acl.access", "user::rwx"}, {"SCHILY.acl.default", "user::r--"}}).xattrs ==
          Xattrs{{"system.posix_acl_access", "user::rwx"}, {"system.posix_acl_default", "user::r--"}});
}

TEST_CASE("extended attributes larger than Linux holds are refused") {
    const std::string longest = "SCHILY.xattr.user." + std::string(250, 'n');
    CHECK(inode_with({{longest, std::string(65536, 'v')}}).xattrs.size() == 1);
    CHECK(error_of(TarBuilder().pax({{longest + "n", "v"}}).file("f")).kind() == ErrorKind::limit);
    CHECK(error_of(TarBuilder().pax({{"SCHILY.xattr.user.a", std::string(65537, 'v')}}).file("f")).kind() ==
          ErrorKind::limit);
    CHECK(error_of(TarBuilder().pax({{"SCHILY.xattr.", "v"}}).file("f")).kind() == ErrorKind::integrity);
}

TEST_CASE("malformed PAX records are refused") {
    for (const char* body :
         {"5", "x a=b\n", "99 a=b\n", "0 a=b\n", "2 a=b\n", "6 a=b\nx", "6 a=bc\n", "5 ab\n", "5 =b\n", " a=b\n",
          "-6 a=b\n", "18446744073709551616 a=b\n", "18446744073709551615 a=b\n"}) {
        CAPTURE(body);
        CHECK_THAT(error_with_body(body).message(), ContainsSubstring("a PAX header is malformed"));
    }
}

TEST_CASE("a PAX header of more than a megabyte is refused before it is read") {
    TarFields fields;
    fields.name = "x";
    fields.type = 'x';
    fields.size = (uint64_t{1} << 20) + 1;
    CHECK(error_of(TarBuilder().entry(fields)).message() ==
          "an extended header has 1048577 bytes; the limit is 1048576");
    fields.size = uint64_t{1} << 62;
    fields.type = 'L';
    CHECK(error_of(TarBuilder().entry(fields)).kind() == ErrorKind::limit);
}

TEST_CASE("an archive that ends after an extended header is refused") {
    CHECK(error_of(TarBuilder().pax({{"uid", "1"}})).message() == "layer ends after an extended header");
    CHECK(error_of(TarBuilder().gnu_long('L', "x").open_ended()).kind() == ErrorKind::integrity);
}

TEST_CASE("a NUL in a PAX path is refused") {
    CHECK(error_of(TarBuilder().pax({{"path", "a\0b"s}}).file("f")).kind() == ErrorKind::integrity);
    CHECK(error_of(TarBuilder().pax({{"linkpath", "a\0b"s}}).symlink("l", "")).kind() == ErrorKind::integrity);
}

TEST_CASE("errors name the layer and the place") {
    TarOptions options;
    options.what = "layer 3";
    const Error error = error_of(TarBuilder().file("a", "x").pax({{"uid", "y"}}).file("f").finish(), options);
    REQUIRE(error.context().size() == 1);
    CHECK(error.context()[0] == "reading layer 3 at byte 1024");
}

}  // namespace gbuild::layer
