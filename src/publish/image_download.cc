#include "image_download.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>

#include <fmt/format.h>

#include "gbuild/base/error.h"
#include "gbuild/base/text.h"

namespace gbuild::publish {

namespace fs = std::filesystem;

namespace {

constexpr size_t run_size = size_t{1} << 20;

// By the hash, so that no other image's bytes are gone on with.
fs::path partial_path(const fs::path& target, const golem::ImageHash& hash) {
    return target.parent_path() / fmt::format(".{}.{}.part", target.filename().native(), hash.hex.substr(0, 12));
}

// False when the name stands for another file by now: whoever had it finished or removed it.
bool is_still_there(int fd, const fs::path& path) {
    struct stat opened {
    }, named{};
    return ::fstat(fd, &opened) == 0 && ::lstat(path.c_str(), &named) == 0 && opened.st_ino == named.st_ino &&
           opened.st_dev == named.st_dev && S_ISREG(named.st_mode);
}

UniqueFd open_alone(const fs::path& path) {
    UniqueFd fd = open_file(path, O_RDWR | O_CREAT | O_NOFOLLOW, 0666);
    if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0 || !is_still_there(fd.get(), path)) {
        throw Error(ErrorKind::conflict, fmt::format("another process downloads to {}", quoted(path.native())))
            .hint("wait for it to end");
    }
    return fd;
}

}  // namespace

ImageDownload::ImageDownload(const fs::path& target, golem::ImageHash hash, uint64_t size) :
    target_(target),
    partial_(partial_path(target, hash)),
    hash_(std::move(hash)),
    size_(size),
    fd_(open_alone(partial_)) {
    hash_what_is_there();
}

ImageDownload::~ImageDownload() {
    if (!done_ && received_ == 0) ::unlink(partial_.c_str());
}

void ImageDownload::hash_what_is_there() {
    if (file_size(fd_.get()) > size_) return restart();
    const auto buffer = std::make_unique<std::byte[]>(run_size);
    for (;;) {
        const size_t got = pread_full(fd_.get(), {buffer.get(), run_size}, received_);
        if (got == 0) return;
        hasher_.update({buffer.get(), got});
        received_ += got;
    }
}

void ImageDownload::append(std::span<const std::byte> bytes) {
    if (bytes.size() > size_ - received_) {
        throw Error(ErrorKind::integrity, fmt::format("more than the {} bytes of the image were sent", size_));
    }
    pwrite_all(fd_.get(), bytes, received_);
    hasher_.update(bytes);
    received_ += bytes.size();
}

void ImageDownload::restart() {
    if (::ftruncate(fd_.get(), 0) != 0) throw_errno(fmt::format("cannot truncate {}", quoted(partial_.native())));
    hasher_ = Hasher(HashAlgorithm::sha3_224);
    received_ = 0;
}

void ImageDownload::finish() {
    if (const std::string hex = hasher_.finish_hex(); received_ != size_ || hex != hash_.hex) {
        done_ = true;
        ::unlink(partial_.c_str());
        throw Error(ErrorKind::integrity, fmt::format("the {} bytes that were sent have the SHA3 {} instead of {}",
                                                      received_, hex, hash_.hex))
            .hint("what sends them, or something in between, damages data; trying again starts from the first byte");
    }
    if (::rename(partial_.c_str(), target_.c_str()) != 0) {
        throw_errno(fmt::format("cannot move the image to {}", quoted(target_.native())));
    }
    done_ = true;
}

}  // namespace gbuild::publish
