#include "engine/provenance_finder.h"

#include <cstdint>
#include <tuple>
#include <utility>
#include <vector>

#include "support/catch.h"

using namespace gbuild;
using namespace gbuild::build;

namespace {

tree::LayerEntry file_in(const std::string& path, uint64_t size) {
    tree::LayerEntry entry;
    entry.path = path;
    entry.inode.type = tree::FileType::regular;
    entry.inode.size = size;
    return entry;
}
tree::LayerEntry directory_in(const std::string& path) {
    tree::LayerEntry entry;
    entry.path = path;
    return entry;
}
tree::LayerEntry gone_in(const std::string& path, tree::EntryKind kind = tree::EntryKind::whiteout) {
    tree::LayerEntry entry;
    entry.kind = kind;
    entry.path = path;
    return entry;
}

tree::LayerVisit visit_of(tree::LayerTree layer) {
    return [layer = std::move(layer)](const auto& take) {
        for (const tree::LayerEntry& entry : layer) take(tree::LayerEntry(entry));
    };
}

// A base and the layers of steps 2, 3, ….
Provenance provenance_of(const tree::LayerTree& base, const std::vector<tree::LayerTree>& steps) {
    tree::Tree tree;
    tree.apply(tree::LayerTree(base));
    ProvenanceFinder finder(1);
    int number = 1;
    for (const tree::LayerTree& step : steps) {
        finder.add(++number, visit_of(step));
        tree.apply(tree::LayerTree(step));
    }
    finder.add_base(visit_of(base));
    return std::move(finder).finish(tree);
}

using StepFigures = std::tuple<int, uint64_t, uint64_t, uint64_t, uint64_t>;
std::vector<StepFigures> figures_of(const Provenance& provenance) {
    std::vector<StepFigures> figures;
    for (const StepFiles& one : provenance.steps) {
        figures.emplace_back(one.step, one.files, one.bytes, one.kept_files, one.kept_bytes);
    }
    return figures;
}
using LostTuple = std::tuple<std::string, uint64_t, int, int>;
std::vector<LostTuple> lost_of(const Provenance& provenance) {
    std::vector<LostTuple> lost;
    for (const LostFile& one : provenance.lost) lost.emplace_back(one.path, one.size, one.step, one.lost_to);
    return lost;
}

}  // namespace

TEST_CASE("each file is of the step that wrote it last") {
    const auto found = provenance_of({directory_in("d"), file_in("d/a", 10)},
                                     {{file_in("d/b", 20)}, {file_in("d/c", 5), file_in("d/b", 7)}});
    CHECK(figures_of(found) == std::vector<StepFigures>{{1, 3, 10, 3, 10}, {2, 1, 20, 0, 0}, {3, 2, 12, 2, 12}});
    CHECK(lost_of(found) == std::vector<LostTuple>{{"d/b", 20, 2, 3}});
    // The root, d and d/a; d/b and d/c.
    CHECK(found.runs == std::vector<std::pair<int, uint64_t>>{{1, 3}, {3, 2}});
}

TEST_CASE("what a step replaces or removes of the base is lost to it") {
    const auto found =
        provenance_of({directory_in("d"), file_in("d/a", 10), file_in("d/b", 300), file_in("e", 4), file_in("kept", 1)},
                      {{file_in("e", 9)}, {gone_in("d")}});
    CHECK(lost_of(found) == std::vector<LostTuple>{{"d/b", 300, 1, 3}, {"d/a", 10, 1, 3}, {"e", 4, 1, 2}});
    CHECK(figures_of(found).front() == StepFigures{1, 6, 315, 2, 1});
}

TEST_CASE("a whiteout takes what is below away, not its neighbours, and not what the same layer brings") {
    const auto found = provenance_of(
        {}, {{directory_in("d"), file_in("d/a", 1), file_in("d-x", 2), file_in("d0", 3), file_in("d.y", 4)},
             {gone_in("d"), directory_in("d"), file_in("d/new", 50)}});
    CHECK(lost_of(found) == std::vector<LostTuple>{{"d/a", 1, 2, 3}});
    CHECK(figures_of(found).back() == StepFigures{3, 2, 50, 2, 50});
}

TEST_CASE("an opaque directory hides what was in it") {
    const auto found = provenance_of(
        {directory_in("d"), file_in("d/base", 8)},
        {{file_in("d/a", 1)}, {directory_in("d"), gone_in("d", tree::EntryKind::opaque), file_in("d/b", 2)}});
    CHECK(lost_of(found) == std::vector<LostTuple>{{"d/base", 8, 1, 3}, {"d/a", 1, 2, 3}});
}

TEST_CASE("a step may write a file twice") {
    const auto found = provenance_of({}, {{file_in("a", 10), file_in("a", 3)}});
    CHECK(lost_of(found).empty());
    CHECK(figures_of(found).back() == StepFigures{2, 1, 3, 1, 3});
}

TEST_CASE("only the largest of what was lost is kept") {
    tree::LayerTree many, whiteouts;
    for (uint64_t i = 1; i <= 200; i++) {
        many.push_back(file_in("f" + std::to_string(i), i));
        whiteouts.push_back(gone_in("f" + std::to_string(i)));
    }
    const auto found = provenance_of(many, {whiteouts});
    CHECK(found.lost.size() == Provenance::most_lost);
    CHECK(found.lost.front().size == 200);
    CHECK(found.steps.front().bytes == 200 * 201 / 2);
}
