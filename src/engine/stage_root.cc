#include "stage_root.h"

#include <sys/stat.h>

#include <fmt/format.h>

#include "gbuild/base/atomic_file.h"
#include "gbuild/base/error.h"
#include "gbuild/base/remove_tree.h"

namespace gbuild::build {

// A stage adds one. The kernel takes 500, and every look-up of a name that is not there goes through all.
constexpr size_t most_layers = 40;

std::string RootContext::make_directory() {
    const std::filesystem::path path = place / std::to_string(directories++);
    if (::mkdir(path.c_str(), 0755) != 0 || ::chmod(path.c_str(), 0755) != 0) {
        throw_errno(fmt::format("cannot create {}", path.native()));
    }
    return path.native();
}

ExtractionForm extraction_form(const sandbox::Sandbox& sandbox) {
    return {sandbox.records_owners() ? layer::Ownership::record : layer::Ownership::apply, sandbox.owner_form()};
}

layer::ExtractOptions extraction_options(const sandbox::Sandbox& sandbox, pack::ContentReader& contents) {
    return extraction_options(extraction_form(sandbox).ownership, contents);
}

StageRoot::StageRoot(RootContext& context, const ExtractedTree& base) : context_(context) {
    start(base.layers, base.tree);
}

StageRoot::StageRoot(RootContext& context, const StageRoot& below) : context_(context) {
    std::vector<std::string> layers = below.layers_;
    layers.insert(layers.begin(), below.directory_);
    start(std::move(layers), below.shown_);
}

void StageRoot::start(std::vector<std::string> layers, const tree::Tree& tree) {
    directory_ = context_.make_directory();
    shown_ = tree.clone();
    if (context_.sandbox.has_overlay() && layers.size() <= most_layers) {
        layers_ = std::move(layers);
    } else {
        const RootedDir all(directory_);
        layer::write_difference(tree::Tree(), tree, all, layer::DirectoryForm::whole, extraction());
    }
}

layer::ExtractOptions StageRoot::extraction() const { return extraction_options(context_.sandbox, context_.contents); }

layer::DirectoryForm StageRoot::form() const {
    return context_.sandbox.has_overlay() ? layer::DirectoryForm::overlay : layer::DirectoryForm::whole;
}

void StageRoot::show(const tree::Tree& tree) {
    layer::write_difference(shown_, tree, RootedDir(directory_), form(), extraction());
    shown_ = tree.clone();
}

// As the file system has it, whose clock is coarser than ours.
void StageRoot::note_time() {
    const UniqueFd file = anonymous_file(context_.place);
    struct stat status {};
    if (::fstat(file.get(), &status) != 0) throw_errno("cannot stat a temporary file");
    begun_ = status.st_ctim;
}

bool StageRoot::has_devices() const {
    bool found = false;
    shown_.walk([&](const std::string& path, const tree::Node& node) {
        const bool device =
            node.inode->type == tree::FileType::char_device || node.inode->type == tree::FileType::block_device;
        found = found || (device && path.rfind("dev/", 0) != 0);
    });
    return found;
}

sandbox::StepRoot StageRoot::begin_step() {
    note_time();
    if (!context_.sandbox.has_overlay()) return {{}, "", "", directory_};
    upper_ = context_.make_directory();
    work_ = context_.make_directory();
    if (mount_point_.empty()) mount_point_ = context_.make_directory();
    // The mount shows the root directory's attributes as those of its highest layer.
    layer::copy_root_attributes(shown_, RootedDir(upper_), extraction());
    sandbox::StepRoot root{{directory_}, upper_, work_, mount_point_};
    root.layers.insert(root.layers.end(), layers_.begin(), layers_.end());
    return root;
}

layer::Snapshot StageRoot::changes(const sandbox::FinalOwners& owners, int64_t epoch) const {
    const RootedDir directory(form() == layer::DirectoryForm::overlay ? upper_ : directory_);
    const layer::ExtractOptions options = extraction();
    return layer::take_snapshot(
        {directory, form(), options.ownership, owners.nodes, owners.paths, shown_, epoch, options.read, begun_});
}

void StageRoot::keep_step(const tree::Tree& tree) {
    shown_ = tree.clone();
    if (form() == layer::DirectoryForm::whole) return;
    layer::merge_down(RootedDir(upper_), RootedDir(directory_));
    remove_tree(upper_);
    remove_tree(work_);
}

std::vector<std::string> StageRoot::layers() const {
    std::vector<std::string> all = {directory_};
    all.insert(all.end(), layers_.begin(), layers_.end());
    return all;
}

std::vector<PathRecord> StageRoot::path_records() const {
    std::vector<PathRecord> records;
    if (!context_.sandbox.records_owners()) return records;
    shown_.walk([&](const std::string& path, const tree::Node& node) {
        const tree::Inode& inode = *node.inode;
        const bool carries_it = inode.type == tree::FileType::directory || inode.type == tree::FileType::regular ||
                                inode.type == tree::FileType::char_device || inode.type == tree::FileType::block_device;
        if (carries_it || (inode.uid == 0 && inode.gid == 0)) return;
        records.push_back({path, {inode.uid, inode.gid}});
    });
    return records;
}

}  // namespace gbuild::build
