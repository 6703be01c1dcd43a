#include "gbuild/base/paths.h"

namespace gbuild {

std::string_view base_name_of(std::string_view path) { return path.substr(path.rfind('/') + 1); }

std::string join_path(std::string_view directory, std::string_view name) {
    std::string joined(directory);
    if (!directory.empty() && !name.empty()) joined += '/';
    joined += name;
    return joined;
}

}  // namespace gbuild
