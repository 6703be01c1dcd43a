#include "reading.h"
#include "support/catch.h"

namespace gbuild::layer {
namespace {

using namespace std::string_literals;
using tree::EntryKind;
using tree::FileType;

TarFields fields_of(std::string name, char type = '0') {
    TarFields fields;
    fields.name = std::move(name);
    fields.type = type;
    return fields;
}

}  // namespace

TEST_CASE("a stream without any bytes is an empty layer") { CHECK(read_layer(std::string()).entries.empty()); }

TEST_CASE("an archive of an end mark only is an empty layer") { CHECK(read_layer(TarBuilder()).entries.empty()); }

TEST_CASE("a regular file has its attributes and contents") {
    TarFields fields = fields_of("a/b");
    fields.mode = 04755;
    fields.uid = 1000;
    fields.gid = 1001;
    fields.mtime = 1700000000;
    const Layer layer = read_layer(TarBuilder().entry(fields, "hello"));
    REQUIRE(layer.entries.size() == 1);
    const tree::LayerEntry& entry = layer.entries[0];
    CHECK(entry.kind == EntryKind::inode);
    CHECK(entry.path == "a/b");
    CHECK(entry.inode.type == FileType::regular);
    CHECK(entry.inode.mode == 04755);
    CHECK(entry.inode.uid == 1000);
    CHECK(entry.inode.gid == 1001);
    CHECK(entry.inode.mtime == 1700000000);
    CHECK(entry.inode.size == 5);
    CHECK(entry.inode.content.empty());
    CHECK(layer.contents.at("a/b") == "hello");
}

TEST_CASE("contents come out whole, in pieces and runs of any size") {
    std::string contents;
    for (int i = 0; i < 5000; ++i) contents += static_cast<char>(i % 251);
    const std::string tar = TarBuilder().file("a", contents).file("b", contents).finish();
    for (const size_t run : {1, 7, 511, 512, 513, 4096}) {
        const Layer layer = collect(*read_tar(source_of(tar, run), {}), run + 3);
        CHECK(layer.contents.at("a") == contents);
        CHECK(layer.contents.at("b") == contents);
    }
}

TEST_CASE("contents that are not read, or read in part, are skipped") {
    const std::string tar = TarBuilder().file("a", std::string(3000, 'x')).file("b", "yy").file("c", "z").finish();
    auto stream = read_tar(source_of(tar, 100), {});
    tree::LayerEntry entry;
    REQUIRE(stream->next(entry));
    std::array<std::byte, 10> some{};
    stream->read(some);
    REQUIRE(stream->next(entry));
    CHECK(entry.path == "b");
    REQUIRE(stream->next(entry));
    CHECK(entry.path == "c");
    CHECK_FALSE(stream->next(entry));
}

TEST_CASE("reading more than a file has is an error of the caller") {
    auto stream = read_tar(source_of(TarBuilder().file("a", "12").finish()), {});
    tree::LayerEntry entry;
    REQUIRE(stream->next(entry));
    std::array<std::byte, 3> out{};
    CHECK_THROWS_WITH(stream->read(out), ContainsSubstring("past the end"));
}

TEST_CASE("directories, links and FIFOs have their types and no contents") {
    const Layer layer = read_layer(TarBuilder()
                                       .directory("d/", 01777)
                                       .symlink("s", "../no where")
                                       .file("f", "x")
                                       .hard_link("h", "./f")
                                       .entry(fields_of("p", '6'))
                                       .entry(fields_of("c", '7'), "contiguous"));
    REQUIRE(layer.entries.size() == 6);
    CHECK(layer.entries[0].path == "d");
    CHECK(layer.entries[0].inode.mode == 01777);
    CHECK(layer.entries[0].inode.is_directory());
    CHECK(layer.entries[1].inode.target == "../no where");
    CHECK(layer.entries[3].kind == EntryKind::hard_link);
    CHECK(layer.entries[3].target == "f");
    CHECK(layer.entries[4].inode.type == FileType::fifo);
    CHECK(layer.contents.at("c") == "contiguous");
}

TEST_CASE("a size in the header of what has no contents is ignored") {
    TarFields link = fields_of("l", '1');
    link.link = "f";
    link.size = 700;
    TarFields directory = fields_of("d", '5');
    directory.size = 4096;
    CHECK(read_layer(TarBuilder().file("f").entry(link).entry(directory).file("g")).entries.size() == 4);
}

TEST_CASE("a v7 file whose name ends in a slash is a directory") {
    TarFields fields = fields_of("d/", '\0');
    fields.magic.clear();
    CHECK(only_entry(TarBuilder().entry(fields)).inode.is_directory());
    fields.name = "f";
    CHECK(only_entry(TarBuilder().entry(fields)).inode.type == FileType::regular);
}

TEST_CASE("device numbers count for devices only") {
    TarFields fields;
    fields.name = "f";
    CHECK(only_entry(TarBuilder().raw(test::with_bytes(test::tar_header(fields), 329, "garbage"))).path == "f");
}

TEST_CASE("device nodes have their numbers") {
    TarFields fields = fields_of("dev/sda", '4');
    fields.device_major = 4095;
    fields.device_minor = 1048575;
    const tree::Inode inode = only_entry(TarBuilder().entry(fields)).inode;
    CHECK(inode.type == FileType::block_device);
    CHECK(inode.device_major == 4095);
    CHECK(inode.device_minor == 1048575);
    CHECK(only_entry(TarBuilder().entry(fields_of("tty", '3'))).inode.type == FileType::char_device);
}

TEST_CASE("device numbers that squashfs cannot hold are refused") {
    TarFields fields = fields_of("dev/x", '3');
    fields.device_major = 4096;
    CHECK(error_of(TarBuilder().entry(fields)).kind() == ErrorKind::limit);
    fields.device_major = 0;
    fields.device_minor = 1048576;
    CHECK(error_of(TarBuilder().entry(fields)).message() == "device number 1048576 is not below 1048576");
}

TEST_CASE("numbers of other types in the device fields do not matter") {
    TarFields fields = fields_of("f");
    fields.device_major = 99999;
    CHECK(only_entry(TarBuilder().entry(fields)).path == "f");
}

TEST_CASE("a ustar prefix stands before the name") {
    TarFields fields = fields_of("name");
    fields.prefix = "some/where";
    CHECK(only_entry(TarBuilder().entry(fields)).path == "some/where/name");
}

TEST_CASE("GNU headers have no prefix") {
    TarFields fields = fields_of("name");
    fields.magic = "ustar  \0"s;
    fields.prefix = "14371234567";
    CHECK(only_entry(TarBuilder().entry(fields)).path == "name");
}

TEST_CASE("star headers have a shorter prefix and times after it") {
    TarFields fields = fields_of("name");
    fields.prefix = "p";
    std::string header = test::with_bytes(test::tar_header(fields), 345 + 131, "00000000000 00000000000 ");
    header = test::with_bytes(std::move(header), 508, "tar\0"s);
    CHECK(only_entry(TarBuilder().raw(header)).path == "p/name");
}

TEST_CASE("a name of exactly 100 bytes has no NUL") {
    const std::string name(100, 'n');
    CHECK(only_entry(TarBuilder().file(name)).path == name);
}

TEST_CASE("GNU long names and long links apply to the next entry only") {
    const std::string name = "d/" + std::string(200, 'n');
    const std::string target(300, 't');
    const Layer layer =
        read_layer(TarBuilder().gnu_long('K', target).gnu_long('L', name).symlink("cut", "cut").symlink("s", "t"));
    REQUIRE(layer.entries.size() == 2);
    CHECK(layer.entries[0].path == name);
    CHECK(layer.entries[0].inode.target == target);
    CHECK(layer.entries[1].path == "s");
    CHECK(layer.entries[1].inode.target == "t");
}

TEST_CASE("names are bytes: line ends, leading dashes, invalid and decomposed UTF-8, 255 of them") {
    for (const std::string& name : {"new\nline"s, "-rf"s, "\xff\xfe"s, "e\xcc\x81"s, " "s, "\"'\\"s, "\x01"s}) {
        CHECK(only_entry(TarBuilder().file(name)).path == name);
        CHECK(only_entry(TarBuilder().pax({{"path", name}}).file("x")).path == name);
        CHECK(only_entry(TarBuilder().gnu_long('L', name).file("x")).path == name);
    }
    const std::string longest(255, '\xe9');
    CHECK(only_entry(TarBuilder().pax({{"path", longest}}).file("x")).path == longest);
}

TEST_CASE("a name of 256 bytes and a path beyond 4096 are refused") {
    CHECK(error_of(TarBuilder().pax({{"path", std::string(256, 'n')}}).file("x")).kind() == ErrorKind::limit);
    std::string deep;
    while (deep.size() <= 4096) deep += "d/";
    CHECK(error_of(TarBuilder().pax({{"path", deep}}).file("x")).kind() == ErrorKind::limit);
    CHECK(error_of(TarBuilder().file("f").pax({{"linkpath", deep}}).hard_link("x", "")).kind() == ErrorKind::limit);
}

TEST_CASE("a symbolic link's target is kept as it is, up to what Linux can follow") {
    const std::string target(4095, 't');
    CHECK(only_entry(TarBuilder().pax({{"linkpath", target}}).symlink("l", "")).inode.target == target);
    CHECK(only_entry(TarBuilder().symlink("l", "../../..//x/")).inode.target == "../../..//x/");
    CHECK(error_of(TarBuilder().pax({{"linkpath", target + "t"}}).symlink("l", "")).kind() == ErrorKind::limit);
}

TEST_CASE("a symbolic link without a target is refused") {
    CHECK(error_of(TarBuilder().symlink("l", "")).message() == "symbolic link \"l\" has no valid target");
}

TEST_CASE("leading dots and slashes are taken off names") {
    CHECK(only_entry(TarBuilder().file("./a")).path == "a");
    CHECK(only_entry(TarBuilder().file("/a")).path == "a");
    CHECK(only_entry(TarBuilder().directory("./")).path.empty());
}

TEST_CASE("names and hard links that leave the root are refused") {
    CHECK(error_of(TarBuilder().file("../etc/passwd")).message() == "path \"../etc/passwd\" leaves the root");
    CHECK(error_of(TarBuilder().file("a/../../b")).kind() == ErrorKind::integrity);
    CHECK(error_of(TarBuilder().hard_link("h", "../../etc/shadow")).kind() == ErrorKind::integrity);
}

TEST_CASE("CVE-2021-29136: a root that is no directory is refused") {
    CHECK(error_of(TarBuilder().symlink(".", "/etc")).message() == "the root of layer is not a directory");
    CHECK(error_of(TarBuilder().symlink("a/..", "/etc")).kind() == ErrorKind::integrity);
    CHECK(error_of(TarBuilder().file("/", "x")).kind() == ErrorKind::integrity);
    CHECK(error_of(TarBuilder().file("f").hard_link("./", "f")).kind() == ErrorKind::integrity);
}

TEST_CASE("an entry type that is no file is refused by name") {
    CHECK(error_of(TarBuilder().entry(fields_of("label", 'V'))).message() ==
          "\"label\" has the unknown tar entry type \"V\"");
    CHECK(error_of(TarBuilder().entry(fields_of("dump", 'D'))).kind() == ErrorKind::unsupported);
}

TEST_CASE("ids beyond octal come in base-256") {
    TarFields fields = fields_of("f");
    fields.uid = 4294967294;
    fields.gid = 4000000000;
    const tree::Inode inode = only_entry(TarBuilder().entry(fields)).inode;
    CHECK(inode.uid == 4294967294);
    CHECK(inode.gid == 4000000000);
}

TEST_CASE("ids beyond 32 bits are refused, never cut") {
    TarFields fields = fields_of("f");
    fields.uid = uint64_t{1} << 32;
    CHECK(error_of(TarBuilder().entry(fields)).message() == "uid 4294967296 is not between 0 and 4294967294");
    CHECK(error_of(TarBuilder().pax({{"gid", "4294967295"}}).file("f")).kind() == ErrorKind::limit);
    CHECK(error_of(TarBuilder().pax({{"uid", "-1"}}).file("f")).kind() == ErrorKind::limit);
}

TEST_CASE("base-256 numbers beyond 64 bits are refused") {
    const std::string header = test::tar_header(fields_of("f"));
    CHECK(error_of(test::with_bytes(header, 124, "\x80\x01" + std::string(10, '\0'))).message() ==
          "the size in a tar header is beyond 64 bits");
}

TEST_CASE("a time before the epoch comes in base-256") {
    TarFields fields = fields_of("f");
    fields.mtime = -5;
    CHECK(only_entry(TarBuilder().entry(fields)).inode.mtime == -5);
}

TEST_CASE("a negative size is refused") {
    const std::string header = test::tar_header(fields_of("f"));
    CHECK(error_of(test::with_bytes(header, 124, test::base256(-1, 12))).message() == "\"f\" has a negative size");
}

TEST_CASE("numbers may have blanks and NULs around them, and be left out") {
    std::string header = test::tar_header(fields_of("f"));
    header = test::with_bytes(header, 108, "  17 \0\0\0"s);
    header = test::with_bytes(header, 116, std::string(8, '\0'));
    const tree::Inode inode = only_entry(TarBuilder().raw(header)).inode;
    CHECK(inode.uid == 017);
    CHECK(inode.gid == 0);
}

TEST_CASE("a number that is none is refused by the field's name") {
    const std::string header = test::with_bytes(test::tar_header(fields_of("f")), 108, "12x4567\0"s);
    CHECK_THAT(error_of(TarBuilder().raw(header)).message(), ContainsSubstring("the uid in a tar header is no number"));
}

TEST_CASE("whatever follows the end mark is read for the digest and ignored") {
    const std::string tar = TarBuilder().file("a", "x").finish() + std::string(9216, '\0') + "junk";
    TarOptions options;
    options.diff_id = Digest::of(tar);
    CHECK(read_layer(tar, options).entries.size() == 1);
}

TEST_CASE("duplicates come out in the stream's order") {
    const Layer layer = read_layer(TarBuilder().file("a", "1").file("a", "22"));
    REQUIRE(layer.entries.size() == 2);
    CHECK(layer.entries[1].inode.size == 2);
}

}  // namespace gbuild::layer
