// Reading a file past its holes, in time by its data and not by its size.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace gbuild {

// The contents of an open regular file in order, from its beginning. Holes are what the file system says they are
// (lseek(2), SEEK_DATA); where it does not know, and in small files, everything is bytes. The descriptor must outlive
// the object, which moves its position.
class SparseFile {
  public:
    explicit SparseFile(int fd);

    // How many of the bytes that follow are in a hole. Throws io.
    uint64_t zeros();
    // Passes over as many of them.
    void skip(uint64_t count) { at_ += count; }
    // Fills `out`, holes included; returns less where the file ends. Throws io.
    size_t read(std::span<std::byte> out);
    // Whether nothing follows. Throws io.
    bool at_end();

  private:
    void look();

    int fd_;
    bool knows_holes_;
    bool in_hole_ = false;
    uint64_t at_ = 0;
    uint64_t known_end_ = 0;  // where the hole or the data at `at_` ends
};

}  // namespace gbuild
