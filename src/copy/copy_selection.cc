#include "gbuild/copy/copy_selection.h"

#include <fmt/format.h>

#include "gbuild/base/text.h"
#include "gbuild/copy/source_names.h"
#include "gbuild/dockerfile/ignore.h"
#include "placed_at.h"

namespace gbuild::build {

namespace {

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

class Selecting {
  public:
    Selecting(const plan::CopyStep& step, const CopyView* view, const FetchRemote& remote) :
        step_(step), view_(view), remote_(remote), exclude_(dockerfile::IgnoreRules::from_patterns(step.exclude)) {}

    CopySelection run() {
        if (step_.parents)
            select_with_parents();
        else
            select_matches();
        return std::move(selection_);
    }

  private:
    std::vector<SourceItem> match(size_t source, const std::string& pattern) const {
        return placed_at(step_.spans.at(source), [&] { return view_->match_any(pattern); });
    }

    [[noreturn]] void fail_no_match(size_t source, const std::string& pattern) const {
        Error error = view_->nothing_matches(pattern);
        if (auto span = step_.spans.at(source)) error.at(*span);
        throw error;
    }

    // A wildcard may match nothing. Who writes `COPY a.txt b* /` means that; when there is nothing at all to copy, that
    // is worth a word.
    void select_matches() {
        bool any = !step_.inline_files.empty();
        for (size_t i = 0; i < step_.paths.size(); i++) {
            if (is_elsewhere(step_, step_.paths[i])) {
                any = true;
                placed_at(step_.spans.at(i), [&] { select_remote(i); });
                continue;
            }
            for (SourceItem& item : match(i, step_.paths[i])) {
                any = true;
                select_match(i, std::move(item));
            }
        }
        for (size_t i = 0; !any && i < step_.paths.size(); i++) warn_of_no_match(i, step_.paths[i]);
    }

    void warn_of_no_match(size_t source, const std::string& pattern) {
        const Error error = view_->nothing_matches(pattern);
        selection_.warnings.push_back(
            {"nothing-copied", error.message() + "; nothing is copied", step_.spans.at(source), error.hint()});
    }

    void select_remote(size_t pattern) {
        if (!remote_) throw Error(ErrorKind::internal, "nobody fetches what is elsewhere");
        RemoteFiles files = remote_(*plan::parse_remote_source(step_.paths[pattern]));
        auto entry = files.directory->find(files.path);
        if (!entry) throw Error(ErrorKind::io, "what was fetched was removed meanwhile");
        SelectedSource selected{pattern, {entry->path, std::move(entry->inode)}, {}, std::nullopt, nullptr};
        selected.directory = files.directory.get();
        if (selected.item.inode.is_directory()) {
            selected.below =
                view_of(*files.directory)->children("", [this](const std::string& below, tree::FileType type) {
                    return without_excluded(below, type, Selection::take);
                });
        } else if (exclude_.excluded(files.name)) {
            return;
        }
        selected.remote = std::move(files);
        selection_.sources.push_back(std::move(selected));
    }

    void select_match(size_t pattern, SourceItem item) {
        SelectedSource selected{pattern, std::move(item), {}, std::nullopt, view_->directory()};
        const std::string& path = selected.item.path;
        if (selected.item.inode.is_directory()) {
            selected.below = view_->children(path, [this](const std::string& below, tree::FileType type) {
                return without_excluded(below, type, Selection::take);
            });
        } else if (exclude_.excluded(base_name_of(path)) || exclude_.excluded(path)) {
            return;
        }
        selection_.sources.push_back(std::move(selected));
    }

    Selection without_excluded(const std::string& below, tree::FileType type, Selection otherwise) const {
        if (exclude_.empty() || !exclude_.excluded(below)) return otherwise;
        bool searched = type == tree::FileType::directory && exclude_.may_reinclude();
        return searched && otherwise != Selection::prune ? Selection::pass_over : Selection::prune;
    }

    void select_with_parents() {
        bool any = false;
        for (size_t i = 0; i < step_.paths.size(); i++) {
            const Pivoted pivoted = split_at_pivot(step_.paths[i]);
            const bool found = select_below_pivot(i, pivoted);
            const bool optional = has_wildcards(pivoted.base) || has_wildcards(pivoted.pattern) || !exclude_.empty();
            if (!found && !optional) fail_no_match(i, join_path(pivoted.base, pivoted.pattern));
            any = any || found;
        }
        if (any || !exclude_.empty()) return;
        for (size_t i = 0; i < step_.paths.size(); i++) {
            const Pivoted pivoted = split_at_pivot(step_.paths[i]);
            warn_of_no_match(i, join_path(pivoted.base, pivoted.pattern));
        }
    }

    bool select_below_pivot(size_t source, const Pivoted& pivoted) {
        const IncludePattern include(pivoted.pattern);
        bool any = false;
        for (SourceItem& base : match(source, pivoted.base)) {
            if (!base.inode.is_directory()) continue;
            SelectedSource selected{source, std::move(base), {}, std::nullopt, view_->directory()};
            selected.below = view_->children(selected.item.path, [&](const std::string& below, tree::FileType type) {
                return without_excluded(below, type, include.choose(below, type));
            });
            if (selected.below.empty() && !pivoted.pattern.empty()) continue;
            any = any || !selected.below.empty();
            selection_.sources.push_back(std::move(selected));
        }
        return any;
    }

    const plan::CopyStep& step_;
    const CopyView* view_;
    const FetchRemote& remote_;
    dockerfile::IgnoreRules exclude_;
    CopySelection selection_;
};

}  // namespace

bool is_elsewhere(const plan::CopyStep& step, const std::string& source) {
    return step.is_add && plan::is_remote_source(source);
}

CopySelection select_sources(const plan::CopyStep& step, const CopyView* view, const FetchRemote& remote) {
    return Selecting(step, view, remote).run();
}

}  // namespace gbuild::build
