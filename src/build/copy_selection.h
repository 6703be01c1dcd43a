// What COPY and ADD take of their sources, before it is known where that goes.
#pragma once

#include <vector>

#include "copy_view.h"
#include "gbuild/plan/plan.h"

namespace gbuild::build {

struct SelectedSource {
    size_t pattern = 0;  // index into CopyStep::paths
    SourceItem item;     // a file, or the directory whose contents are copied
    std::vector<SourceItem> below;
};

struct CopySelection {
    std::vector<SelectedSource> sources;
    size_t matches = 0;  // sources that are there, those that --exclude leaves out among them
};

// Throws what CopyView does, with the place of the source, and dockerfile when nothing is there to be copied.
CopySelection select_sources(const plan::CopyStep& step, const CopyView& view);

}  // namespace gbuild::build
