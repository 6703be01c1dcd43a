#include "multipart.h"

#include <algorithm>
#include <random>

#include <fmt/format.h>

namespace gbuild::publish {

namespace {

// What comes before and after a stretch of other contents.
class Framed : public registry::BlobContent {
  public:
    Framed(std::string head, std::shared_ptr<const BlobContent> content, uint64_t offset, uint64_t size,
           std::string tail) :
        head_(std::move(head)), content_(std::move(content)), offset_(offset), size_(size), tail_(std::move(tail)) {}

    uint64_t size() const override { return head_.size() + size_ + tail_.size(); }

    void read(uint64_t offset, std::span<std::byte> out) const override {
        const auto take_text = [&](const std::string& text, uint64_t start) {
            if (out.empty() || offset >= start + text.size()) return;
            const auto bytes = as_bytes(text).subspan(offset - start);
            const size_t count = std::min(bytes.size(), out.size());
            std::copy_n(bytes.begin(), count, out.begin());
            out = out.subspan(count);
            offset += count;
        };
        take_text(head_, 0);
        const uint64_t end = head_.size() + size_;
        if (!out.empty() && offset < end) {
            const auto run = out.first(std::min<uint64_t>(out.size(), end - offset));
            content_->read(offset_ + (offset - head_.size()), run);
            out = out.subspan(run.size());
            offset += run.size();
        }
        take_text(tail_, end);
    }

  private:
    std::string head_;
    std::shared_ptr<const BlobContent> content_;
    uint64_t offset_, size_;
    std::string tail_;
};

std::string random_boundary() {
    std::random_device random;
    return fmt::format("gbuild-{:08x}{:08x}{:08x}{:08x}", random(), random(), random(), random());
}

}  // namespace

MultipartForm::MultipartForm() : boundary_(random_boundary()) {}

void MultipartForm::field(std::string_view name, std::string_view value) {
    head_ += fmt::format("--{}\r\nContent-Disposition: form-data; name=\"{}\"\r\n\r\n{}\r\n", boundary_, name, value);
}

std::shared_ptr<const registry::BlobContent>
MultipartForm::with_file(std::shared_ptr<const registry::BlobContent> content, uint64_t offset, uint64_t size) && {
    // The name is what the registry's other client sends, whatever the file is.
    head_ += fmt::format("--{}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"descriptor.txt\"\r\n"
                         "Content-Type: application/octet-stream\r\n\r\n",
                         boundary_);
    return std::make_shared<Framed>(std::move(head_), std::move(content), offset, size,
                                    fmt::format("\r\n--{}--\r\n", boundary_));
}

std::shared_ptr<const registry::BlobContent> MultipartForm::finish() && {
    return std::make_shared<registry::TextContent>(head_ + fmt::format("--{}--\r\n", boundary_));
}

std::string MultipartForm::header() const { return "Content-Type: multipart/form-data; boundary=" + boundary_; }

}  // namespace gbuild::publish
