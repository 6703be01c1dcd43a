#include "fixtures.h"
#include "pack/block_sizes.h"
#include "support/catch.h"

namespace gbuild::pack {
namespace {

using namespace fixtures;

constexpr size_t block = 4096;
constexpr uint64_t gibibyte = uint64_t{1} << 30;

// Files in pieces: letters stand for blocks of text, "." for zeros that are read, "_" for zeros that are known.
class Known : public tree::EntryStream {
  public:
    explicit Known(std::vector<std::string> files) : files_(std::move(files)) {}

    bool next(tree::LayerEntry& entry) override {
        if (next_ == files_.size()) return false;
        entry = {};
        entry.path = fmt::format("{:04}", next_);
        entry.inode.type = tree::FileType::regular;
        entry.inode.size = files_[next_++].size() * block / 2;
        at_ = 0;
        return true;
    }
    void read(std::span<std::byte> out) override {
        for (std::byte& byte : out)
            byte = static_cast<std::byte>(letter() == '.' || letter() == '_' ? 0 : letter()), at_++;
    }
    uint64_t zeros() override {
        uint64_t end = at_;
        while (end / (block / 2) < current().size() && current()[end / (block / 2)] == '_') {
            end = (end / (block / 2) + 1) * (block / 2);
        }
        return end - at_;
    }
    void skip_zeros(uint64_t count) override { at_ += count; }

    // Each letter is half a block of the file.
    static std::string contents(const std::string& file) {
        std::string text;
        for (char letter : file) text += std::string(block / 2, letter == '.' || letter == '_' ? '\0' : letter);
        return text;
    }

  private:
    const std::string& current() const { return files_[next_ - 1]; }
    char letter() const { return current()[at_ / (block / 2)]; }

    std::vector<std::string> files_;
    size_t next_ = 0;
    uint64_t at_ = 0;
};

std::string packed(const std::vector<std::string>& files) {
    Known stream(files);
    WritePackJob job;
    job.options = small_blocks();
    const UniqueFd fd = memory_file();
    write_pack(stream, job, fd.get());
    return bytes_of(fd.get());
}

// A file that is a hole but for the bytes at some offsets.
class Huge : public tree::EntryStream {
  public:
    Huge(uint64_t size, std::map<uint64_t, char> data) : size_(size), data_(std::move(data)) {}
    bool next(tree::LayerEntry& entry) override {
        entry = {};
        entry.path = "huge";
        entry.inode.type = tree::FileType::regular;
        entry.inode.size = size_;
        return std::exchange(first_, false);
    }
    void read(std::span<std::byte> out) override {
        std::fill(out.begin(), out.end(), std::byte{0});
        for (auto at = data_.lower_bound(at_); at != data_.end() && at->first < at_ + out.size(); ++at) {
            out[at->first - at_] = static_cast<std::byte>(at->second);
        }
        at_ += out.size();
    }
    uint64_t zeros() override {
        const auto next = data_.lower_bound(at_);
        return (next == data_.end() ? size_ : next->first) - at_;
    }
    void skip_zeros(uint64_t count) override { at_ += count; }

  private:
    uint64_t size_;
    std::map<uint64_t, char> data_;
    uint64_t at_ = 0;
    bool first_ = true;
};

struct HugeStack : Stack {
    explicit HugeStack(Huge huge, const PackOptions& options = {}) : Stack(options) {
        const UniqueFd fd = memory_file();
        WritePackJob job;
        job.options = options;
        write_pack(huge, job, fd.get());
        const uint32_t number = packs.add(Pack::open(memory_file(bytes_of(fd.get())), options));
        tree.apply(packs.at(number).entries(number));
    }
};

}  // namespace

TEST_CASE("zeros that are known and zeros that are read give the same pack") {
    std::mt19937 random(7);
    for (int round = 0; round < 60; round++) {
        std::vector<std::string> read, known, mixed;
        for (int file = 0; file < 6; file++) {
            std::string text;
            for (size_t length = random() % 24; text.size() < length;) {
                // Few letters and lengths, so that files are like each other for a while.
                text += std::string(1 + random() % 5, "..ab"[random() % 4]);
            }
            read.push_back(text);
            std::replace(text.begin(), text.end(), '.', '_');
            known.push_back(text);
            for (char& letter : text) letter = letter == '_' && random() % 2 ? '.' : letter;
            mixed.push_back(text);
        }
        const std::string pack = packed(read);
        CHECK((packed(known) == pack));
        CHECK((packed(mixed) == pack));
        Stack stack(small_blocks());
        const uint32_t number = stack.packs.add(Pack::open(memory_file(pack), small_blocks()));
        CHECK(stack.packs.at(number).holds_its_contents());
        stack.tree.apply(stack.packs.at(number).entries(number));
        for (size_t i = 0; i < read.size(); i++) {
            if (read[i].empty()) continue;
            CHECK((stack.contents(fmt::format("{:04}", i)) == Known::contents(read[i])));
        }
    }
}

TEST_CASE("a file of hundreds of gibibytes takes the room of its data, and reads back") {
    const uint64_t size = 400 * gibibyte + 1234;
    const HugeStack stack(Huge(size, {{0, 'a'}, {gibibyte + 5, 'b'}, {399 * gibibyte, 'c'}, {size - 1, 'z'}}));
    const PackedFile file = stack.packs.at(0).file(0);
    CHECK(file.sparse == 400 * gibibyte - 3 * 131072);
    CHECK(file.blocks.size() == 6);
    CHECK(stack.packs.at(0).holds_its_contents());
    const Image image(stack);
    CHECK(image.summary().file_size < 200'000);
    const ImageReader reader(image.path());
    const tree::Tree tree = reader.read_tree();
    uint64_t at = 0;
    std::string seen;
    reader.read_file(*tree.find("huge", tree::FollowLast::no)->inode, [&](const ContentRun& run) {
        for (size_t i = 0; i < run.bytes.size(); i++) {
            if (run.bytes[i] != std::byte{0}) seen += fmt::format("{}={} ", at + i, static_cast<char>(run.bytes[i]));
        }
        at += run.size();
    });
    CHECK(at == size);
    CHECK(seen == fmt::format("0=a {}=b {}=c {}=z ", gibibyte + 5, 399 * gibibyte, size - 1));
}

TEST_CASE("a file that is one hole has no data at all") {
    const HugeStack stack(Huge(1024 * gibibyte, {}));
    const PackedFile file = stack.packs.at(0).file(0);
    CHECK(file.sparse == file.size);
    CHECK(file.blocks.size() == 1);
    CHECK(stack.packs.at(0).data_end() == 96);
    const KernelMount mount(Image(stack).path());
    if (!mount.problem().empty()) return;
    CHECK(std::filesystem::file_size(mount.path("huge")) == 1024 * gibibyte);
}

TEST_CASE("a hole that squashfs has no place for is refused at once") {
    for (const uint64_t size : {uint64_t{3} << 40, uint64_t{INT64_MAX}}) {
        try {
            const HugeStack stack(Huge(size, {}));
            FAIL("packed");
        } catch (const Error& error) {
            CHECK(error.kind() == ErrorKind::limit);
            CHECK_THAT(error.what(), ContainsSubstring("\"huge\" is larger than 2.2 TB"));
        }
    }
}

TEST_CASE("holes that are equal in number are equal, others are not") {
    const auto digest = [](uint64_t size, std::map<uint64_t, char> data) {
        return HugeStack(Huge(size, std::move(data)), small_blocks()).packs.at(0).file(0).digest;
    };
    CHECK(digest(4 * block, {}) == digest(4 * block, {}));
    CHECK(digest(4 * block, {}) != digest(5 * block, {}));
    CHECK(digest(5 * block, {{block, 'x'}}) != digest(5 * block, {{2 * block, 'x'}}));
}

TEST_CASE("block sizes are cut and extended") {
    BlockSizes sizes;
    sizes.add_holes(3);
    sizes.add_holes(2);
    sizes.add(7);
    sizes.resize(9);
    CHECK(sizes.count() == 9);
    CHECK(std::vector<uint32_t>(sizes.entries().begin(), sizes.entries().end()) ==
          std::vector<uint32_t>{hole_bit | 5, 7, hole_bit | 3});
    sizes.resize(2);
    CHECK(std::vector<uint32_t>(sizes.entries().begin(), sizes.entries().end()) == std::vector<uint32_t>{hole_bit | 2});
    sizes.resize(0);
    CHECK(sizes.entries().empty());
}

TEST_CASE("block sums know their holes") {
    Sha256Sum a{}, b{};
    a[0] = std::byte{1};
    b[0] = std::byte{2};
    BlockSums sums;
    sums.add(a);
    sums.add_holes(2);
    sums.add_holes(1);
    sums.add(b);
    sums.add_holes(1);
    sums.add(a);
    CHECK(sums.first() == a);
    CHECK(sums.is(0, a));
    CHECK_FALSE(sums.is(0, b));
    CHECK(sums.holes_at(0) == 0);
    CHECK(sums.holes_at(1) == 3);
    CHECK(sums.holes_at(3) == 1);
    CHECK_FALSE(sums.is(3, b));
    CHECK(sums.is(4, b));
    CHECK(sums.holes_at(5) == 1);
    CHECK(sums.is(6, a));
}

}  // namespace gbuild::pack
