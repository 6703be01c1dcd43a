// What a build writes, and where: -o, --annotation.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "gbuild/base/events.h"
#include "gbuild/cli/options.h"
#include "gbuild/engine/build_options.h"

namespace gbuild::cli {

// -o, taken apart as docker does: comma-separated KEY=VALUE, a field with a comma in double quotes. "-" is a tar
// archive for standard output, anything else without a known key is the path of a .gvmi.
struct OutputSpec {
    std::string type = "gvmi";
    std::map<std::string, std::string> values;  // without the type
};
// Throws usage for an unknown type and for keys that the type does not have.
OutputSpec parse_output(const std::string& text);

struct OutputSettings {
    std::vector<std::string> outputs, annotations;

    void declare(OptionSet& options);
    // `build` has its tags and context. Throws usage, and what output_path() throws; conflict for two outputs in one
    // place. `terminal`: standard output is one, so that no archive belongs there.
    void apply(build::BuildOptions& build, bool terminal) const;
    // Of paths without type= that would be something else for docker than the .gvmi they become.
    std::vector<Warning> warnings() const;
};

// Whether one of the outputs is an image, which has an id.
bool writes_image(const build::BuildOptions& build);
// Whether an output takes standard output for itself.
bool uses_standard_output(const build::BuildOptions& build);

}  // namespace gbuild::cli
