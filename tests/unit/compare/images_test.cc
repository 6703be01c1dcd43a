// Whole images, with one difference planted.
#include "gbuild/compare/differences.h"

#include "support/catch.h"
#include "unit/pack/fixtures.h"

using namespace gbuild;
using namespace gbuild::compare;
using pack::fixtures::Layer;
using pack::fixtures::Stack;

namespace {

struct ImageFile {
    TempDir directory;
    std::string path = (directory.path() / "image.gvmi").native();

    explicit ImageFile(Layer& layer, const pack::PackOptions& options = pack::fixtures::small_blocks(),
                       std::string trailer = R"({"Image":"x"})", int64_t time = 0) {
        Stack stack(options, {&layer});
        pack::WriteImageJob job;
        job.trailer_json = std::move(trailer);
        job.superblock_time = time;
        const UniqueFd fd = open_file(path, O_RDWR | O_CREAT | O_EXCL);
        pack::write_image(stack.tree, stack.packs, job, fd.get());
    }
    void flip(uint64_t offset) const {
        const UniqueFd fd = open_file(path, O_RDWR);
        std::byte value[1];
        pread_exact(fd.get(), value, offset, path);
        value[0] ^= std::byte{1};
        pwrite_all(fd.get(), value, offset);
    }
};

std::string big_text() { return pack::fixtures::prose(50'000, 1); }

Layer sample(const std::string& big = big_text()) {
    Layer layer;
    layer.directory("d").file("d/big", big).file("small", "tail").symlink("link", "small");
    return layer;
}

Differences between(Layer a, Layer b) { return compare_images(ImageFile(a).path, ImageFile(b).path); }

}  // namespace

TEST_CASE("two images of the same files are the same") {
    auto differences = between(sample(), sample());
    CHECK(differences.same());
    CHECK(differences.files.empty());
}

TEST_CASE("one byte of a large file is found at its offset, whatever the packing") {
    std::string big = big_text();
    big[34'567] ^= 1;
    for (uint32_t block_size : {4096u, 131072u}) {
        Layer a = sample(), b = sample(big);
        pack::PackOptions other;
        other.block_size = block_size;
        auto differences = compare_images(ImageFile(a).path, ImageFile(b, other).path);
        CHECK_FALSE(differences.same());
        REQUIRE(differences.files.size() == 1);
        CHECK(differences.files[0].path == "d/big");
        CHECK(differences.files[0].attributes.empty());
        REQUIRE(differences.files[0].content);
        CHECK(differences.files[0].content->offset == 34'567);
        CHECK(differences.files[0].content->bytes == 1);
        CHECK(differences.packing.size() == (block_size == 4096 ? 0 : 1));
    }
}

TEST_CASE("a file's end in a fragment is compared, too") {
    Layer b;
    b.directory("d").file("d/big", big_text()).file("small", "tale").symlink("link", "small");
    auto differences = between(sample(), std::move(b));
    REQUIRE(differences.files.size() == 1);
    CHECK(differences.files[0].path == "small");
    CHECK(differences.files[0].content->bytes == 2);
}

TEST_CASE("what was chosen for the packing is told beside the files") {
    Layer a = sample(), b = sample();
    auto differences = compare_images(
        ImageFile(a).path, ImageFile(b, pack::fixtures::with_codec(pack::Codec::lzo), R"({"Image":"y"})", 9).path);
    std::vector<std::string> names;
    for (const ValueChange& change : differences.packing) names.push_back(change.name);
    CHECK(names == std::vector<std::string>{"compression", "block size", "time"});
    REQUIRE(differences.config.size() == 1);
    CHECK(differences.config[0].a == R"("x")");
    CHECK(differences.files.empty());
}

TEST_CASE("equal contents that are packed otherwise differ in a byte that is placed") {
    Layer a = sample(), b = sample();
    pack::PackOptions level = pack::fixtures::small_blocks();
    level.level = 1;
    auto differences = compare_images(ImageFile(a).path, ImageFile(b, level).path);
    CHECK(differences.files.empty());
    CHECK(differences.config.empty());
    REQUIRE(differences.first_byte);
    CHECK_FALSE(differences.packing.empty());
}

TEST_CASE("a byte is placed in the structure it belongs to") {
    Layer layer = sample();
    ImageFile file(layer);
    pack::ImageReader reader(file.path);
    const tree::Tree tree = reader.read_tree();
    const uint64_t size = reader.file_size();
    auto structure = [&](uint64_t offset) { return reader.place_of(offset, tree).structure; };
    CHECK(structure(0) == "the superblock");
    CHECK(structure(96) == "the data");
    CHECK(reader.place_of(96, tree).path == "d/big");
    CHECK(structure(reader.superblock().bytes_used - 1) == "the table of owners");
    CHECK(structure(size - 1) == "the length of the configuration");
    CHECK(structure(size - 9) == "the configuration");
    CHECK(structure(size) == "the end of the file");
    // Every byte has a place, and the places come in the order of the format.
    std::vector<std::string> order;
    for (uint64_t offset = 0; offset < size; offset++) {
        std::string here(structure(offset));
        if (order.empty() || order.back() != here) order.push_back(here);
    }
    CHECK(order == std::vector<std::string>{"the superblock", "the data", "a block of files' ends", "the inode table",
                                            "the directory table", "the fragment table", "the export table",
                                            "the table of owners", "the padding before the configuration",
                                            "the checksum of the configuration", "the configuration",
                                            "the length of the configuration"});
}

TEST_CASE("a byte of the padding alone") {
    Layer a = sample(), b = sample();
    ImageFile file_a(a), file_b(b);
    const uint64_t padding = pack::ImageReader(file_a.path).superblock().bytes_used;
    file_b.flip(padding);
    auto differences = compare_images(file_a.path, file_b.path);
    REQUIRE(differences.first_byte);
    CHECK(differences.first_byte->offset == padding);
    CHECK(differences.first_byte->a == "the padding before the configuration");
    CHECK(differences.files.empty());
    CHECK(differences.packing.empty());
}

TEST_CASE("what is no image is refused") {
    TempDir directory;
    const std::filesystem::path garbage = directory.path() / "garbage";
    write_file_atomically(garbage, std::string(5000, 'x'));
    CHECK_THROWS_AS(compare_images(garbage, garbage), Error);
}
