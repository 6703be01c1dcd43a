// Where the members of an uncompressed tar lie, so that they can be read in any order.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace gbuild::registry {

// "./a//b/../c", "/a/c" → "a/c"; nullopt when ".." leads out.
std::optional<std::string> clean_member_path(std::string_view path);

// Whether the file is not a tar, and begins as one that gzip, zstd, xz or bzip2 compressed would.
bool is_compressed_archive(int fd);

class TarIndex {
  public:
    struct Extent {
        uint64_t offset = 0;
        uint64_t size = 0;
    };

    // Reads the headers of ustar, PAX and GNU members. `what` names the archive in errors: unsupported for a compressed
    // one, integrity for damage, limit beyond 100,000 members or 16 MiB of names. Extents lie inside the file.
    TarIndex(int fd, const std::string& what);

    // The regular file at `path`, through up to eight links between members; nullopt when there is none.
    std::optional<Extent> find(std::string_view path) const;

  private:
    struct Member {
        Extent extent;
        std::string link;  // clean path of what it stands for; empty: a file of its own
    };
    class Scanner;

    std::map<std::string, Member, std::less<>> members_;
};

}  // namespace gbuild::registry
