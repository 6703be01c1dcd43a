// What stands behind a git repository's URL: ?KEY=VALUE&… and #REF:SUBDIRECTORY, as BuildKit has them since Dockerfile
// 1.18 (mtime and fetch-by-commit: 1.24).
#pragma once

#include <string_view>

#include "gbuild/plan/remote_source.h"

namespace gbuild::plan {

enum class Fragment { percent_encoded, literal };

// Enters both into `source`. Throws usage for what contradicts itself, is unknown, given twice or no value of its key.
void read_fragment(GitSource& source, std::string_view fragment, Fragment form);
void read_query(GitSource& source, std::string_view query);

}  // namespace gbuild::plan
