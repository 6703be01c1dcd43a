// The values of --cache-from and --cache-to, as docker buildx writes them: comma-separated KEY=VALUE, or an image
// reference alone.
#pragma once

#include <string>

#include "gbuild/steps/cache_options.h"

namespace gbuild::cli {

// "type=registry,ref=REF", "REF", "type=local,src=DIR[,tag=TAG][,digest=DIGEST]". Throws usage.
build::CacheSource parse_cache_source(const std::string& text);
// "type=registry,ref=REF", "REF", "type=local,dest=DIR[,tag=TAG]", each with [,mode=min|max][,ignore-error=BOOL].
// Throws usage.
build::CacheTarget parse_cache_target(const std::string& text);

}  // namespace gbuild::cli
