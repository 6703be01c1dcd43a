#include "gbuild/golem/descriptor.h"

#include <algorithm>
#include <memory>

#include "gbuild/base/error.h"
#include "gbuild/base/fd.h"

namespace gbuild::golem {

namespace {

constexpr uint64_t magic_and_version = 0x0000000333333334;
constexpr uint64_t mebibyte = uint64_t{1} << 20, gibibyte = uint64_t{1} << 30;

void append_big_endian(std::string& out, uint64_t value) {
    for (int shift = 56; shift >= 0; shift -= 8) out += static_cast<char>(value >> shift & 0xff);
}

}  // namespace

std::string Descriptor::encode() const {
    std::string out;
    append_big_endian(out, magic_and_version);
    append_big_endian(out, size);
    append_big_endian(out, chunk_size);
    out += as_text(sha3);
    for (const Sha256Sum& sum : chunks) out += as_text(sum);
    return out;
}

std::string Descriptor::id() const { return std::string(Digest::of(encode()).hex()); }

ImageHash Descriptor::hash() const { return {to_hex(sha3)}; }

uint64_t Descriptor::chunk_length(size_t number) const { return std::min(chunk_size, size - chunk_offset(number)); }

uint64_t usual_chunk_size(uint64_t file_size) {
    if (file_size > 5 * gibibyte) return 100 * mebibyte;
    if (file_size > 2 * gibibyte) return 50 * mebibyte;
    if (file_size > gibibyte) return 20 * mebibyte;
    if (file_size > 500 * mebibyte) return 10 * mebibyte;
    return file_size > 200 * mebibyte ? 5 * mebibyte : 2 * mebibyte;
}

DescriptorBuilder::DescriptorBuilder(uint64_t chunk_size) { made_.chunk_size = chunk_size; }

void DescriptorBuilder::update(std::span<const std::byte> bytes) {
    whole_.update(bytes);
    made_.size += bytes.size();
    while (!bytes.empty()) {
        const auto run = bytes.first(std::min<uint64_t>(bytes.size(), made_.chunk_size - in_chunk_));
        chunk_.update(run);
        in_chunk_ += run.size();
        bytes = bytes.subspan(run.size());
        if (in_chunk_ == made_.chunk_size) finish_chunk();
    }
}

void DescriptorBuilder::finish_chunk() {
    chunk_.finish(made_.chunks.emplace_back());
    in_chunk_ = 0;
}

Descriptor DescriptorBuilder::finish() {
    if (in_chunk_ > 0) finish_chunk();
    whole_.finish(made_.sha3);
    return std::move(made_);
}

Descriptor describe(int fd, uint64_t chunk_size, const std::function<void(uint64_t done)>& progress,
                    const std::stop_token& stop) {
    constexpr size_t run_size = size_t{1} << 20;
    const uint64_t size = file_size(fd);
    const auto buffer = std::make_unique<std::byte[]>(run_size);
    DescriptorBuilder builder(chunk_size);
    uint64_t at = 0;
    for (;;) {
        if (stop.stop_requested()) throw Error(ErrorKind::interrupted, "interrupted while reading the image");
        const size_t got = pread_full(fd, {buffer.get(), run_size}, at);
        if (got == 0) break;
        builder.update({buffer.get(), got});
        at += got;
        if (at > size) break;
        if (progress) progress(at);
    }
    if (at != size)
        throw Error(ErrorKind::conflict, "the image changed while it was read")
            .hint("try again once whoever writes it is done");
    return builder.finish();
}

}  // namespace gbuild::golem
