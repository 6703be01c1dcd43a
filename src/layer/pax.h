// PAX extended headers (POSIX.1-2017, pax, "pax Extended Header").
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gbuild/tree/inode.h"

namespace gbuild::layer {

// An extended header larger than this is refused, as Go's reader does: no real one comes near.
inline constexpr uint64_t max_pax_size = uint64_t{1} << 20;

class PaxRecords {
  public:
    // "LENGTH KEY=VALUE\n" repeated; a later record of a key replaces an earlier one. Throws integrity.
    static PaxRecords parse(std::string_view body);

    // nullopt when there is none, or an empty one, which means "as if there were none".
    std::optional<std::string_view> find(std::string_view key) const;
    // A decimal number. Throws integrity for anything else and beyond 64 bits.
    std::optional<int64_t> number(std::string_view key) const;
    // Seconds, rounded down, of a decimal with or without a fraction and a sign. Throws integrity.
    std::optional<int64_t> time(std::string_view key) const;

    // "SCHILY.xattr.NAME", "LIBARCHIVE.xattr.NAME" (which yields to the former) and "SCHILY.acl.*", the last as xattrs
    // of the name that the kernel gives them, with the record's text. Sorted. Throws limit for what no file system
    // holds.
    std::vector<tree::Xattr> xattrs() const;

    // GNU.sparse.offset and .numbytes in their order (sparse format 0.0).
    const std::vector<std::string>& sparse_numbers() const { return sparse_numbers_; }

    // Takes over the records of a global header that mean something to gbuild; they replace those of earlier ones.
    // Throws unsupported for those that make no sense for several files, limit when there are too many.
    void add_global(std::string_view body);
    // Where this has no record of its own, that of `global` holds, which must outlive it.
    void fall_back_on(const PaxRecords& global) { global_ = &global; }

  private:
    std::map<std::string, std::string, std::less<>> records_;
    const PaxRecords* global_ = nullptr;
    std::vector<std::string> sparse_numbers_;
};

}  // namespace gbuild::layer
