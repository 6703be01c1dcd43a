#include "gbuild/exporter/layer.h"

#include <unordered_map>

#include <fmt/format.h>

#include "compressor.h"
#include "gbuild/base/error.h"
#include "gbuild/base/fd.h"
#include "gbuild/base/text.h"
#include "gbuild/oci/media_type.h"
#include "sparse_extents.h"

namespace gbuild::exporter {

namespace {

class TreeTar {
  public:
    // `packs`: where the contents are, if that is known; null when they are an image's.
    TreeTar(ReadContents read, const pack::PackSet* packs, TarUse use, const std::stop_token& stop,
            const ByteConsumer& output) :
        read_(std::move(read)), packs_(packs), use_(use), stop_(stop), tar_(output) {}

    void add(const std::string& path, const tree::Node& node) {
        if (stop_.stop_requested()) throw Error(ErrorKind::interrupted, "interrupted");
        const tree::Inode& inode = *node.inode;
        if (!can_hold(path, inode)) return;
        if (!inode.is_directory() && node.inode.use_count() > 1) {
            const auto [first, is_first] = names_.try_emplace(&inode, path);
            if (!is_first) return tar_.add_link(path, first->second, inode);
        }
        for (const tree::Xattr& xattr : inode.xattrs) {
            if (!tar_can_hold(xattr)) left_out_.push_back(fmt::format("{}: extended attribute {}", path, xattr.name));
        }
        const Extents extents = extents_of(inode);
        if (extents.empty()) {
            tar_.add(path, inode);
        } else {
            tar_.add_sparse(path, inode, extents);
        }
        if (inode.type == tree::FileType::regular && inode.size > 0) add_contents(inode, extents);
    }

    LeftOut finish() {
        tar_.finish();
        return std::move(left_out_);
    }

  private:
    using Extents = std::vector<TarWriter::Extent>;

    // Empty: all of it is written out. Layers are, whatever they hold: the image specification advises against sparse
    // files, and docker and podman cannot give back a layer that has some.
    Extents extents_of(const tree::Inode& inode) const {
        if (use_ == TarUse::layer || !packs_ || inode.content.empty()) return {};
        return sparse_extents(packs_->at(inode.content.pack).file(inode.content.number), packs_->options().block_size);
    }

    void add_contents(const tree::Inode& inode, Extents extents) {
        if (extents.empty()) extents.push_back({0, inode.size});
        auto extent = extents.begin();
        uint64_t at = 0;
        const auto take = [&](std::span<const std::byte> bytes) { tar_.data(bytes); };
        read_(inode, [&](ContentRun run) {
            while (!run.empty()) {
                if (stop_.stop_requested()) throw Error(ErrorKind::interrupted, "interrupted");
                while (extent != extents.end() && extent->offset + extent->length <= at) ++extent;
                const bool inside = extent != extents.end() && extent->offset <= at;
                const uint64_t border = extent == extents.end() ? UINT64_MAX
                                        : inside                ? extent->offset + extent->length
                                                                : extent->offset;
                const ContentRun piece = run.take(border - at);
                if (inside) pass_bytes(piece, take);
                at += piece.size();
            }
        });
    }

    // A whiteout's directory is left out, and so is all that is in it.
    bool can_hold(const std::string& path, const tree::Inode& inode) {
        if (inode.type == tree::FileType::socket) {
            left_out_.push_back(path + ": a socket");
            return false;
        }
        if (use_ == TarUse::rootfs) return true;
        const bool whiteout = path.rfind(".wh.", 0) == 0 || path.find("/.wh.") != std::string::npos;
        if (whiteout) left_out_.push_back(path + ": the name would hide a file of a lower layer");
        return !whiteout;
    }

    ReadContents read_;
    const pack::PackSet* packs_;
    TarUse use_;
    const std::stop_token& stop_;
    TarWriter tar_;
    LeftOut left_out_;
    std::unordered_map<const tree::Inode*, std::string> names_;
};

std::string media_type_of(Compression compression) {
    std::string plain(oci::media_type::oci_layer);
    if (compression == Compression::gzip) return plain + "+gzip";
    if (compression == Compression::zstd) return plain + "+zstd";
    return plain;
}

Digest finish(Hasher& hasher) {
    Sha256Sum sum;
    hasher.finish(sum);
    return Digest::of_sha256(sum);
}

}  // namespace

LeftOut write_tar(const tree::Tree& tree, const pack::PackSet& packs, TarUse use, const std::stop_token& stop,
                  const ByteConsumer& output) {
    pack::ContentReader contents(packs);
    TreeTar tar([&](const tree::Inode& inode, const TakeRun& take) { contents.read(inode.content, take); }, &packs, use,
                stop, output);
    tree.walk([&](const std::string& path, const tree::Node& node) { tar.add(path, node); });
    return tar.finish();
}

LeftOut write_tar(const tree::Tree& tree, const std::string& path, const ReadContents& read,
                  const std::stop_token& stop, const ByteConsumer& output) {
    TreeTar tar(read, nullptr, TarUse::rootfs, stop, output);
    const tree::Node* top = tree.find(path, tree::FollowLast::no);
    if (!top) throw Error(ErrorKind::not_found, fmt::format("there is no {}", quoted("/" + path)));
    const bool is_file = !top->is_directory();
    const size_t skipped = is_file ? path.rfind('/') + 1 : path.empty() ? 0 : path.size() + 1;
    tree.walk([&](const std::string& name, const tree::Node& node) {
        if (name == path) return tar.add(is_file ? name.substr(skipped) : std::string(), node);
        if (!is_file && (path.empty() || name.starts_with(path + "/"))) tar.add(name.substr(skipped), node);
    });
    return tar.finish();
}

Layer write_layer(const tree::Tree& tree, const pack::PackSet& packs, const LayerOptions& options, int fd) {
    Layer layer;
    Hasher plain(HashAlgorithm::sha256), packed(HashAlgorithm::sha256);
    Compressor compressor(options.compression, options.level.value_or(level_range(options.compression).standard),
                          options.threads, [&](std::span<const std::byte> bytes) {
                              packed.update(bytes);
                              write_all(fd, bytes);
                              layer.size += bytes.size();
                          });
    layer.left_out = write_tar(tree, packs, TarUse::layer, options.stop, [&](std::span<const std::byte> bytes) {
        plain.update(bytes);
        compressor.write(bytes);
    });
    compressor.finish();
    layer.diff_id = finish(plain);
    layer.digest = finish(packed);
    layer.media_type = media_type_of(options.compression);
    return layer;
}

}  // namespace gbuild::exporter
