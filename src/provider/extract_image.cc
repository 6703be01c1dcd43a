#include <fcntl.h>
#include <sys/stat.h>

#include <fmt/format.h>

#include "gbuild/base/binary.h"
#include "gbuild/base/text.h"
#include "gbuild/layer/extract.h"
#include "gbuild/pack/image_reader.h"
#include "gbuild/provider/machine.h"

namespace gbuild::provider {

namespace {

namespace fs = std::filesystem;

constexpr const char* facts_name = "facts";
constexpr size_t facts_cap = 256u << 20;

// A file that changes has another time, and one that takes its place another number.
std::string identity_of(const std::string& image) {
    struct stat status {};
    if (::stat(image.c_str(), &status) != 0) throw_errno(fmt::format("cannot look at {}", quoted(image)));
    return fmt::format("{}:{} {} {}.{} {}.{}", status.st_dev, status.st_ino, status.st_size, status.st_mtim.tv_sec,
                       status.st_mtim.tv_nsec, status.st_ctim.tv_sec, status.st_ctim.tv_nsec);
}

bool is_device(const tree::Inode& inode) {
    return inode.type == tree::FileType::char_device || inode.type == tree::FileType::block_device;
}

// Of regular files and directories, owners are recorded with the files themselves.
std::vector<std::byte> facts_of(const tree::Tree& tree, bool records_owners) {
    bool has_devices = false;
    std::vector<PathRecord> owners;
    tree.walk([&](const std::string& path, const tree::Node& node) {
        const tree::Inode& inode = *node.inode;
        has_devices = has_devices || is_device(inode);
        const bool carries_it = inode.type == tree::FileType::directory || inode.type == tree::FileType::regular;
        if (!records_owners || carries_it || is_device(inode) || (inode.uid == 0 && inode.gid == 0)) return;
        owners.push_back({path, {inode.uid, inode.gid}});
    });
    BinaryWriter facts;
    facts.number(static_cast<uint8_t>(has_devices));
    facts.varint(owners.size());
    for (const PathRecord& record : owners) {
        facts.text(record.path);
        facts.number(record.owner.uid);
        facts.number(record.owner.gid);
    }
    return std::move(facts.bytes());
}

void read_facts(const fs::path& file, ExtractedImage& image) {
    const std::string bytes = read_text_file(file, facts_cap);
    BinaryReader facts(as_bytes(bytes), "what is known of an extracted image");
    image.has_devices = facts.number<uint8_t>() != 0;
    for (uint64_t left = facts.varint(facts.left()); left > 0; left--) {
        PathRecord record{std::string(facts.text()), {}};
        record.owner.uid = facts.number<uint32_t>();
        record.owner.gid = facts.number<uint32_t>();
        image.owners.push_back(std::move(record));
    }
}

void fill(const fs::path& place, const std::string& image, const sandbox::Sandbox& sandbox) {
    const pack::ImageReader reader(image);
    const tree::Tree tree = reader.read_tree();
    const fs::path root = place / "root";
    if (::mkdir(root.c_str(), 0755) != 0) throw_errno(fmt::format("cannot create {}", root.native()));
    layer::ExtractOptions options;
    options.ownership = sandbox.records_owners() ? layer::Ownership::record : layer::Ownership::apply;
    options.device_placeholders = true;
    options.read = [&](const tree::Inode& inode, const TakeRun& take) { reader.read_file(inode, take); };
    with_context([&] { return fmt::format("extracting {}", quoted(image)); },
                 [&] { layer::extract(tree, "", RootedDir(root), options); });
    if (::chmod(root.c_str(), tree.root().inode->mode & 07777) != 0) throw_errno("cannot chmod an extracted image");
    const UniqueFd facts = open_file(place / facts_name, O_WRONLY | O_CREAT | O_EXCL);
    write_all(facts.get(), facts_of(tree, sandbox.records_owners()));
}

}  // namespace

ExtractedImage extract_image(const std::string& image, const store::Store& store, const sandbox::Sandbox& sandbox,
                             const std::function<void()>& extracting, const std::stop_token& stop) {
    const std::string key = fmt::format("an image to run\n{}\n{}", identity_of(image), sandbox.owner_form());
    const auto make = [&](const fs::path& place) {
        extracting();
        fill(place, image, sandbox);
    };
    ExtractedImage extracted{store.snapshot(key, make, {}, stop), "", {}, false};
    extracted.root = extracted.snapshot.files / "root";
    read_facts(extracted.snapshot.files / facts_name, extracted);
    return extracted;
}

}  // namespace gbuild::provider
