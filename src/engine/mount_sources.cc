#include "mount_sources.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

#include <fmt/format.h>

#include "gbuild/base/sparse_file.h"
#include "gbuild/base/text.h"
#include "gbuild/copy/mounted_entries.h"
#include "gbuild/layer/extract.h"

namespace gbuild::build {

namespace {

using tree::FileType;

// What a context's files are taken for, and where they are.
struct ContextCopy {
    tree::Tree tree;
    std::string path;  // of what is mounted, in `tree`
    std::map<const tree::Inode*, std::string> files;
};

constexpr const char* lone_file = "file";

ContextCopy copy_of(const ContextDir& context, const std::string& absolute, int64_t epoch) {
    ContextCopy copy;
    tree::LayerTree layer;
    std::map<std::string, std::string> places;
    size_t skipped = 0;
    for (ContextEntry& entry : mounted_entries(context, absolute)) {
        std::string name;
        if (layer.empty()) {
            if (!entry.inode.is_directory()) name = copy.path = lone_file;
            skipped = entry.path.empty() ? 0 : entry.path.size() + 1;
        } else {
            name = entry.path.substr(skipped);
        }
        entry.inode.mtime = epoch;
        places.emplace(name, entry.path);
        layer.push_back({tree::EntryKind::inode, std::move(name), "", std::move(entry.inode)});
    }
    copy.tree.apply(std::move(layer));
    copy.tree.walk([&](const std::string& name, const tree::Node& node) {
        if (node.inode->type == FileType::regular) copy.files.emplace(node.inode.get(), places.at(name));
    });
    return copy;
}

void read_file(const ContextDir& context, const std::string& path, const TakeRun& take) {
    const UniqueFd fd = context.open(path);
    SparseFile file(fd.get());
    std::vector<std::byte> buffer(size_t{1} << 17);
    for (;;) {
        const uint64_t hole = file.zeros();
        file.skip(hole);
        if (hole > 0) take(ContentRun::hole(hole));
        const size_t got =
            with_context([&] { return fmt::format("reading {}", quoted(path)); }, [&] { return file.read(buffer); });
        if (got > 0) take(std::span<const std::byte>(buffer).first(got));
        if (got == 0 && hole == 0) return;
    }
}

const tree::Node& node_at(const TreeSource& source, const std::string& path) {
    const tree::Node* node = source.tree->find(path, tree::FollowLast::yes);
    if (node) return *node;
    throw Error(ErrorKind::dockerfile, fmt::format("there is no {} in {}", quoted(path), source.name))
        .hint("source= is a path in what from= names");
}

bool is_device(const tree::Node& node) {
    return node.inode->type == FileType::char_device || node.inode->type == FileType::block_device;
}

bool has_devices_in(const tree::Node& node) {
    if (is_device(node)) return true;
    for (const auto& [name, child] : node.children) {
        if (has_devices_in(*child)) return true;
    }
    return false;
}

void add_owners(const tree::Node& node, const std::string& path, std::vector<PathRecord>& records) {
    const tree::Inode& inode = *node.inode;
    const bool carries_it = node.is_directory() || inode.type == FileType::regular || is_device(node);
    if (!carries_it && (inode.uid != 0 || inode.gid != 0)) records.push_back({path, {inode.uid, inode.gid}});
    for (const auto& [name, child] : node.children) {
        add_owners(*child, path.empty() ? name : path + "/" + name, records);
    }
}

// Everything about a tree that a command can see.
class TreeDigest {
  public:
    using Contents = std::function<void(const tree::Inode&, Hasher&)>;
    explicit TreeDigest(Contents contents) : contents_(std::move(contents)) {}

    Digest of(const tree::Node& node) {
        add(node, "");
        Sha256Sum sum;
        hasher_.finish(sum);
        return Digest::of_sha256(sum);
    }

  private:
    void add(const tree::Node& node, const std::string& path) {
        const tree::Inode& inode = *node.inode;
        const auto [first, is_new] = numbers_.emplace(&inode, numbers_.size());
        text(path);
        text(fmt::format("{} {} {:o} {} {} {} {} {} {}", first->second, static_cast<int>(inode.type), inode.mode,
                         inode.uid, inode.gid, inode.mtime, inode.device_major, inode.device_minor, inode.size));
        text(inode.target);
        for (const tree::Xattr& attribute : inode.xattrs) {
            text(attribute.name);
            text(attribute.value);
        }
        if (is_new && inode.type == FileType::regular && inode.size > 0) contents_(inode, hasher_);
        for (const auto& [name, child] : node.children) add(*child, path + "/" + name);
    }
    void text(const std::string& value) {
        hasher_.update(fmt::format("{}:", value.size()));
        hasher_.update(value);
    }

    Contents contents_;
    Hasher hasher_{HashAlgorithm::sha256};
    std::map<const tree::Inode*, size_t> numbers_;
};

std::string source_key(const plan::CopySource& from) {
    if (const auto* stage = std::get_if<plan::StageBase>(&from)) return fmt::format("stage {}", stage->stage);
    if (const auto* image = std::get_if<plan::ImageBase>(&from)) {
        return fmt::format("image {} {}", image->reference, image->platform.text());
    }
    if (const auto* named = std::get_if<plan::NamedContextBase>(&from)) return "context " + named->name;
    return "context";
}

}  // namespace

Digest digest_of_tree(const TreeSource& source, const std::string& path, const pack::PackSet& packs) {
    TreeDigest digest([&](const tree::Inode& inode, Hasher& hasher) {
        const pack::PackedFile file = packs.at(inode.content.pack).file(inode.content.number);
        hasher.update(to_hex(file.digest));
    });
    return digest.of(node_at(source, path));
}

layer::ExtractOptions MountSources::extraction() const {
    return extraction_options(inputs_.disk.sandbox, inputs_.disk.contents);
}

const MountSource& MountSources::source(const plan::CopySource& from, const std::string& path) {
    const std::string key = source_key(from) + " " + path;
    auto found = sources_.find(key);
    if (found != sources_.end()) return found->second;
    const auto opened = inputs_.open(from);
    MountSource made;
    if (const auto* context = std::get_if<const ContextDir*>(&opened)) {
        made = from_directory(**context, path);
    } else {
        const auto& source = std::get<TreeSource>(opened);
        auto& root = roots_[source_key(from)];
        if (!root) root = new_root(from, source);
        made = from_root(*root, source, path);
    }
    return sources_.emplace(key, std::move(made)).first->second;
}

MountSource MountSources::private_source(const plan::CopySource& from, const std::string& path) {
    const auto opened = inputs_.open(from);
    if (const auto* context = std::get_if<const ContextDir*>(&opened)) return from_directory(**context, path);
    const auto& source = std::get<TreeSource>(opened);
    const tree::Node& node = node_at(source, path);
    MountSource result{{inputs_.disk.make_directory()}, "", owners_in(node), has_devices_in(node), *node.inode};
    if (node.is_directory()) {
        write(from, path, result.layers.front());
        return result;
    }
    const std::string place = source.tree->resolve(path, tree::FollowLast::yes);
    layer::extract(*source.tree, place, RootedDir(result.layers.front()), extraction());
    result.path = place.substr(place.rfind('/') + 1);
    result.root = tree::Inode();
    return result;
}

std::unique_ptr<StageRoot> MountSources::new_root(const plan::CopySource& from, const TreeSource& source) {
    auto root = std::make_unique<StageRoot>(inputs_.disk, inputs_.extracted(from));
    root->show(*source.tree);
    return root;
}

MountSource MountSources::from_directory(const ContextDir& context, const std::string& path) {
    const ContextCopy copy = copy_of(context, path, inputs_.epoch);
    layer::ExtractOptions options = extraction();
    options.read = [&](const tree::Inode& inode, const auto& take) { read_file(context, copy.files.at(&inode), take); };
    const std::string directory = inputs_.disk.make_directory();
    layer::write_difference(tree::Tree(), copy.tree, RootedDir(directory), layer::DirectoryForm::whole, options);
    return {{directory}, copy.path, {}, has_devices_in(copy.tree.root()), *copy.tree.root().inode};
}

MountSource MountSources::from_root(const StageRoot& root, const TreeSource& source, const std::string& path) const {
    const tree::Node& node = node_at(source, path);
    return {root.layers(), source.tree->resolve(path, tree::FollowLast::yes), owners_in(node), has_devices_in(node),
            *source.tree->root().inode};
}

std::vector<PathRecord> MountSources::owners_in(const tree::Node& node) const {
    std::vector<PathRecord> records;
    if (inputs_.disk.sandbox.records_owners()) add_owners(node, "", records);
    return records;
}

void MountSources::write(const plan::CopySource& from, const std::string& path,
                         const std::filesystem::path& directory) {
    const RootedDir target(directory);
    const auto opened = inputs_.open(from);
    if (const auto* context = std::get_if<const ContextDir*>(&opened)) {
        const ContextCopy copy = copy_of(**context, path, inputs_.epoch);
        layer::ExtractOptions options = extraction();
        options.read = [&](const tree::Inode& inode, const auto& take) {
            read_file(**context, copy.files.at(&inode), take);
        };
        layer::write_difference(tree::Tree(), copy.tree, target, layer::DirectoryForm::whole, options);
        return;
    }
    const auto& source = std::get<TreeSource>(opened);
    const tree::Node& node = node_at(source, path);
    if (!node.is_directory()) {
        throw Error(ErrorKind::dockerfile, fmt::format("{} in {} is not a directory", quoted(path), source.name))
            .hint("what a cache holds at first is a directory");
    }
    layer::extract(*source.tree, source.tree->resolve(path, tree::FollowLast::yes), target, extraction());
    tree::Tree top;
    top.apply({{tree::EntryKind::inode, "", "", *node.inode}});
    layer::copy_root_attributes(top, target, extraction());
}

Digest MountSources::digest(const plan::CopySource& from, const std::string& path) {
    const auto opened = inputs_.open(from);
    if (const auto* context = std::get_if<const ContextDir*>(&opened)) {
        const ContextCopy copy = copy_of(**context, path, inputs_.epoch);
        TreeDigest digest([&](const tree::Inode& inode, Hasher& hasher) {
            hasher.update(to_hex((*context)->sum_of(copy.files.at(&inode)).sum));
        });
        const tree::Node* node = copy.tree.find(copy.path, tree::FollowLast::no);
        return digest.of(*node);
    }
    return digest_of_tree(std::get<TreeSource>(opened), path, inputs_.packs);
}

}  // namespace gbuild::build
