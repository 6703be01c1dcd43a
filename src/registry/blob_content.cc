#include "gbuild/registry/blob_content.h"

#include <algorithm>

namespace gbuild::registry {

FileContent::FileContent(UniqueFd fd) :
    fd_(std::make_shared<const UniqueFd>(std::move(fd))), size_(file_size(fd_->get())) {}

void FileContent::read(uint64_t offset, std::span<std::byte> out) const {
    pread_exact(fd_->get(), out, offset_ + offset, "a blob to be sent");
}

void TextContent::read(uint64_t offset, std::span<std::byte> out) const {
    std::copy_n(as_bytes(text_).begin() + static_cast<std::ptrdiff_t>(offset), out.size(), out.begin());
}

}  // namespace gbuild::registry
