#include "provenance_finder.h"

#include <algorithm>

namespace gbuild::build {

namespace {

// "/" is followed by "0": the names below a directory are all between the two.
std::string begin_below(const std::string& path) { return path.empty() ? "" : path + "/"; }
std::string end_below(const std::string& path) { return path + "0"; }

uint64_t size_of(const tree::LayerEntry& entry) {
    return entry.kind == tree::EntryKind::inode && entry.inode.type == tree::FileType::regular ? entry.inode.size : 0;
}

}  // namespace

StepFiles& ProvenanceFinder::of(int step) {
    const auto found =
        std::find_if(steps_.begin(), steps_.end(), [&](const StepFiles& one) { return one.step == step; });
    if (found != steps_.end()) return *found;
    return steps_.emplace_back(StepFiles{step, 0, 0, 0, 0});
}

// Whiteouts act on what is below the layer, wherever they stand in it.
void ProvenanceFinder::add(int step, const tree::LayerVisit& layer) {
    of(step);
    layer([&](const tree::LayerEntry& entry) { hide(step, entry); });
    layer([&](const tree::LayerEntry& entry) { write(step, entry); });
}

void ProvenanceFinder::hide(int step, const tree::LayerEntry& entry) {
    const bool is_opaque = entry.kind == tree::EntryKind::opaque;
    if (!is_opaque && entry.kind != tree::EntryKind::whiteout) return;
    (is_opaque ? emptied_ : gone_).emplace(entry.path, step);
    const auto end = entry.path.empty() ? written_.end() : written_.lower_bound(end_below(entry.path));
    auto below = written_.lower_bound(begin_below(entry.path));
    while (below != end) {
        lose(below->first, below->second, step);
        below = written_.erase(below);
    }
    if (is_opaque) return;
    if (const auto own = written_.find(entry.path); own != written_.end()) {
        lose(own->first, own->second, step);
        written_.erase(own);
    }
}

void ProvenanceFinder::write(int step, const tree::LayerEntry& entry) {
    if (entry.kind != tree::EntryKind::inode && entry.kind != tree::EntryKind::hard_link) return;
    const Written now{step, size_of(entry)};
    StepFiles& files = of(step);
    files.files++;
    files.bytes += now.size;
    const auto [place, is_new] = written_.try_emplace(entry.path, now);
    if (is_new) {
        replaced_.emplace(entry.path, step);
        return;
    }
    // The same step may give a file other attributes, or write it in two parts.
    if (place->second.step == step) {
        files.files--;
        files.bytes -= place->second.size;
    } else {
        lose(place->first, place->second, step);
    }
    place->second = now;
}

void ProvenanceFinder::lose(const std::string& path, const Written& written, int to) {
    if (written.size > 0 && written.step != to) lost_.push_back({path, written.size, written.step, to});
}

// The step that the base's file at `path` was lost to; 0: none.
int ProvenanceFinder::lost_in_base(const std::string& path) const {
    if (const auto found = replaced_.find(path); found != replaced_.end()) return found->second;
    if (gone_.empty() && emptied_.empty()) return 0;
    for (size_t end = path.size(); end != std::string::npos;
         end = end == 0 ? std::string::npos : path.rfind('/', end - 1)) {
        const std::string part = path.substr(0, end);
        if (const auto found = gone_.find(part); found != gone_.end()) return found->second;
        if (end == path.size()) continue;
        if (const auto found = emptied_.find(part); found != emptied_.end()) return found->second;
    }
    return 0;
}

void ProvenanceFinder::add_base(const tree::LayerVisit& layer) {
    layer([&](const tree::LayerEntry& entry) {
        if (entry.kind == tree::EntryKind::whiteout) lost_base_.erase(entry.path);
        if (entry.kind == tree::EntryKind::inode && lost_in_base(entry.path) != 0) {
            lost_base_[entry.path] = size_of(entry);
        }
    });
}

Provenance ProvenanceFinder::finish(const tree::Tree& tree) && {
    for (const auto& [path, size] : lost_base_) {
        lose(path, {base_, size}, lost_in_base(path));
        steps_.front().files++;
        steps_.front().bytes += size;
    }
    Provenance result;
    tree.walk([&](const std::string& path, const tree::Node& node) {
        const auto found = written_.find(path);
        const int step = found == written_.end() ? base_ : found->second.step;
        const uint64_t size = node.inode->type == tree::FileType::regular ? node.inode->size : 0;
        StepFiles& files = of(step);
        files.kept_files++;
        files.kept_bytes += size;
        if (step == base_) {
            files.files++;
            files.bytes += size;
        }
        if (!result.runs.empty() && result.runs.back().first == step)
            result.runs.back().second++;
        else
            result.runs.emplace_back(step, 1);
    });
    std::stable_sort(lost_.begin(), lost_.end(), [](const LostFile& a, const LostFile& b) { return a.size > b.size; });
    if (lost_.size() > Provenance::most_lost) lost_.resize(Provenance::most_lost);
    result.steps = std::move(steps_);
    result.lost = std::move(lost_);
    return result;
}

}  // namespace gbuild::build
