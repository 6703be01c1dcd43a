#include "gbuild/cli/foreign_options.h"

#include <fmt/format.h>

#include "foreign_build_options.h"

namespace gbuild::cli {

namespace {

using enum Treatment;

constexpr std::string_view never_asks = "gbuild never asks";

constexpr ForeignOption prune_options[] = {
    {"--force", none, ignored, never_asks},
    {"-f", none, ignored, never_asks},
    {"--volumes", none, ignored, "gbuild has no volumes to remove"},
    {"--keep-storage", required, renamed, "--max-size={}"},
    {"--reserved-space", required, renamed, "--max-size={}"},
    {"--max-used-space", required, renamed, "--max-size={}"},
    {"--verbose", none, ignored, "gbuild cache ls tells of each thing what it is"},
};

constexpr ForeignOption rmi_options[] = {
    {"--force", none, ignored, "a name can always be forgotten"},
    {"-f", none, ignored, "a name can always be forgotten"},
    {"--no-prune", none, ignored, "nothing but the name is removed"},
    {"--ignore", none, refused, "a name that is not there is an error", "write gbuild rmi NAME || true"},
    {"--all", none, refused, "names are given one by one", "write gbuild rmi $(gbuild images -q)"},
    {"-a", none, refused, "names are given one by one", "write gbuild rmi $(gbuild images -q)"},
};

constexpr ForeignOption images_options[] = {
    {"--all", none, ignored, "all images are listed anyway"},
    {"-a", none, ignored, "all images are listed anyway"},
    {"--digests", none, ignored, "the column HASH has the Golem network's hash"},
    {"--tree", none, ignored, "an image has one platform"},
    {"--noheading", none, refused, "the heading goes with the table", "write --format '{{.Repository}} {{.Tag}}'"},
    {"-n", none, refused, "the heading goes with the table", "write --format '{{.Repository}} {{.Tag}}'"},
    {"--sort", required, refused, "the newest image comes first", "write gbuild images --format … | sort"},
};

constexpr ForeignOption inspect_options[] = {
    {"--type", required, ignored, "gbuild has images only", "leave it out", "image"},
    {"--size", none, ignored, "the size is told anyway"},
    {"-s", none, ignored, "the size is told anyway"},
    {"-f", required, renamed, "--format={}"},
};

// They ask for what is listed anyway, and nobody wants to read that each time.
constexpr ForeignOption ls_options[] = {
    {"-l", none, renamed, ""},
    {"-a", none, renamed, ""},
    {"--all", none, renamed, ""},
    {"-A", none, renamed, ""},
    {"--almost-all", none, renamed, ""},
    {"-n", none, renamed, ""},
    {"--numeric-uid-gid", none, renamed, ""},
    {"-1", none, renamed, ""},
    {"--color", optional, renamed, ""},
};

constexpr ForeignOption tag_options[] = {
    {"--force", none, ignored, "a name that another image has is taken from it anyway"},
    {"-f", none, ignored, "a name that another image has is taken from it anyway"},
};

}  // namespace

std::span<const ForeignOption> foreign_options(std::string_view command) {
    if (command == "build" || command == "plan") return foreign_build_options();
    if (command == "prune") return prune_options;
    if (command == "rmi") return rmi_options;
    if (command == "images") return images_options;
    if (command == "inspect") return inspect_options;
    if (command == "ls") return ls_options;
    if (command == "tag") return tag_options;
    return {};
}

void tell(std::span<const std::string> notices, const Console& console) {
    for (const std::string& notice : notices) console.err.write(fmt::format("gbuild: {}\n", notice));
}

}  // namespace gbuild::cli
