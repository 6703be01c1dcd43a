// What COPY and ADD take of their sources, before it is known where that goes.
#pragma once

#include <optional>
#include <vector>

#include "gbuild/base/events.h"
#include "gbuild/copy/copy_view.h"
#include "gbuild/plan/plan.h"

namespace gbuild::build {

struct SelectedSource {
    size_t pattern = 0;  // index into CopyStep::paths
    SourceItem item;     // a file, or the directory whose contents are copied
    std::vector<SourceItem> below;
    std::optional<RemoteFiles> remote;      // of a URL or a repository
    const ContextDir* directory = nullptr;  // where contents are read from; nullptr when they are packed already
};

struct CopySelection {
    std::vector<SelectedSource> sources;
    std::vector<Warning> warnings;  // patterns that select nothing, when all do
};

// Throws what CopyView and `remote` do, with the place of the source, and dockerfile for a source without wildcards
// that is not there. `view` may be null when all sources are elsewhere.
CopySelection select_sources(const plan::CopyStep& step, const CopyView* view, const FetchRemote& remote);

// Whether the source is a URL or a repository rather than a path.
bool is_elsewhere(const plan::CopyStep& step, const std::string& source);

}  // namespace gbuild::build
