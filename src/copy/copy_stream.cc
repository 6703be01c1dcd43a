#include "copy_stream.h"

#include <algorithm>
#include <array>
#include <deque>
#include <utility>

#include <fmt/format.h>

#include "archive_paths.h"
#include "gbuild/base/binary.h"
#include "gbuild/base/byte_source.h"
#include "gbuild/base/error.h"
#include "gbuild/base/sparse_file.h"
#include "gbuild/base/text.h"
#include "gbuild/copy/content_hasher.h"
#include "gbuild/copy/source_names.h"
#include "gbuild/layer/tar_stream.h"

namespace gbuild::build {

namespace {

Error changed(const std::string& path) {
    return Error(ErrorKind::integrity, fmt::format("{} changed while it was being copied", quoted(path)))
        .hint("build again when nothing writes to the build context");
}

// The contents of one file of a placement, a heredoc's or a context's.
class Contents {
  public:
    explicit Contents(const NewContents& from) : path_(from.path) {
        if (from.text) {
            rest_ = as_bytes(*from.text);
        } else {
            fd_ = from.context->open(from.path);
            file_.emplace(fd_.get());
        }
    }
    // As of tree::EntryStream.
    uint64_t zeros() {
        if (!file_) return 0;
        return with_context([&] { return fmt::format("reading {}", quoted(path_)); }, [&] { return file_->zeros(); });
    }
    void skip_zeros(uint64_t count) { file_->skip(count); }
    // Fills `out`, or throws integrity.
    void read(std::span<std::byte> out) {
        size_t got = 0;
        if (file_) {
            got = with_context([&] { return fmt::format("reading {}", quoted(path_)); },
                               [&] { return file_->read(out); });
        } else {
            got = std::min(out.size(), rest_.size());
            std::copy_n(rest_.begin(), got, out.begin());
            rest_ = rest_.subspan(got);
        }
        if (got != out.size()) throw changed(path_);
    }
    bool at_end() { return file_ ? file_->at_end() : rest_.empty(); }

  private:
    const std::string& path_;
    UniqueFd fd_;
    std::optional<SparseFile> file_;
    std::span<const std::byte> rest_;
};

Sha256Sum finish_sum(Hasher& hasher) {
    Sha256Sum sum;
    hasher.finish(sum);
    return sum;
}

void add_entry(BinaryWriter& out, const std::string& path, const Placed& placed) {
    const tree::Inode& inode = placed.inode;
    out.number<uint8_t>('e');
    out.text(path);
    out.number(static_cast<uint8_t>(inode.type));
    out.number(inode.mode);
    out.number(inode.uid);
    out.number(inode.gid);
    out.number(inode.mtime);
    out.number(inode.device_major);
    out.number(inode.device_minor);
    out.number(inode.size);
    out.text(inode.target);
    out.varint(inode.xattrs.size());
    for (const tree::Xattr& xattr : inode.xattrs) {
        out.text(xattr.name);
        out.text(xattr.value);
    }
    if (placed.contents) out.raw(placed.contents->digest);
}

void add_archive(BinaryWriter& out, const ArchiveFile& archive, const UnpackOptions& unpack) {
    out.number<uint8_t>('a');
    out.text(unpack.directory);
    out.varint(unpack.links.size());
    for (const tree::LayerEntry& link : unpack.links) {
        out.text(link.path);
        out.text(link.inode.target);
    }
    out.number<uint8_t>(unpack.explicit_parents);
    out.text(archive.digest.text());
    out.number<uint8_t>(unpack.owner.has_value());
    out.number(unpack.owner.value_or(tree::Owner()).uid);
    out.number(unpack.owner.value_or(tree::Owner()).gid);
    out.number(unpack.epoch);
}

class PlacementStream : public tree::EntryStream {
  public:
    explicit PlacementStream(Placement placement) : placement_(std::move(placement)), next_(placement_.begin()) {}

    bool next(tree::LayerEntry& entry) override {
        skip_rest();
        if (next_ == placement_.end()) return false;
        const auto& [path, placed] = *next_++;
        entry = {tree::EntryKind::inode, path, {}, placed.inode};
        current_ = placed.contents ? &*placed.contents : nullptr;
        left_ = placed.inode.size;
        if (current_ && left_ > 0) contents_.emplace(*current_);
        return true;
    }

    void read(std::span<std::byte> out) override {
        if (out.empty()) return;
        if (!contents_ || out.size() > left_) {
            throw Error(ErrorKind::internal, "more contents asked for than a copied file has");
        }
        contents_->read(out);
        hasher_.update(out);
        pass(out.size());
    }

    uint64_t zeros() override { return contents_ ? std::min(contents_->zeros(), left_) : 0; }

    void skip_zeros(uint64_t count) override {
        contents_->skip_zeros(count);
        hasher_.zeros(count);
        pass(count);
    }

  private:
    void pass(uint64_t count) {
        left_ -= count;
        if (left_ > 0) return;
        if (hasher_.finish() != current_->digest || !contents_->at_end()) throw changed(current_->path);
        contents_.reset();
    }

    void skip_rest() {
        contents_.reset();
        hasher_ = ContentHasher();
    }

    Placement placement_;
    Placement::const_iterator next_;
    const NewContents* current_ = nullptr;
    std::optional<Contents> contents_;
    uint64_t left_ = 0;
    ContentHasher hasher_;
};

// Lends a source, so that what a reader leaves of it can still be verified.
class LentSource : public ByteSource {
  public:
    explicit LentSource(ByteSource& source) : source_(source) {}
    std::span<const std::byte> next() override { return source_.next(); }

  private:
    ByteSource& source_;
};

// The file of an archive, which must be the one that the step's key is of.
class ArchiveSource : public ByteSource {
  public:
    explicit ArchiveSource(const ArchiveFile& archive) :
        archive_(archive), file_(archive.context->open(archive.path)) {}

    std::span<const std::byte> next() override {
        const auto run = file_.next();
        size_ += run.size();
        hasher_.update(run);
        if (size_ > archive_.size) throw changed(archive_.path);
        if (run.empty() && !std::exchange(ended_, true) && Digest::of_sha256(hasher_.finish()) != archive_.digest) {
            throw changed(archive_.path);
        }
        return run;
    }

  private:
    const ArchiveFile& archive_;
    FileSource file_;
    ContentHasher hasher_;
    uint64_t size_ = 0;
    bool ended_ = false;
};

class ArchiveStream : public tree::EntryStream {
  public:
    // `unpack` and `paths` must stay valid.
    ArchiveStream(ArchiveFile archive, const UnpackOptions& unpack, ArchivePaths& paths) :
        archive_(std::move(archive)), unpack_(unpack), paths_(paths), file_(archive_) {
        layer::TarOptions options;
        options.whiteouts = layer::Whiteouts::keep_as_files;
        options.root = layer::RootEntry::skip;
        options.what = quoted(archive_.path);
        entries_ = layer::read_archive(std::make_unique<LentSource>(file_), options);
    }

    bool next(tree::LayerEntry& entry) override {
        if (waiting_.empty() && !read_next()) return false;
        entry = std::move(waiting_.front());
        waiting_.pop_front();
        return true;
    }

    void read(std::span<std::byte> out) override { entries_->read(out); }
    uint64_t zeros() override { return entries_->zeros(); }
    void skip_zeros(uint64_t count) override { entries_->skip_zeros(count); }

  private:
    // The next entry of the archive, behind the directories that it needs.
    bool read_next() {
        tree::LayerEntry entry;
        if (!entries_->next(entry)) {
            while (!file_.next().empty()) {
            }
            return false;
        }
        paths_.place(entry);
        if (unpack_.explicit_parents) {
            for (tree::LayerEntry& parent : parents_.before(entry, unpack_.directory, unpack_.epoch)) {
                waiting_.push_back(std::move(parent));
            }
        }
        if (unpack_.owner) {
            entry.inode.uid = unpack_.owner->uid;
            entry.inode.gid = unpack_.owner->gid;
        }
        entry.inode.mtime = std::min(entry.inode.mtime, unpack_.epoch);
        waiting_.push_back(std::move(entry));
        return true;
    }

    ArchiveFile archive_;
    const UnpackOptions& unpack_;
    ArchivePaths& paths_;
    ExplicitParents parents_;
    std::deque<tree::LayerEntry> waiting_;
    ArchiveSource file_;
    std::unique_ptr<tree::EntryStream> entries_;
};

class PartsStream : public tree::EntryStream {
  public:
    PartsStream(std::vector<CopyPart> parts, const UnpackOptions& unpack,
                std::vector<std::shared_ptr<const ContextDir>> hold) :
        hold_(std::move(hold)), parts_(std::move(parts)), unpack_(unpack), paths_(unpack_.directory, unpack_.links) {}

    bool next(tree::LayerEntry& entry) override {
        for (;;) {
            if (current_ && current_->next(entry)) {
                if (!from_archive_) paths_.note(entry);
                return true;
            }
            current_.reset();
            if (next_ == parts_.size()) return false;
            CopyPart& part = parts_[next_++];
            from_archive_ = std::holds_alternative<ArchiveFile>(part);
            if (auto* placement = std::get_if<Placement>(&part)) {
                current_ = std::make_unique<PlacementStream>(std::move(*placement));
            } else {
                current_ = std::make_unique<ArchiveStream>(std::get<ArchiveFile>(std::move(part)), unpack_, paths_);
            }
        }
    }

    void read(std::span<std::byte> out) override { current_->read(out); }
    uint64_t zeros() override { return current_->zeros(); }
    void skip_zeros(uint64_t count) override { current_->skip_zeros(count); }

  private:
    std::vector<std::shared_ptr<const ContextDir>> hold_;
    std::vector<CopyPart> parts_;
    size_t next_ = 0;
    UnpackOptions unpack_;
    ArchivePaths paths_;  // one for all archives: a later one finds the links of those before
    bool from_archive_ = false;
    std::unique_ptr<tree::EntryStream> current_;
};

Sha256Sum content_sum(const NewContents& from, uint64_t size) {
    if (from.text) {
        ContentHasher hasher;
        hasher.update(as_bytes(*from.text));
        return hasher.finish();
    }
    const ContentSum found = from.context->sum_of(from.path);
    if (found.size != size) throw changed(from.path);
    return found.sum;
}

void complete(ArchiveFile& archive) {
    const ContentSum found = archive.context->sum_of(archive.path);
    archive.size = found.size;
    archive.digest = Digest::of_sha256(found.sum);
}

}  // namespace

Digest hash_contents(std::vector<CopyPart>& parts, const UnpackOptions& unpack) {
    Hasher hasher(HashAlgorithm::sha256);
    hasher.update("gbuild copy 2\n");
    BinaryWriter record;
    for (CopyPart& part : parts) {
        if (auto* archive = std::get_if<ArchiveFile>(&part)) {
            complete(*archive);
            add_archive(record, *archive, unpack);
        } else {
            for (auto& [path, placed] : std::get<Placement>(part)) {
                if (placed.contents) placed.contents->digest = content_sum(*placed.contents, placed.inode.size);
                add_entry(record, path, placed);
                hasher.update(record.bytes());
                record.clear();
            }
        }
        hasher.update(record.bytes());
        record.clear();
    }
    return Digest::of_sha256(finish_sum(hasher));
}

std::unique_ptr<tree::EntryStream> stream_parts(std::vector<CopyPart> parts, const UnpackOptions& unpack,
                                                std::vector<std::shared_ptr<const ContextDir>> hold) {
    return std::make_unique<PartsStream>(std::move(parts), unpack, std::move(hold));
}

bool holds_archive(const ContextDir& context, const std::string& path) {
    std::array<std::byte, 512> head;
    UniqueFd fd = context.open(path);
    size_t length = read_full(fd.get(), head);
    if (!layer::is_archive(std::span(head).first(length))) return false;
    return layer::begins_with_tar(std::make_unique<FileSource>(context.open(path)));
}

}  // namespace gbuild::build
