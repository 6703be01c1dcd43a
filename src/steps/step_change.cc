#include "gbuild/steps/step_change.h"

#include <algorithm>

#include "gbuild/base/binary.h"
#include "gbuild/base/error.h"
#include "gbuild/base/fd.h"
#include "gbuild/base/text.h"

namespace gbuild::build {

namespace {

constexpr std::string_view change_format = "gbuild changes 1\n";
constexpr size_t longest_text = 1 << 20;

[[noreturn]] void refuse_change() {
    throw Error(ErrorKind::integrity, "what the store says of a step's changes is damaged");
}

void write_inode(BinaryWriter& out, const tree::Inode& inode) {
    out.number(static_cast<uint8_t>(inode.type));
    out.number(inode.mode);
    out.number(inode.uid);
    out.number(inode.gid);
    out.number(inode.mtime);
    out.number(inode.device_major);
    out.number(inode.device_minor);
    out.varint(inode.size);
    out.number(inode.content.pack);
    out.number(inode.content.number);
    out.text(inode.target);
    out.varint(inode.xattrs.size());
    for (const tree::Xattr& xattr : inode.xattrs) {
        out.text(xattr.name);
        out.text(xattr.value);
    }
}

void write_change(BinaryWriter& out, const StepChange& change) {
    out.varint(change.layers.size());
    for (const Digest& layer : change.layers) out.text(layer.text());
    out.varint(change.ready.size());
    for (const tree::LayerEntry& entry : change.ready) {
        out.number(static_cast<uint8_t>(entry.kind));
        out.text(entry.path);
        if (entry.kind == tree::EntryKind::hard_link) out.text(entry.target);
        if (entry.kind == tree::EntryKind::inode) write_inode(out, entry.inode);
    }
    out.number<uint8_t>(change.packed.has_value());
    if (change.packed) out.text(change.packed->text());
}

class ChangeReader {
  public:
    explicit ChangeReader(std::span<const std::byte> bytes) : in_(bytes, "what the store says of a step's changes") {}

    std::vector<StepChange> changes() {
        if (as_text(in_.take(std::min(in_.left(), change_format.size()))) != change_format) refuse_change();
        std::vector<StepChange> changes;
        for (uint64_t left = count(); left > 0; left--) changes.push_back(change());
        if (in_.left() > 0) refuse_change();
        return changes;
    }

  private:
    StepChange change() {
        StepChange change;
        for (uint64_t left = count(); left > 0; left--) change.layers.push_back(digest());
        layers_ = change.layers.size();
        for (uint64_t left = count(); left > 0; left--) change.ready.push_back(entry());
        if (flag()) change.packed = digest();
        return change;
    }

    // Each of what is counted takes a byte at least.
    uint64_t count() { return in_.varint(in_.left()); }

    std::string text() {
        std::string_view text = in_.text();
        if (text.size() > longest_text) refuse_change();
        return std::string(text);
    }

    bool flag() {
        const auto value = in_.number<uint8_t>();
        if (value > 1) refuse_change();
        return value == 1;
    }

    Digest digest() {
        auto digest = Digest::parse(text());
        if (!digest) refuse_change();
        return *digest;
    }

    std::string path() {
        std::string path = text();
        if (tree::normalize_path(path) != path) refuse_change();
        return path;
    }

    tree::LayerEntry entry() {
        const auto kind = in_.number<uint8_t>();
        if (kind > static_cast<uint8_t>(tree::EntryKind::opaque)) refuse_change();
        tree::LayerEntry entry{static_cast<tree::EntryKind>(kind), path(), {}, {}};
        if (entry.kind == tree::EntryKind::hard_link) entry.target = path();
        if (entry.kind == tree::EntryKind::inode) read_inode(entry.inode);
        return entry;
    }

    void read_inode(tree::Inode& inode) {
        const auto type = in_.number<uint8_t>();
        if (type > static_cast<uint8_t>(tree::FileType::socket)) refuse_change();
        inode.type = static_cast<tree::FileType>(type);
        inode.mode = in_.number<uint16_t>();
        inode.uid = in_.number<uint32_t>();
        inode.gid = in_.number<uint32_t>();
        inode.mtime = in_.number<int64_t>();
        inode.device_major = in_.number<uint32_t>();
        inode.device_minor = in_.number<uint32_t>();
        inode.size = in_.varint();
        inode.content.pack = in_.number<uint32_t>();
        inode.content.number = in_.number<uint32_t>();
        inode.target = text();
        for (uint64_t left = count(); left > 0; left--) {
            std::string name = text();
            inode.xattrs.push_back({std::move(name), text()});
        }
        const bool has_contents = !inode.content.empty();
        if ((has_contents && inode.content.pack >= layers_) || (inode.mode & ~07777) != 0) refuse_change();
        if (has_contents != (inode.type == tree::FileType::regular && inode.size > 0)) refuse_change();
    }

    BinaryReader in_;
    size_t layers_ = 0;
};

}  // namespace

std::string encode(const std::vector<StepChange>& changes) {
    BinaryWriter out;
    out.raw(as_bytes(change_format));
    out.varint(changes.size());
    for (const StepChange& change : changes) write_change(out, change);
    return std::string(as_text(out.bytes()));
}

std::vector<StepChange> decode_changes(std::string_view bytes) { return ChangeReader(as_bytes(bytes)).changes(); }

Digest image_result(const std::vector<Digest>& diff_ids) {
    std::string text = "gbuild image 1\n";
    for (const Digest& layer : diff_ids) text += layer.text() + "\n";
    return Digest::of(text);
}

Digest result_after(const Digest& before, std::string_view encoded_changes) {
    return Digest::of(before.text() + "\n" + std::string(encoded_changes));
}

}  // namespace gbuild::build
