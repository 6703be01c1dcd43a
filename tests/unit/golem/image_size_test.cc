#include "gbuild/golem/image_size.h"

#include "support/catch.h"

using namespace gbuild;
using namespace gbuild::golem;

namespace {

tree::LayerEntry file_of_size(const std::string& path, uint64_t size) {
    tree::LayerEntry entry;
    entry.path = path;
    entry.inode.type = tree::FileType::regular;
    entry.inode.size = size;
    return entry;
}

}  // namespace

TEST_CASE("a large image is told what makes it so, by the innermost directories (U-13)") {
    tree::Tree tree;
    tree.apply(tree::LayerTree{file_of_size("usr/lib/big/a", 900'000'000), file_of_size("usr/bin/b", 50'000'000),
                               file_of_size("opt/x/c", 300'000'000), file_of_size("opt/y/d", 200'000'000),
                               file_of_size("var/e", 1'000), file_of_size("etc/f", 10)});
    CHECK_FALSE(warn_of_size(tree, large_image - 1));
    const auto warning = warn_of_size(tree, 1'200'000'000);
    REQUIRE(warning);
    CHECK(warning->id == "image-size");
    CHECK(warning->message ==
          "the image has 1.2 GB, which each provider downloads before its first task; its biggest directories are "
          "/usr/lib/big (900.0 MB), /opt (500.0 MB), /var (1.0 kB)");
}

TEST_CASE("a large image without directories, and one with a name that is no text") {
    tree::Tree tree;
    tree.apply(tree::LayerTree{file_of_size("a", 3'000'000'000)});
    CHECK(warn_of_size(tree, large_image)->message ==
          "the image has 1.0 GB, which each provider downloads before its first task");
    tree.apply(tree::LayerTree{file_of_size("a\x1b[2J/b", 5'000'000'000)});
    CHECK(warn_of_size(tree, large_image)->message.find('\x1b') == std::string::npos);
}
