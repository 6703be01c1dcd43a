// Bzip2 and xz, inflated by libarchive's filters.
#pragma once

#include <archive.h>

#include <exception>
#include <memory>
#include <string>

#include "gbuild/base/byte_source.h"

namespace gbuild::layer {

class FilterSource : public ByteSource {
  public:
    FilterSource(std::unique_ptr<ByteSource> inner, std::string what);
    std::span<const std::byte> next() override;

  private:
    struct Free {
        void operator()(archive* handle) const { archive_read_free(handle); }
    };

    static la_ssize_t read_inner(archive* handle, void* self, const void** run);
    void check(int code);
    void open();

    std::unique_ptr<ByteSource> inner_;
    std::string what_;
    std::unique_ptr<archive, Free> handle_;
    std::exception_ptr inner_error_;  // an exception must not cross the C library
    bool opened_ = false;
    bool done_ = false;
};

}  // namespace gbuild::layer
