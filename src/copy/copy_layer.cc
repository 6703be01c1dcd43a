#include "gbuild/copy/copy_layer.h"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "archive_paths.h"
#include "copy_destination.h"
#include "copy_stream.h"
#include "gbuild/base/text.h"
#include "gbuild/copy/copy_selection.h"
#include "gbuild/copy/copy_view.h"
#include "gbuild/copy/source_names.h"
#include "gbuild/dockerfile/chmod.h"
#include "placed_at.h"

namespace gbuild::build {

namespace {

std::optional<tree::Owner> requested_owner(const CopyRequest& request) {
    if (!request.step.chown) return std::nullopt;
    const std::string& text = *request.step.chown;
    bool named = text.find_first_not_of("0123456789:") != std::string::npos;
    tree::Accounts accounts = named && request.accounts ? request.accounts() : tree::Accounts();
    return placed_at(request.step.chown_span,
                     [&] { return tree::resolve_owner(text, accounts, tree::LoneUser::same_number); });
}

std::unique_ptr<CopyView> source_view(const CopyRequest& request) {
    if (const auto* context = std::get_if<const ContextDir*>(&request.source)) {
        return *context ? view_of(**context) : nullptr;
    }
    const auto& source = std::get<TreeSource>(request.source);
    return source.tree ? view_of(source) : nullptr;
}

constexpr uint16_t default_made_mode = 0755;

class Copier {
  public:
    explicit Copier(const CopyRequest& request) :
        request_(request),
        step_(request.step),
        view_(source_view(request)),
        owner_(requested_owner(request)),
        destination_(step_.link ? nullptr : &request.target, owner_.value_or(tree::Owner()), request.epoch) {
        if (step_.chmod) chmod_ = dockerfile::Chmod::parse(*step_.chmod);
        if (chmod_) made_mode_ = static_cast<uint16_t>(chmod_->octal().value_or(made_mode_));
        into_directory_ = step_.destination.ends_with('/');
    }

    CopyResult run() {
        CopySelection selection = select_sources(step_, view_.get(), request_.remote);
        for (Warning& warning : selection.warnings) remarks_.emplace_back(std::move(warning));
        check_destination(selection.sources);
        for (SelectedSource& selected : selection.sources) {
            source_++;
            copy_source(std::move(selected));
        }
        for (const plan::InlineFile& file : step_.inline_files) copy_inline(file);
        return result();
    }

  private:
    template <class Body>
    decltype(auto) at_destination(Body&& body) const {
        return placed_at(step_.spans.at(step_.paths.size()), std::forward<Body>(body));
    }

    // Several things need a directory to go to: one that is there, or a name with a slash. Directories of one pattern
    // are merged into a new one.
    void check_destination(const std::vector<SelectedSource>& sources) const {
        const size_t count = sources.size() + step_.inline_files.size();
        if (count < 2 || into_directory_ || step_.parents ||
            destination_.is_directory(destination_.resolve(step_.destination)))
            return;
        const bool merged = step_.inline_files.empty() &&
                            std::all_of(sources.begin(), sources.end(), [&](const SelectedSource& source) {
                                return source.pattern == sources[0].pattern && source.item.inode.is_directory();
                            });
        if (merged) return;
        at_destination([&] {
            throw Error(ErrorKind::dockerfile, fmt::format("several sources, but the destination {} is not a directory",
                                                           quoted(step_.destination)))
                .hint(fmt::format("write it with a slash at its end: {}/", printable(step_.destination)));
        });
    }

    void copy_source(SelectedSource selected) {
        if (selected.item.inode.is_directory()) return copy_below(std::move(selected));
        if (selected.remote) hold_.push_back(selected.remote->directory);
        SourceItem& item = selected.item;
        if (is_unpacked(selected)) return unpack(*selected.directory, item.path);
        const bool is_elsewhere = selected.remote.has_value();
        const std::string name = is_elsewhere ? selected.remote->name : std::string(base_name_of(item.path));
        const std::string path = file_destination(name);
        Placed copy = placed(std::move(item), selected.directory);
        if (is_elsewhere && !chmod_) copy.inode.mode = 0600;
        set_time(copy, selected);
        destination_.put_file(path, std::move(copy));
    }

    // What is elsewhere may be older than the epoch.
    void set_time(Placed& copy, const SelectedSource& selected) const {
        if (!selected.remote || !selected.remote->modified) return;
        copy.inode.mtime = std::min(*selected.remote->modified, request_.epoch);
    }

    // Where a file called `name` goes, its directory made.
    std::string file_destination(const std::string& name) {
        return at_destination([&] { return make_file_destination(name); });
    }

    std::string make_file_destination(const std::string& name) {
        std::string path = destination_.resolve(step_.destination);
        if (into_directory_ || destination_.is_directory(path)) {
            destination_.make_directories(path, made_mode_);
            return join_path(path, name);
        }
        const size_t slash = path.rfind('/');
        destination_.make_directories(path.substr(0, slash == std::string::npos ? 0 : slash), made_mode_);
        return path;
    }

    void copy_below(SelectedSource selected) {
        if (selected.remote) hold_.push_back(selected.remote->directory);
        const Existing existing = step_.parents ? Existing::keep : Existing::overwrite;
        const std::string& path = selected.item.path;
        std::string top = destination_.resolve(step_.destination);
        at_destination([&] { destination_.make_directories(top, made_mode_); });
        for (SourceItem& item : selected.below) {
            std::string target = join_path(top, std::string_view(item.path).substr(path.empty() ? 0 : path.size() + 1));
            const bool is_directory = item.inode.is_directory();
            const std::string source = item.path;
            Placed copy = placed(std::move(item), selected.directory);
            set_time(copy, selected);
            if (is_directory)
                destination_.put_directory(target, std::move(copy), existing, source);
            else
                destination_.put_file(target, std::move(copy));
        }
    }

    void copy_inline(const plan::InlineFile& file) {
        std::string name(base_name_of(file.name));
        if (name.empty() || name == "." || name == "..") {
            throw Error(ErrorKind::dockerfile,
                        fmt::format("the heredoc's name {} cannot be a file's", quoted(file.name)));
        }
        Placed copy;
        copy.inode.type = tree::FileType::regular;
        copy.inode.mode = 0644;
        copy.inode.size = file.contents.size();
        finish_attributes(copy.inode);
        copy.inode.mtime = request_.epoch;
        copy.contents = NewContents{file.name, nullptr, &file.contents, {}};
        destination_.put_file(file_destination(name), std::move(copy));
    }

    bool is_unpacked(const SelectedSource& selected) const {
        const bool by_default = step_.is_add && !selected.remote;
        if (!step_.unpack.value_or(by_default) || selected.item.inode.type != tree::FileType::regular) return false;
        return selected.directory && holds_archive(*selected.directory, selected.item.path);
    }

    void unpack(const ContextDir& context, const std::string& path) {
        unpack_directory_ = destination_.resolve(step_.destination);
        at_destination([&] { destination_.make_directories(unpack_directory_, default_made_mode); });
        destination_.put_archive({path, &context, {}, 0});
    }

    void finish_attributes(tree::Inode& inode) const {
        if (owner_) {
            inode.uid = owner_->uid;
            inode.gid = owner_->gid;
        }
        if (chmod_ && inode.type != tree::FileType::symlink) {
            inode.mode = static_cast<uint16_t>(chmod_->apply(inode.mode, inode.is_directory()) & 07777);
        }
    }

    // `context` is where its contents are; nullptr: they are packed already.
    Placed placed(SourceItem item, const ContextDir* context) {
        Placed copy;
        if (item.is_socket) sockets_.push_back(item.path);
        copy.inode = std::move(item.inode);
        finish_attributes(copy.inode);
        copy.shared = item.shared;
        copy.source = source_;
        if (context) {
            copy.inode.mtime = request_.epoch;
            if (copy.inode.type == tree::FileType::regular)
                copy.contents = NewContents{std::move(item.path), context, nullptr, {}};
        } else {
            copy.inode.mtime = std::min(copy.inode.mtime, request_.epoch);
        }
        return copy;
    }

    UnpackOptions unpack_options() const {
        UnpackOptions unpack{owner_, request_.epoch, unpack_directory_, {}, step_.link && !unpack_directory_.empty()};
        if (!step_.link && !unpack_directory_.empty()) unpack.links = links_below(request_.target, unpack_directory_);
        return unpack;
    }

    void remark_on(const std::vector<CopyPart>& parts);
    CopyResult result();

    const CopyRequest& request_;
    const plan::CopyStep& step_;
    std::unique_ptr<CopyView> view_;  // null when there is nothing but heredocs
    std::optional<tree::Owner> owner_;
    std::optional<dockerfile::Chmod> chmod_;
    uint16_t made_mode_ = default_made_mode;  // of directories that nothing is copied to
    CopyDestination destination_;
    std::vector<std::shared_ptr<const ContextDir>> hold_;  // of remote sources
    std::string unpack_directory_;                         // "" when nothing is unpacked, or into the root
    bool into_directory_ = false;
    size_t source_ = 0;                 // counts the sources
    std::vector<std::string> sockets_;  // that became empty files
    std::vector<Event> remarks_;
};

bool needs_packing(const Placed& placed) { return placed.contents && placed.inode.size > 0; }

// Moves what needs no packing out of `placement`. Files of one inode become hard links to the first of them.
tree::LayerTree split_off_ready(Placement& placement) {
    tree::LayerTree ready;
    std::map<std::pair<const tree::Inode*, size_t>, std::string> first_names;
    for (auto at = placement.begin(); at != placement.end();) {
        auto& [path, placed] = *at;
        if (needs_packing(placed)) {
            ++at;
            continue;
        }
        tree::LayerEntry entry{tree::EntryKind::inode, path, {}, std::move(placed.inode)};
        if (placed.shared && !entry.inode.is_directory()) {
            auto [first, is_first] = first_names.emplace(std::pair(placed.shared, placed.source), path);
            if (!is_first) entry = {tree::EntryKind::hard_link, path, first->second, {}};
        }
        ready.push_back(std::move(entry));
        at = placement.erase(at);
    }
    return ready;
}

// Contexts have no extended attributes: git keeps none, and the same files must give the same image. Of a capability
// the loss is noticed only when the program runs.
std::vector<std::string> lost_capabilities(const std::vector<CopyPart>& parts) {
    std::vector<std::string> names;
    for (const CopyPart& part : parts) {
        const auto* placement = std::get_if<Placement>(&part);
        if (!placement) continue;
        for (const auto& [path, placed] : *placement) {
            const auto& from = placed.contents;
            if (from && from->context && from->context->sum_of(from->path).has_capability) names.push_back(from->path);
        }
    }
    return names;
}

void Copier::remark_on(const std::vector<CopyPart>& parts) {
    if (!sockets_.empty()) {
        remarks_.emplace_back(
            Notice{fmt::format("copied as empty files, since they are sockets: {}", some_of(sockets_))});
    }
    const std::vector<std::string> lost = lost_capabilities(parts);
    if (lost.empty()) return;
    Warning warning = capability_warning(lost);
    warning.span = step_.spans.at(0);
    remarks_.emplace_back(std::move(warning));
}

CopyResult Copier::result() {
    CopyResult result;
    const bool has_packed_source = view_ && !view_->directory();
    std::vector<CopyPart> parts = destination_.take_parts();
    bool one_placement = parts.size() == 1 && std::holds_alternative<Placement>(parts[0]);
    if (one_placement) {
        Placement& placement = std::get<Placement>(parts[0]);
        bool new_contents = std::any_of(placement.begin(), placement.end(),
                                        [](const auto& entry) { return needs_packing(entry.second); });
        if (!new_contents || has_packed_source) result.ready = split_off_ready(placement);
        if (placement.empty()) parts.clear();
    }
    remark_on(parts);
    result.remarks = std::move(remarks_);
    if (parts.empty()) return result;
    const UnpackOptions unpack = unpack_options();
    result.content_key = hash_contents(parts, unpack);
    result.to_pack = stream_parts(std::move(parts), unpack, std::move(hold_));
    return result;
}

}  // namespace

CopyResult copy_layer(const CopyRequest& request) { return Copier(request).run(); }

}  // namespace gbuild::build
