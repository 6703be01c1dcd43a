#include "gbuild/store/new_blob.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <fmt/format.h>

#include "advice.h"
#include "gbuild/base/error.h"
#include "gbuild/base/text.h"

namespace gbuild::store {

NewBlob::NewBlob(std::filesystem::path blobs, const std::filesystem::path& staging, uint64_t cap) :
    blobs_(std::move(blobs)), cap_(cap) {
    std::string pattern = (staging / "download-XXXXXX").native();
    explaining(blobs_, [&] {
        fd_ = UniqueFd(::mkostemp(pattern.data(), O_CLOEXEC));
        if (!fd_) throw_errno(fmt::format("cannot create a file in {}", quoted(staging.native())));
    });
    temporary_ = pattern;
}

NewBlob::~NewBlob() {
    if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

void NewBlob::append(std::span<const std::byte> bytes) {
    if (bytes.size() > cap_ - received_) {
        throw Error(ErrorKind::limit, fmt::format("it is larger than {}", human_size(cap_)));
    }
    explaining(blobs_, [&] { pwrite_all(fd_.get(), bytes, received_); });
    hasher_.update(bytes);
    received_ += bytes.size();
}

void NewBlob::restart() {
    if (::ftruncate(fd_.get(), 0) != 0) throw_errno("cannot truncate an unfinished download");
    hasher_ = Hasher(HashAlgorithm::sha256);
    received_ = 0;
}

Digest NewBlob::finish() {
    Sha256Sum sum;
    hasher_.finish(sum);
    digest_ = Digest::of_sha256(sum);
    return digest_;
}

void NewBlob::commit() {
    const std::filesystem::path target = blobs_ / digest_.hex();
    explaining(blobs_, [&] {
        if (::rename(temporary_.c_str(), target.c_str()) != 0) {
            throw_errno(fmt::format("cannot move a finished download to {}", quoted(target.native())));
        }
    });
    temporary_.clear();
}

}  // namespace gbuild::store
