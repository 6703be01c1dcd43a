#include "overlay_layer.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "attribute_names.h"
#include "gbuild/base/error.h"
#include "gbuild/base/text.h"

namespace gbuild::layer {

bool is_whiteout(const struct stat& status) { return S_ISCHR(status.st_mode) && status.st_rdev == 0; }

bool is_opaque(const HeldFile& directory) { return directory.has_xattr(opaque_attribute, "y"); }

bool is_copy(const HeldFile& directory) { return directory.has_xattr(origin_attribute); }

void make_opaque(const HeldFile& directory, const HeldName& file) {
    if (const int error = directory.set_xattr(opaque_attribute, "y")) {
        throw system_error(error, fmt::format("cannot mark {} as opaque", gbuild::quoted(file.path)));
    }
}

void make_whiteout(const HeldName& file) {
    // Since Linux 5.8 everybody may: no driver is behind the number.
    if (::mknodat(file.directory, file.name.c_str(), S_IFCHR, makedev(0, 0)) != 0) fail("hide", file);
}

}  // namespace gbuild::layer
