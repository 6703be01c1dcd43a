#include "gbuild/build/copy_layer.h"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "copy_destination.h"
#include "copy_stream.h"
#include "copy_view.h"
#include "gbuild/base/text.h"
#include "gbuild/dockerfile/chmod.h"
#include "gbuild/dockerfile/ignore.h"
#include "source_names.h"

namespace gbuild::build {

namespace {

// Runs `body`; an error that leaves it and has no place gets `span`, if there is one.
template <class Body>
decltype(auto) placed_at(const std::optional<SourceSpan>& span, Body&& body) {
    try {
        return std::forward<Body>(body)();
    } catch (Error& error) {
        if (span && !error.span()) error.at(*span);
        throw;
    }
}

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

std::string_view base_name(std::string_view path) { return path.substr(path.rfind('/') + 1); }

// `COPY --parents`: what stands before "/./" is where to look, the rest is kept at the destination.
struct Pivoted {
    std::string base;
    std::string pattern;
};
Pivoted split_at_pivot(const std::string& source) {
    size_t pivot = source.find("/./");
    if (pivot == std::string::npos) return {"", clean_source(source)};
    return {source.substr(0, pivot), clean_source(std::string_view(source).substr(pivot + 3))};
}

// Which paths below a --parents base are copied.
class IncludePattern {
  public:
    explicit IncludePattern(const std::string& pattern) : everything_(pattern.empty()), pattern_(pattern) {
        for (const std::string& part : split(pattern, '/')) {
            if (has_wildcards(part) || part.find('\\') != std::string::npos) break;
            literal_ += part + "/";
        }
    }
    Selection choose(const std::string& path, tree::FileType type) const {
        if (everything_ || pattern_.matches_path_or_parent(path)) return Selection::take;
        bool may_lead_there = literal_.starts_with(path + "/") || (path + "/").starts_with(literal_);
        return type == tree::FileType::directory && may_lead_there ? Selection::pass_over : Selection::prune;
    }

  private:
    bool everything_;
    dockerfile::Pattern pattern_;
    std::string literal_;  // what every matching path starts with, in whole components
};

class Copier {
  public:
    explicit Copier(const CopyRequest& request) :
        request_(request),
        step_(request.step),
        view_(source_view(request)),
        owner_(requested_owner(request)),
        exclude_(dockerfile::IgnoreRules::from_patterns(step_.exclude)),
        destination_(step_.link ? nullptr : &request.target, owner_.value_or(tree::Owner()), request.epoch) {
        if (step_.chmod) chmod_ = dockerfile::Chmod::parse(*step_.chmod);
        into_directory_ = step_.destination.ends_with('/');
    }

    CopyResult run() {
        if (step_.parents)
            copy_with_parents();
        else
            copy_matches();
        for (const plan::InlineFile& file : step_.inline_files) copy_inline(file);
        return result();
    }

  private:
    using Matches = std::vector<std::vector<SourceItem>>;  // of each pattern

    template <class Body>
    decltype(auto) at_source(size_t source, Body&& body) const {
        return placed_at(step_.spans.at(source), std::forward<Body>(body));
    }
    template <class Body>
    decltype(auto) at_destination(Body&& body) const {
        return placed_at(step_.spans.at(step_.paths.size()), std::forward<Body>(body));
    }

    [[noreturn]] void fail_no_match(size_t source, const std::string& pattern) const {
        Error error = view_->nothing_matches(pattern);
        if (auto span = step_.spans.at(source)) error.at(*span);
        throw error;
    }

    // A wildcard may match nothing, but something must be copied.
    Matches match_all() const {
        Matches matches;
        bool any = step_.paths.empty();
        for (size_t i = 0; i < step_.paths.size(); i++) {
            matches.push_back(at_source(i, [&] { return view_->match_any(step_.paths[i]); }));
            any = any || !matches.back().empty();
        }
        if (!any && step_.inline_files.empty()) fail_no_match(0, step_.paths.front());
        return matches;
    }

    void copy_matches() {
        Matches matches = match_all();
        size_t count = step_.inline_files.size();
        for (const auto& items : matches) count += items.size();
        several_ = count > 1;
        for (auto& items : matches) {
            for (SourceItem& item : items) {
                source_++;
                copy_match(std::move(item));
            }
        }
    }

    void copy_match(SourceItem item) {
        if (item.inode.is_directory()) return copy_directory(item.path);
        if (item.inode.type == tree::FileType::socket) {
            throw Error(ErrorKind::unsupported,
                        fmt::format("{} is a socket, which cannot be copied", quoted(item.path)));
        }
        std::string name(base_name(item.path));
        if (exclude_.excluded(name) || exclude_.excluded(item.path)) return;
        if (is_unpacked(item)) return unpack(item.path);
        std::string path = file_destination(name);
        destination_.put_file(path, placed(std::move(item)));
    }

    // Where a file called `name` goes, its directory made.
    std::string file_destination(const std::string& name) {
        return at_destination([&] { return make_file_destination(name); });
    }

    std::string make_file_destination(const std::string& name) {
        std::string path = destination_.resolve(step_.destination);
        if (into_directory_ || destination_.is_directory(path)) {
            destination_.make_directories(path);
            return join_path(path, name);
        }
        if (several_) {
            throw Error(ErrorKind::dockerfile, fmt::format("several sources, but the destination {} is not a directory",
                                                           quoted(step_.destination)))
                .hint(fmt::format("write it with a slash at its end: {}/", printable(step_.destination)));
        }
        destination_.make_directories(path.substr(0, path.rfind('/') == std::string::npos ? 0 : path.rfind('/')));
        return path;
    }

    void copy_directory(const std::string& path) {
        copy_below(path, Existing::overwrite, [this](const std::string& below, tree::FileType type) {
            return without_excluded(below, type, Selection::take);
        });
    }

    Selection without_excluded(const std::string& below, tree::FileType type, Selection otherwise) const {
        if (exclude_.empty() || !exclude_.excluded(below)) return otherwise;
        bool searched = type == tree::FileType::directory && exclude_.may_reinclude();
        return searched && otherwise != Selection::prune ? Selection::pass_over : Selection::prune;
    }

    // The number of entries copied.
    size_t copy_below(const std::string& path, Existing existing, const Selector& select) {
        std::string top = destination_.resolve(step_.destination);
        std::vector<SourceItem> items = view_->children(path, select);
        at_destination([&] { destination_.make_directories(top); });
        for (SourceItem& item : items) {
            std::string target = join_path(top, std::string_view(item.path).substr(path.empty() ? 0 : path.size() + 1));
            bool is_directory = item.inode.is_directory();
            Placed copy = placed(std::move(item));
            if (is_directory)
                destination_.put_directory(target, std::move(copy), existing);
            else
                destination_.put_file(target, std::move(copy));
        }
        return items.size();
    }

    void copy_with_parents() {
        bool any = false;
        for (size_t i = 0; i < step_.paths.size(); i++) {
            Pivoted pivoted = split_at_pivot(step_.paths[i]);
            IncludePattern include(pivoted.pattern);
            size_t copied = 0;
            for (const SourceItem& base : at_source(i, [&] { return view_->match_any(pivoted.base); })) {
                if (!base.inode.is_directory()) continue;
                source_++;
                copied += copy_below(base.path, Existing::keep, [&](const std::string& below, tree::FileType type) {
                    return without_excluded(below, type, include.choose(below, type));
                });
            }
            bool optional = has_wildcards(pivoted.base) || has_wildcards(pivoted.pattern) || !exclude_.empty();
            if (copied == 0 && !optional) fail_no_match(i, join_path(pivoted.base, pivoted.pattern));
            any = any || copied > 0;
        }
        if (!any && exclude_.empty() && !step_.paths.empty()) fail_no_match(0, step_.paths.front());
    }

    void copy_inline(const plan::InlineFile& file) {
        std::string name(base_name(file.name));
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
        copy.contents = NewContents{file.name, &file.contents, {}};
        destination_.put_file(file_destination(name), std::move(copy));
    }

    bool is_unpacked(const SourceItem& item) const {
        if (!step_.unpack.value_or(step_.is_add) || item.inode.type != tree::FileType::regular) return false;
        return view_->directory() && holds_archive(*view_->directory(), item.path);
    }

    void unpack(const std::string& path) {
        std::string directory = destination_.resolve(step_.destination);
        at_destination([&] { destination_.make_directories(directory); });
        destination_.put_archive({path, directory, {}, 0});
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

    Placed placed(SourceItem item) const {
        Placed copy;
        copy.inode = std::move(item.inode);
        finish_attributes(copy.inode);
        copy.shared = item.shared;
        copy.source = source_;
        if (view_->directory()) {
            copy.inode.mtime = request_.epoch;
            if (copy.inode.type == tree::FileType::regular)
                copy.contents = NewContents{std::move(item.path), nullptr, {}};
        } else {
            copy.inode.mtime = std::min(copy.inode.mtime, request_.epoch);
        }
        return copy;
    }

    CopyResult result();

    const CopyRequest& request_;
    const plan::CopyStep& step_;
    std::unique_ptr<CopyView> view_;  // null when there is nothing but heredocs
    std::optional<tree::Owner> owner_;
    std::optional<dockerfile::Chmod> chmod_;
    dockerfile::IgnoreRules exclude_;
    CopyDestination destination_;
    bool into_directory_ = false;
    bool several_ = false;  // sources: the destination must be a directory
    size_t source_ = 0;     // counts the sources
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

CopyResult Copier::result() {
    CopyResult result;
    const ContextDir* context = view_ ? view_->directory() : nullptr;
    std::vector<CopyPart> parts = destination_.take_parts();
    bool one_placement = parts.size() == 1 && std::holds_alternative<Placement>(parts[0]);
    if (one_placement) {
        Placement& placement = std::get<Placement>(parts[0]);
        bool new_contents = std::any_of(placement.begin(), placement.end(),
                                        [](const auto& entry) { return needs_packing(entry.second); });
        if (!new_contents || !context) result.ready = split_off_ready(placement);
        if (placement.empty()) parts.clear();
    }
    if (parts.empty()) return result;
    UnpackOptions unpack{owner_, request_.epoch};
    result.content_key = hash_contents(parts, context, unpack);
    result.to_pack = stream_parts(std::move(parts), context, unpack);
    return result;
}

}  // namespace

CopyResult copy_layer(const CopyRequest& request) { return Copier(request).run(); }

}  // namespace gbuild::build
