// multipart/form-data bodies (RFC 7578), read while they are sent.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "gbuild/registry/blob_content.h"

namespace gbuild::publish {

class MultipartForm {
  public:
    // The boundary is random: a body that is not known in full cannot be searched for one.
    MultipartForm();

    // `value` must be free of control characters.
    void field(std::string_view name, std::string_view value);
    // The last part: `size` bytes of `content` from `offset` on.
    std::shared_ptr<const registry::BlobContent> with_file(std::shared_ptr<const registry::BlobContent> content,
                                                           uint64_t offset, uint64_t size) &&;
    std::shared_ptr<const registry::BlobContent> finish() &&;
    // "Content-Type: multipart/form-data; boundary=…"
    std::string header() const;

  private:
    std::string boundary_, head_;
};

}  // namespace gbuild::publish
