#include "gbuild/compare/differences.h"

#include <fcntl.h>

#include <fmt/format.h>

#include "config.h"
#include "contents.h"
#include "gbuild/base/text.h"
#include "gbuild/pack/image_reader.h"
#include "trees.h"

namespace gbuild::compare {

namespace {

using pack::ImageReader;
using pack::SuperblockFacts;

struct ComparedImage {
    explicit ComparedImage(const std::filesystem::path& path) : reader(path.native()), tree(reader.read_tree()) {}
    ImageReader reader;
    tree::Tree tree;
};

std::optional<uint64_t> first_difference_of_files(const std::filesystem::path& a, const std::filesystem::path& b,
                                                  const std::stop_token& stop) {
    FileSource source_a(open_file(a, O_RDONLY));
    FileSource source_b(open_file(b, O_RDONLY));
    ByteRuns runs_a(source_a), runs_b(source_b);
    return first_difference(runs_a, runs_b, stop);
}

class PackingComparison {
  public:
    PackingComparison(const ImageReader& a, const ImageReader& b) :
        reader_a_(a), reader_b_(b), a_(a.superblock()), b_(b.superblock()) {}

    void chosen() {
        add("compression", pack::codec_name(a_.codec), pack::codec_name(b_.codec));
        add("block size", a_.block_size, b_.block_size);
        add("time", format_rfc3339(a_.created), format_rfc3339(b_.created));
        add("export table", a_.exportable, b_.exportable);
    }
    void derived() {
        add("inodes", a_.inode_count, b_.inode_count);
        add("fragments", a_.fragment_count, b_.fragment_count);
        add("owners", a_.id_count, b_.id_count);
        add("xattr table", a_.xattrs, b_.xattrs);
        add("bytes used", a_.bytes_used, b_.bytes_used);
        add("file size", reader_a_.file_size(), reader_b_.file_size());
    }

    std::vector<ValueChange> take() && { return std::move(changes_); }

  private:
    template <class T>
    void add(const char* name, const T& a, const T& b) {
        if (a != b) changes_.push_back({name, text(a), text(b)});
    }
    static std::string text(bool value) { return value ? "yes" : "no"; }
    template <class T>
    static std::string text(const T& value) {
        return fmt::format("{}", value);
    }

    const ImageReader& reader_a_;
    const ImageReader& reader_b_;
    const SuperblockFacts& a_;
    const SuperblockFacts& b_;
    std::vector<ValueChange> changes_;
};

std::string place_text(const ComparedImage& image, uint64_t offset) {
    const pack::ImagePlace place = image.reader.place_of(offset, image.tree);
    return std::string(place.structure) + (place.path.empty() ? "" : " of /" + place.path);
}

}  // namespace

Differences compare_images(const std::filesystem::path& a, const std::filesystem::path& b,
                           const std::stop_token& stop) {
    Differences differences;
    // What is no image is refused even when the two are the same.
    ComparedImage image_a(a), image_b(b);
    const std::optional<uint64_t> offset = first_difference_of_files(a, b, stop);
    if (!offset) return differences;
    differences.first_byte = {*offset, place_text(image_a, *offset), place_text(image_b, *offset)};
    differences.files =
        compare_trees(image_a.tree, image_b.tree, [&](const tree::Inode& file_a, const tree::Inode& file_b) {
            return compare_contents(*image_a.reader.file_source(file_a), *image_b.reader.file_source(file_b), stop);
        });
    differences.config = compare_configs(image_a.reader.trailer_json(), image_b.reader.trailer_json());
    PackingComparison packing(image_a.reader, image_b.reader);
    packing.chosen();
    if (differences.files.empty() && differences.config.empty()) packing.derived();
    differences.packing = std::move(packing).take();
    return differences;
}

}  // namespace gbuild::compare
