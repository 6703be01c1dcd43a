#include "tar_index.h"

#include <algorithm>
#include <array>
#include <vector>

#include <fmt/format.h>

#include "gbuild/base/error.h"
#include "gbuild/base/fd.h"
#include "gbuild/base/text.h"

namespace gbuild::registry {

namespace {

constexpr uint64_t block_size = 512;
constexpr size_t max_members = 100'000;
constexpr size_t max_name_bytes = 16u << 20;
constexpr uint64_t max_extended_header = 1u << 20;
constexpr int max_links = 8;

struct Field {
    size_t offset;
    size_t length;
};
constexpr Field name_field{0, 100}, size_field{124, 12}, checksum_field{148, 8}, link_field{157, 100},
    magic_field{257, 6}, prefix_field{345, 155};
constexpr size_t type_offset = 156;

class Header {
  public:
    std::span<std::byte> bytes() { return bytes_; }

    bool is_zero() const {
        for (std::byte b : bytes_) {
            if (b != std::byte{0}) return false;
        }
        return true;
    }
    bool checksum_is_right() const {
        uint64_t sum = 0;
        for (size_t i = 0; i < bytes_.size(); i++) {
            bool own = i >= checksum_field.offset && i < checksum_field.offset + checksum_field.length;
            sum += own ? ' ' : std::to_integer<unsigned>(bytes_[i]);
        }
        return number(checksum_field) == sum;
    }
    char type() const { return static_cast<char>(bytes_[type_offset]); }
    std::optional<uint64_t> size() const { return number(size_field); }
    std::string link() const { return text(link_field); }
    std::string name() const {
        std::string name = text(name_field);
        bool ustar = raw(magic_field) == std::string_view("ustar\0", 6);
        std::string prefix = ustar ? text(prefix_field) : "";
        return prefix.empty() ? name : prefix + '/' + name;
    }

  private:
    std::string_view raw(Field field) const { return as_text(bytes_).substr(field.offset, field.length); }
    std::string text(Field field) const { return std::string(raw(field).substr(0, raw(field).find('\0'))); }

    // Octal text, or GNU's big-endian binary marked by the top bit; nullopt when malformed or beyond 63 bits.
    std::optional<uint64_t> number(Field field) const {
        std::string_view digits = raw(field);
        uint64_t value = 0;
        if (static_cast<unsigned char>(digits[0]) == 0x80) {
            for (char c : digits.substr(1)) {
                if (value >> 55 != 0) return std::nullopt;
                value = value << 8 | static_cast<unsigned char>(c);
            }
            return value;
        }
        digits = trim(digits.substr(0, digits.find('\0')));
        for (char c : digits) {
            if (c < '0' || c > '7') return std::nullopt;
            value = value << 3 | static_cast<uint64_t>(c - '0');
        }
        return value;
    }

    std::array<std::byte, block_size> bytes_{};
};

// What the first bytes say; gzip, zstd with a skippable frame in front or not, xz, bzip2.
bool has_compressors_magic(std::string_view head) {
    static constexpr std::array<std::string_view, 4> magics = {std::string_view("\x1f\x8b", 2),
                                                               std::string_view("\x28\xb5\x2f\xfd", 4),
                                                               std::string_view("\xfd"
                                                                                "7zXZ",
                                                                                5),
                                                               std::string_view("BZh", 3)};
    for (std::string_view magic : magics) {
        if (head.starts_with(magic)) return true;
    }
    return head.size() >= 4 && (head[0] & 0xf0) == 0x50 && head.substr(1, 3) == "\x2a\x4d\x18";
}

}  // namespace

bool is_compressed_archive(int fd) {
    Header header;
    size_t got = pread_full(fd, header.bytes(), 0);
    // "BZh" may be how a tar's first name begins.
    if (got == block_size && header.checksum_is_right()) return false;
    return has_compressors_magic(as_text(header.bytes()).substr(0, got));
}

std::optional<std::string> clean_member_path(std::string_view path) {
    std::vector<std::string> clean;
    for (auto& component : split(path, '/')) {
        if (component.empty() || component == ".") continue;
        if (component != "..") {
            clean.push_back(std::move(component));
        } else if (clean.empty()) {
            return std::nullopt;
        } else {
            clean.pop_back();
        }
    }
    return join(clean, "/");
}

class TarIndex::Scanner {
  public:
    Scanner(int fd, const std::string& what, TarIndex& index) :
        fd_(fd), what_(what), index_(index), file_size_(file_size(fd)) {}

    void run() {
        Header header;
        for (uint64_t at = 0; at < file_size_;) {
            size_t got = pread_full(fd_, header.bytes(), at);
            if (at == 0 && is_compressed_archive(fd_)) {
                throw Error(ErrorKind::unsupported, fmt::format("{} is compressed", what_))
                    .hint("unpack it first, for example with gunzip or unzstd");
            }
            if (got < block_size) fail(at == 0 ? "is not a tar archive" : "is truncated");
            if (header.is_zero()) return;
            if (!header.checksum_is_right()) fail(at == 0 ? "is not a tar archive" : "has a damaged header");
            at = take(header, at + block_size);
        }
    }

  private:
    [[noreturn]] void fail(std::string_view problem) const {
        throw Error(ErrorKind::integrity, fmt::format("{} {}", what_, problem));
    }

    // Handles the member whose data would begin at `data`; returns where the next header is.
    uint64_t take(const Header& header, uint64_t data) {
        char type = header.type();
        bool has_data = type < '1' || type > '6';  // links, devices, directories and FIFOs have none, whatever they say
        uint64_t size = has_data ? size_of(header, type) : 0;
        if (size > file_size_ - data) fail("is truncated");
        uint64_t end = data + size;
        uint64_t next = end + (block_size - end % block_size) % block_size;
        if (next > file_size_) fail("is truncated");
        if (type == 'x' || type == 'L' || type == 'K') {
            extend(type, data, size);
            return next;
        }
        if (type != 'g') {
            add(header, type, {data, size});
            pax_size_.reset();
            long_name_.reset();
            long_link_.reset();
        }
        return next;
    }

    uint64_t size_of(const Header& header, char type) const {
        bool of_member = type != 'x' && type != 'g' && type != 'L' && type != 'K';
        std::optional<uint64_t> size = of_member && pax_size_ ? pax_size_ : header.size();
        if (!size || *size > static_cast<uint64_t>(INT64_MAX)) fail("has a member of impossible size");
        return *size;
    }

    void add(const Header& header, char type, Extent extent) {
        std::string name = long_name_.value_or(header.name());
        bool regular = type == '0' || type == '\0' || type == '7';
        bool link = type == '1' || type == '2';
        if ((!regular && !link) || name.ends_with('/')) return;
        auto path = clean_member_path(name);
        if (!path) return;
        Member member{extent, ""};
        if (link) {
            std::string target = long_link_.value_or(header.link());
            // A symbolic link counts from its own directory, a hard link from the top.
            size_t slash = path->rfind('/');
            if (type == '2' && !target.starts_with('/') && slash != std::string::npos) {
                target = path->substr(0, slash) + '/' + target;
            }
            auto clean = clean_member_path(target);
            if (!clean || clean->empty()) return;
            member.link = std::move(*clean);
        }
        name_bytes_ += path->size() + member.link.size();
        if (name_bytes_ > max_name_bytes || ++count_ > max_members) {
            throw Error(ErrorKind::limit, fmt::format("{} has too many members for an image archive", what_));
        }
        index_.members_[std::move(*path)] = std::move(member);
    }

    // A PAX header or a GNU long name: what it says holds for the next member.
    void extend(char type, uint64_t data, uint64_t size) {
        if (size > max_extended_header) {
            throw Error(ErrorKind::limit, fmt::format("{} has an extended header of {}", what_, human_size(size)));
        }
        std::string text(size, '\0');
        pread_exact(fd_, std::as_writable_bytes(std::span(text)), data, what_);
        if (type == 'x') return read_pax(text);
        (type == 'L' ? long_name_ : long_link_) = text.substr(0, text.find('\0'));
    }

    // Records "LENGTH KEY=VALUE\n"; LENGTH counts the whole record.
    void read_pax(std::string_view rest) {
        while (!rest.empty()) {
            auto length = parse_decimal(rest.substr(0, rest.find(' ')));
            if (!length || *length > rest.size() || rest[*length == 0 ? 0 : *length - 1] != '\n') {
                fail("has a damaged PAX header");
            }
            std::string_view record = rest.substr(0, *length - 1);
            record.remove_prefix(std::min(record.find(' '), record.size() - 1) + 1);
            rest.remove_prefix(*length);
            size_t equals = record.find('=');
            if (equals == std::string_view::npos) fail("has a damaged PAX header");
            std::string_view key = record.substr(0, equals), value = record.substr(equals + 1);
            if (key == "path") long_name_ = value;
            if (key == "linkpath") long_link_ = value;
            if (key == "size") {
                pax_size_ = parse_decimal(value);
                if (!pax_size_) fail("has a damaged PAX header");
            }
        }
    }

    int fd_;
    const std::string& what_;
    TarIndex& index_;
    uint64_t file_size_;
    std::optional<uint64_t> pax_size_;
    std::optional<std::string> long_name_;
    std::optional<std::string> long_link_;
    size_t count_ = 0;
    size_t name_bytes_ = 0;
};

TarIndex::TarIndex(int fd, const std::string& what) { Scanner(fd, what, *this).run(); }

std::optional<TarIndex::Extent> TarIndex::find(std::string_view path) const {
    auto clean = clean_member_path(path);
    if (!clean) return std::nullopt;
    auto found = members_.find(*clean);
    for (int links = 0; found != members_.end() && links <= max_links; links++) {
        if (found->second.link.empty()) return found->second.extent;
        found = members_.find(found->second.link);
    }
    return std::nullopt;
}

}  // namespace gbuild::registry
