#include "file_set.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include "gbuild/base/error.h"
#include "gbuild/base/rooted.h"
#include "gbuild/base/text.h"
#include "tar_index.h"

namespace gbuild::registry {

namespace {

constexpr size_t run_size = 1u << 20;

struct stat stat_of(int fd, const std::string& what) {
    struct stat facts {};
    if (fstat(fd, &facts) != 0) throw_errno("stat " + what);
    return facts;
}

class DirectoryFiles : public FileSet {
  public:
    explicit DirectoryFiles(const std::string& path) : root_(path) {}

    std::optional<FileExtent> find(const std::string& path) const override {
        // A FIFO must not hold us up.
        auto fd = root_.try_open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
        if (!fd) return std::nullopt;
        struct stat facts = stat_of(fd->get(), path);
        if (!S_ISREG(facts.st_mode)) {
            throw Error(ErrorKind::integrity, fmt::format("{} is not a regular file", quoted(path)));
        }
        return FileExtent(std::make_shared<const UniqueFd>(std::move(*fd)), 0, static_cast<uint64_t>(facts.st_size));
    }

  private:
    RootedDir root_;
};

class TarFiles : public FileSet {
  public:
    TarFiles(std::shared_ptr<const UniqueFd> fd, const std::string& path) :
        fd_(std::move(fd)), index_(fd_->get(), quoted(path)) {}

    std::optional<FileExtent> find(const std::string& path) const override {
        auto extent = index_.find(path);
        if (!extent) return std::nullopt;
        return FileExtent(fd_, extent->offset, extent->size);
    }

  private:
    std::shared_ptr<const UniqueFd> fd_;
    TarIndex index_;
};

}  // namespace

template <class Consume>
void FileExtent::read_from(uint64_t start, const std::stop_token& stop, Consume&& consume) const {
    std::vector<std::byte> buffer(std::min<uint64_t>(run_size, size_ - start));
    while (start < size_) {
        if (stop.stop_requested()) throw Error(ErrorKind::interrupted, "interrupted");
        auto run = std::span(buffer).first(std::min<uint64_t>(buffer.size(), size_ - start));
        pread_exact(fd_->get(), run, offset_ + start, "a file of the image");
        consume(run);
        start += run.size();
    }
}

std::string FileExtent::read_text(uint64_t cap, const std::string& what) const {
    if (size_ > cap) {
        throw Error(ErrorKind::limit,
                    fmt::format("{} of {} is larger than the {} allowed", what, human_size(size_), human_size(cap)));
    }
    std::string text(size_, '\0');
    pread_exact(fd_->get(), std::as_writable_bytes(std::span(text)), offset_, what);
    return text;
}

size_t FileExtent::read_head(std::span<std::byte> out) const {
    return pread_full(fd_->get(), out.first(std::min<uint64_t>(out.size(), size_)), offset_);
}

void FileExtent::append_rest(BlobSink& sink, const std::stop_token& stop) const {
    if (sink.received() > size_) sink.restart();
    read_from(sink.received(), stop, [&](std::span<const std::byte> run) { sink.append(run); });
}

Digest FileExtent::sha256(const std::stop_token& stop) const {
    Hasher hasher(HashAlgorithm::sha256);
    read_from(0, stop, [&](std::span<const std::byte> run) { hasher.update(run); });
    Sha256Sum sum;
    hasher.finish(sum);
    return Digest::of_sha256(sum);
}

std::unique_ptr<FileSet> open_file_set(const std::string& path, const UnpackArchive& unpack) {
    UniqueFd fd = open_file(path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
    struct stat facts = stat_of(fd.get(), quoted(path));
    if (S_ISDIR(facts.st_mode)) return std::make_unique<DirectoryFiles>(path);
    if (!S_ISREG(facts.st_mode)) {
        throw Error(ErrorKind::unsupported, fmt::format("{} is neither a directory nor a regular file", quoted(path)))
            .hint("write the archive to a file first");
    }
    if (unpack && is_compressed_archive(fd.get())) return std::make_unique<TarFiles>(unpack(std::move(fd), path), path);
    return std::make_unique<TarFiles>(std::make_shared<const UniqueFd>(std::move(fd)), path);
}

void verify_text(std::string_view text, const Digest& digest, uint64_t size, const std::string& what) {
    if (text.size() != size) {
        throw Error(ErrorKind::integrity, fmt::format("{} has {} bytes, but should have {}", what, text.size(), size));
    }
    Hasher hasher(digest.algorithm());
    hasher.update(text);
    std::string found = hasher.finish_hex();
    if (found != digest.hex()) {
        throw Error(ErrorKind::integrity, fmt::format("{} does not have the digest {}", what, digest.text()));
    }
}

}  // namespace gbuild::registry
