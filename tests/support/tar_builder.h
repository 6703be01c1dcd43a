// Writes tar streams for tests, well-formed ones easily and malformed ones at will.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gbuild::test {

// The fields of one 512-byte header, in the bytes' order of ustar.
struct TarFields {
    std::string name;
    char type = '0';
    uint32_t mode = 0644;
    uint64_t uid = 0;
    uint64_t gid = 0;
    uint64_t size = 0;
    int64_t mtime = 0;
    std::string link;
    std::string magic = std::string("ustar\0"
                                    "00",
                                    8);
    uint64_t device_major = 0;
    uint64_t device_minor = 0;
    std::string prefix;
};

// Octal where it fits, base-256 where it does not. `fields` that are too long are cut.
std::string tar_header(const TarFields& fields);
// Replaces bytes of a header and makes its checksum right again.
std::string with_bytes(std::string header, size_t offset, std::string_view bytes);
// Zeros up to the next block.
std::string tar_padded(std::string bytes);
// "LENGTH KEY=VALUE\n"
std::string pax_record(std::string_view key, std::string_view value);
// Base-256 as GNU tar writes it.
std::string base256(int64_t value, size_t width);

using PaxList = std::vector<std::pair<std::string, std::string>>;

class TarBuilder {
  public:
    TarBuilder& directory(const std::string& name, uint32_t mode = 0755);
    TarBuilder& file(const std::string& name, std::string_view contents = {}, uint32_t mode = 0644);
    TarBuilder& symlink(const std::string& name, const std::string& target);
    TarBuilder& hard_link(const std::string& name, const std::string& target);
    // An extended header for the next entry, and one for all that follow.
    TarBuilder& pax(const PaxList& records);
    TarBuilder& global_pax(const PaxList& records);
    // A GNU long name ('L') or long link ('K') for the next entry.
    TarBuilder& gnu_long(char type, const std::string& text);
    // A header, and contents padded to a block; the header's size is the contents' unless it is set.
    TarBuilder& entry(TarFields fields, std::string_view contents = {});
    TarBuilder& raw(std::string_view bytes);

    // What has been written, without an end mark.
    const std::string& open_ended() const { return bytes_; }
    // With two blocks of zeros.
    std::string finish() const { return bytes_ + std::string(1024, '\0'); }

  private:
    std::string bytes_;
};

}  // namespace gbuild::test
