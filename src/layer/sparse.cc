#include "sparse.h"

#include <fmt/format.h>

#include <charconv>

#include "gbuild/base/error.h"
#include "gbuild/base/text.h"

namespace gbuild::layer {
namespace {

// 1 MiB of extents. Go's reader stops about there too.
constexpr size_t max_extents = 65536;

[[noreturn]] void malformed_map(std::string_view why) {
    throw Error(ErrorKind::integrity, fmt::format("a sparse file's map is malformed: {}", why));
}

void add_extent(std::vector<Extent>& extents, uint64_t offset, uint64_t length) {
    if (extents.size() >= max_extents) {
        throw Error(ErrorKind::limit, fmt::format("a sparse file has more than {} parts", max_extents));
    }
    extents.push_back({offset, length});
}

uint64_t parse_count(std::string_view text) {
    const auto number = parse_decimal(text);
    if (!number || *number > INT64_MAX) malformed_map(fmt::format("{} is no number", quoted(text.substr(0, 64))));
    return *number;
}

SparseFile checked(SparseFile file) {
    uint64_t end = 0;
    uint64_t total = 0;
    for (const Extent& extent : file.extents) {
        // Both are below 2^63.
        if (extent.offset < end) malformed_map("its parts overlap or are not in order");
        end = extent.offset + extent.length;
        total += extent.length;
        if (end > file.size) malformed_map("a part is beyond the end of the file");
    }
    if (total != file.stored) malformed_map("its parts are not the bytes that are stored");
    return file;
}

uint64_t field(const TarBlock& block, size_t offset) {
    const int64_t value = parse_tar_number(block_field(block, offset, 12), "sparse map");
    if (value < 0) malformed_map("a negative number");
    return static_cast<uint64_t>(value);
}

// False when the list ends in this block: an entry without a length field ends it.
void add_gnu_entries(std::vector<Extent>& extents, const TarBlock& block, size_t offset, size_t count) {
    for (size_t i = 0; i < count; ++i, offset += 24) {
        if (block[offset] == std::byte{0} && block[offset + 12] == std::byte{0}) return;
        add_extent(extents, field(block, offset), field(block, offset + 12));
    }
}

// Map numbers of format 1.0: one to a line, in blocks before the contents.
class MapLines {
  public:
    MapLines(TarInput& input, uint64_t stored) : input_(input), left_(stored) {}

    uint64_t number() {
        std::string digits;
        for (;;) {
            const char next = byte();
            if (next == '\n') return parse_count(digits);
            if (digits.size() >= 20) malformed_map("a number is too long");
            digits += next;
        }
    }

    uint64_t left() const { return left_; }

  private:
    char byte() {
        if (used_ == tar_block_size) {
            if (left_ < tar_block_size) malformed_map("it is longer than what is stored");
            input_.read(block_, "a sparse file's map");
            left_ -= tar_block_size;
            used_ = 0;
        }
        return std::to_integer<char>(block_[used_++]);
    }

    TarInput& input_;
    uint64_t left_;
    TarBlock block_{};
    size_t used_ = tar_block_size;
};

SparseFile read_map_before_contents(const PaxRecords& records, uint64_t stored, TarInput& input) {
    const auto size = records.find("GNU.sparse.realsize");
    if (!size) malformed_map("no size");
    SparseFile file;
    file.size = parse_count(*size);
    MapLines lines(input, stored);
    const uint64_t count = lines.number();
    for (uint64_t i = 0; i < count; ++i) {
        const uint64_t offset = lines.number();
        add_extent(file.extents, offset, lines.number());
    }
    file.stored = lines.left();
    return checked(std::move(file));
}

}  // namespace

SparseFile read_gnu_sparse(const TarBlock& header, uint64_t stored, TarInput& input) {
    SparseFile file;
    file.stored = stored;
    file.size = field(header, 483);
    add_gnu_entries(file.extents, header, 386, 4);
    bool more = header[482] != std::byte{0};
    while (more) {
        TarBlock block;
        input.read(block, "a sparse file's map");
        add_gnu_entries(file.extents, block, 0, 21);
        more = block[504] != std::byte{0};
    }
    return checked(std::move(file));
}

std::optional<SparseFile> read_pax_sparse(const PaxRecords& records, uint64_t stored, TarInput& input) {
    const auto major = records.find("GNU.sparse.major");
    if (major == "1" && records.find("GNU.sparse.minor") == "0") {
        return read_map_before_contents(records, stored, input);
    }
    if (major && major != "0") {
        throw Error(ErrorKind::unsupported, fmt::format("sparse format {} is unknown", quoted(major->substr(0, 64))));
    }
    const auto size = records.find("GNU.sparse.size");
    if (!size) return std::nullopt;
    SparseFile file;
    file.size = parse_count(*size);
    file.stored = stored;
    std::vector<std::string> numbers = records.sparse_numbers();
    if (const auto map = records.find("GNU.sparse.map")) numbers = split(*map, ',');
    if (numbers.size() % 2 != 0) malformed_map("an offset without a length");
    for (size_t i = 0; i < numbers.size(); i += 2) {
        add_extent(file.extents, parse_count(numbers[i]), parse_count(numbers[i + 1]));
    }
    return checked(std::move(file));
}

}  // namespace gbuild::layer
