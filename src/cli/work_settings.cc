#include <fmt/format.h>

#include "gbuild/base/text.h"
#include "gbuild/cli/build_settings.h"
#include "gbuild/cli/cache_settings.h"
#include "gbuild/store/store.h"
#include "gbuild/tree/limits.h"

namespace gbuild::cli {

void declare_root(OptionSet& options, std::string& root) {
    options.value("--root", "DIR", root, "the store (default: $GBUILD_ROOT, then ~/.cache/gbuild)");
}

std::filesystem::path store_root(const std::string& root) {
    return root.empty() ? store::Store::default_root() : std::filesystem::path(root);
}

namespace {

uint64_t parse_number(std::string_view option, const std::string& text, uint64_t most) {
    const auto number = parse_decimal(text);
    if (!number || *number == 0 || *number > most) {
        throw Error(ErrorKind::usage, fmt::format("{} {}: not a number from 1 to {}", option, quoted(text), most));
    }
    return *number;
}

}  // namespace

void WorkSettings::declare(OptionSet& options) {
    options.group("How the work is done");
    options.flag("--no-cache", no_cache, "execute all steps, whatever is known of their results");
    options.list("--no-cache-filter", "STAGE", no_cache_filter, "execute all steps of this stage; repeatable");
    options.list("--cache-from", "SOURCE", cache_from,
                 "take results of steps from type=registry,ref=REF or type=local,src=DIR, too; repeatable");
    options.list("--cache-to", "TARGET", cache_to,
                 "send results of steps to type=registry,ref=REF[,mode=max] or type=local,dest=DIR; repeatable");
    options.value("-j,--jobs", "N", jobs, "threads that compress, and stages at a time (default: one a processor)");
    options.value("--max-files", "N", max_files, "the most files an image may have (default: 4000000)");
    declare_root(options, root);
}

void WorkSettings::apply(build::BuildOptions& build) const {
    constexpr uint64_t most_jobs = 1024;
    build.no_cache = no_cache;
    for (const std::string& text : no_cache_filter) {
        for (const std::string& stage : split(text, ',')) build.no_cache_of_stages.push_back(stage);
    }
    for (const std::string& text : cache_from) build.cache_from.push_back(parse_cache_source(text));
    for (const std::string& text : cache_to) build.cache_to.push_back(parse_cache_target(text));
    build.store_root = store_root(root);
    if (!jobs.empty()) build.jobs = static_cast<unsigned>(parse_number("--jobs", jobs, most_jobs));
    if (!max_files.empty()) build.max_files = parse_number("--max-files", max_files, tree::largest_max_files);
}

}  // namespace gbuild::cli
