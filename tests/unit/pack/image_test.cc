// Images, written and read back: by our own reader and, where it can be had, by the running kernel.
#include <pthread.h>

#include "fixtures.h"
#include "support/catch.h"

using namespace gbuild;
using namespace gbuild::pack;
using namespace gbuild::pack::fixtures;

namespace {

tree::Inode special(tree::FileType type, uint32_t major = 0, uint32_t minor = 0) {
    tree::Inode inode;
    inode.type = type;
    inode.mode = 0640;
    inode.device_major = major;
    inode.device_minor = minor;
    return inode;
}

tree::Inode owned(uint32_t uid, uint32_t gid) {
    tree::Inode inode;
    inode.uid = uid;
    inode.gid = gid;
    return inode;
}

// One of each kind, with everything that an inode can have.
Layer everything() {
    tree::Inode odd = owned(4'000'000'000, 3'000'000'000);
    odd.mode = 06751;
    odd.mtime = 4'294'967'295;
    odd.xattrs = {{"security.capability", std::string("\1\0\0\2\0", 5)}, {"user.a", ""}, {"user.b", "value"}};
    Layer layer;
    layer.directory("dir", 01777).directory("dir/empty").file("dir/odd", "contents", odd).file("nothing", "");
    layer.symlink("link", "dir/odd").symlink("long", std::string(4095, 'x')).link("same", "dir/odd");
    layer.add("char", special(tree::FileType::char_device, 5, 70'000));
    layer.add("block", special(tree::FileType::block_device, 4095, 255));
    layer.add("pipe", special(tree::FileType::fifo)).add("socket", special(tree::FileType::socket));
    layer.file("odd/new\nline\xff", "x");
    return layer;
}

ErrorKind failure_of(const Stack& stack) {
    try {
        Image image(stack);
    } catch (const Error& error) {
        return error.kind();
    }
    return ErrorKind::internal;
}

void check_contents(const Stack& stack, const ImageReader& reader) {
    const tree::Tree read = reader.read_tree();
    read.walk([&](const std::string& path, const tree::Node& node) {
        if (node.inode->type != tree::FileType::regular) return;
        INFO(path);
        CHECK(read_all(reader, *node.inode) == (node.inode->size > 0 ? stack.contents(path) : ""));
    });
}

}  // namespace

TEST_CASE("a tree comes back from its image as it was") {
    Layer layer = everything();
    const Stack stack(small_blocks(), {&layer});
    const Image image(stack);
    const ImageReader reader(image.path());
    CHECK(describe(reader.read_tree()) == describe(stack.tree));
    check_contents(stack, reader);
    CHECK(image.summary().inode_count == reader.superblock().inode_count);
    CHECK(image.summary().sha3 == reader.sha3());
}

TEST_CASE("an image of nothing is one") {
    const Image image(Stack{PackOptions{}});
    const ImageReader reader(image.path());
    CHECK(reader.read_tree().size() == 1);
    CHECK(reader.superblock().inode_count == 1);
}

TEST_CASE("files of every size about a block come back") {
    Layer layer;
    for (const uint64_t size : {1, 4095, 4096, 4097, 8191, 8192, 8193, 50'000}) {
        layer.file(fmt::format("n{}", size), noise(size, size)).file(fmt::format("p{}", size), prose(size, size));
        layer.file(fmt::format("z{}", size), std::string(size, '\0'));
    }
    const Stack stack(small_blocks(), {&layer});
    const Image image(stack);
    check_contents(stack, ImageReader(image.path()));
}

TEST_CASE("a sparse file of more than 4 GiB keeps its size and its end") {
    Layer layer;
    const uint64_t size = (uint64_t{4} << 30) + 5;
    layer.file("hole", size, [&](uint64_t offset, std::span<std::byte> out) {
        std::fill(out.begin(), out.end(), std::byte{0});
        if (offset + out.size() == size) out.back() = std::byte{7};
    });
    PackOptions options;
    options.block_size = 1 << 20;
    const Stack stack(options, {&layer});
    const Image image(stack);
    CHECK(image.summary().file_size < 100'000);
    const ImageReader reader(image.path());
    const tree::Tree tree = reader.read_tree();
    const tree::Inode& inode = *tree.find("hole", tree::FollowLast::no)->inode;
    CHECK(inode.size == size);
    uint64_t seen = 0;
    std::byte last{};
    reader.read_file(inode, [&](const ContentRun& run) {
        seen += run.size();
        if (!run.bytes.empty()) last = run.bytes.back();
    });
    CHECK(seen == size);
    CHECK(last == std::byte{7});
}

TEST_CASE("a file of more blocks than a stack holds is written") {
    Layer layer;
    layer.file("zeros", uint64_t{1} << 30,
               [](uint64_t, std::span<std::byte> out) { std::fill(out.begin(), out.end(), std::byte{0}); });
    // 2^18 blocks are a megabyte of sizes.
    struct Job {
        Stack stack;
        uint32_t inodes = 0;
    } job{Stack(small_blocks(), {&layer})};
    const auto write = [](void* with) -> void* {
        Job& own = *static_cast<Job*>(with);
        own.inodes = Image(own.stack).summary().inode_count;
        return nullptr;
    };
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    REQUIRE(pthread_attr_setstacksize(&attributes, 768 << 10) == 0);
    pthread_t thread;
    const int failed = pthread_create(&thread, &attributes, write, &job);
    if (failed == 0) pthread_join(thread, nullptr);
    CHECK(failed == 0);
    CHECK(job.inodes == 2);
    pthread_attr_destroy(&attributes);
}

TEST_CASE("directories of any number of entries are listed whole") {
    const size_t count = GENERATE(1, 256, 257, 5'000, 70'000);
    Layer layer;
    layer.directory("d");
    for (size_t i = 0; i < count; i++) layer.file(fmt::format("d/{:05}", i), "");
    const Stack stack(PackOptions{}, {&layer});
    const Image image(stack);
    CHECK(ImageReader(image.path()).read_tree().find("d", tree::FollowLast::no)->children.size() == count);
}

TEST_CASE("listings about as long as a basic directory may be come back") {
    // A listing counts 3 more than its bytes: a header of 12 for up to 256 entries, and 8 and a name for each.
    const size_t last_name = GENERATE(range<size_t>(90, 130));
    Layer layer;
    layer.directory("d");
    for (size_t i = 0; i < 255; i++) layer.file(fmt::format("d/{:0247}", i), "");
    layer.file("d/x" + std::string(last_name, 'y'), "");
    const Stack stack(PackOptions{}, {&layer});
    const Image image(stack);
    CHECK(describe(ImageReader(image.path()).read_tree()) == describe(stack.tree));
}

TEST_CASE("as many owners as squashfs holds are written, one more is refused") {
    Layer layer;
    for (uint32_t id = 1; id < 65'535; id++) layer.file(fmt::format("{}", id), "", owned(id, 0));
    Stack stack(PackOptions{}, {&layer});
    CHECK(Image(stack).summary().inode_count == 65'535);
    Layer more;
    more.file("more", "", owned(100'000, 0));
    stack.add(more);
    CHECK(failure_of(stack) == ErrorKind::limit);
}

TEST_CASE("what squashfs cannot hold is refused") {
    Layer layer;
    SECTION("a link of a page") { layer.symlink("l", std::string(4096, 'x')); }
    SECTION("a device number") { layer.add("d", special(tree::FileType::char_device, 4096, 0)); }
    SECTION("a minor number") { layer.add("d", special(tree::FileType::block_device, 1, 1 << 20)); }
    CHECK(failure_of(Stack(PackOptions{}, {&layer})) == ErrorKind::limit);
}

TEST_CASE("attributes that squashfs cannot hold are left out and named") {
    tree::Inode inode;
    inode.xattrs = {{"system.posix_acl_access", "x"}, {"user.kept", "y"}};
    Layer layer;
    layer.file("f", "1", inode);
    const Image image(Stack(PackOptions{}, {&layer}));
    CHECK(image.summary().dropped_xattrs == std::vector<std::string>{"/f: system.posix_acl_access"});
    const tree::Tree tree = ImageReader(image.path()).read_tree();
    CHECK(tree.find("f", tree::FollowLast::no)->inode->xattrs == std::vector<tree::Xattr>{{"user.kept", "y"}});
}

TEST_CASE("times before 1970 and after 2106 are the nearest that there are") {
    tree::Inode early, late;
    early.mtime = -1;
    late.mtime = 5'000'000'000;
    Layer layer;
    layer.file("early", "1", early).file("late", "2", late);
    const Image image(Stack(PackOptions{}, {&layer}));
    const tree::Tree tree = ImageReader(image.path()).read_tree();
    CHECK(tree.find("early", tree::FollowLast::no)->inode->mtime == 0);
    CHECK(tree.find("late", tree::FollowLast::no)->inode->mtime == UINT32_MAX);
}

TEST_CASE("an image's bytes do not depend on threads") {
    Layer lower = everything();
    for (int i = 0; i < 40; i++) lower.file(fmt::format("many/{}", i), prose(3'000 + i, i));
    Layer upper;
    for (int i = 0; i < 40; i += 3) upper.whiteout(fmt::format("many/{}", i));
    const Stack stack(small_blocks(), {&lower, &upper});
    const std::string expected = Image(stack, 1).bytes();
    for (const unsigned threads : {2, 5}) CHECK(Image(stack, threads).bytes() == expected);
}

TEST_CASE("nothing of a file that a later layer removes is in the image") {
    const std::string secret = noise(1'500, 99);
    Layer lower, upper;
    lower.file("kept-a", noise(900, 1)).file("secret", secret).file("kept-b", noise(900, 2));
    upper.whiteout("secret");
    const Stack stack(small_blocks(), {&lower, &upper});
    const Image image(stack);
    CHECK(image.bytes().find(secret.substr(0, 64)) == std::string::npos);
    check_contents(stack, ImageReader(image.path()));
}

TEST_CASE("equal contents of two layers are in the image once") {
    Layer one, both, other;
    one.file("a", noise(500'000, 5));
    both.file("b", noise(500'000, 5));
    other.file("c", noise(500'000, 6));
    const uint64_t once = Image(Stack(PackOptions{}, {&one})).summary().file_size;
    const Stack stack(PackOptions{}, {&one, &both});
    const Image image(stack);
    CHECK(image.summary().file_size < once + 4096);
    check_contents(stack, ImageReader(image.path()));
    CHECK(Image(Stack(PackOptions{}, {&one, &other})).summary().file_size > 2 * once - 8192);
}

TEST_CASE("the running kernel reads what every codec writes") {
    Layer lower = everything(), upper;
    for (const uint64_t size : {1, 100'000, 131'072, 300'000}) lower.file(fmt::format("f{}", size), prose(size, size));
    lower.file("noise", noise(300'000, 1)).file("zeros", std::string(400'000, '\0'));
    upper.whiteout("f1").file("noise", noise(10, 2));
    const Codec codec = GENERATE(Codec::gzip, Codec::lzo, Codec::lz4, Codec::xz, Codec::zstd);
    PackOptions options = with_codec(codec);
    options.block_size = GENERATE(4096u, 131'072u, 1u << 20);
    const Stack stack(options, {&lower, &upper});
    const Image image(stack);
    INFO(codec_name(codec) << " " << options.block_size);
    check_contents(stack, ImageReader(image.path()));
    const KernelMount mount(image.path());
    if (!mount.problem().empty()) {
        WARN("not mounted: " << mount.problem());
        return;
    }
    size_t files = 0;
    stack.tree.walk([&](const std::string& path, const tree::Node& node) {
        struct stat st;
        INFO(path);
        const int found = ::lstat(mount.path(path).c_str(), &st);
        INFO(std::strerror(errno));
        REQUIRE(found == 0);
        CHECK((st.st_mode & 07777) == node.inode->mode);
        CHECK((st.st_uid == node.inode->uid && st.st_gid == node.inode->gid));
        if (node.inode->type != tree::FileType::regular) return;
        CHECK(static_cast<uint64_t>(st.st_size) == node.inode->size);
        if (node.inode->size > 0) {
            CHECK(bytes_of(open_file(mount.path(path), O_RDONLY).get()) == stack.contents(path));
        }
        files++;
    });
    CHECK(files > 6);
}

TEST_CASE("an image with any byte of its tables changed is read, refused, but never believed blindly") {
    Layer layer = everything();
    const Image good(Stack(small_blocks(), {&layer}));
    const std::string bytes = good.bytes();
    const uint64_t tables =
        bytes.size() - 8192 > bytes.size() ? 0 : bytes.size() - std::min<size_t>(bytes.size(), 6000);
    size_t refused = 0;
    for (uint64_t at = 0; at < bytes.size(); at += at < 96 || at > tables ? 1 : 37) {
        std::string damaged = bytes;
        damaged[at] = static_cast<char>(damaged[at] ^ 0x41);
        const Image image{std::string_view(damaged)};
        try {
            const ImageReader reader(image.path());
            const tree::Tree tree = reader.read_tree();
            tree.walk([&](const std::string&, const tree::Node& node) {
                if (node.inode->type == tree::FileType::regular) read_all(reader, *node.inode);
            });
        } catch (const Error& error) {
            INFO(error.message());
            CHECK((error.kind() == ErrorKind::integrity || error.kind() == ErrorKind::limit ||
                   error.kind() == ErrorKind::unsupported));
            refused++;
        }
    }
    CHECK(refused > 100);
}
