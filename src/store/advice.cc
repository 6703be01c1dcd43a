#include "advice.h"

#include <fmt/format.h>

#include "gbuild/base/text.h"

namespace gbuild::store {

namespace {

constexpr const char* space_hint =
    "free some space (all of the store may be deleted while no gbuild runs), or choose another place with --root or "
    "GBUILD_ROOT";
constexpr const char* permission_hint =
    "choose a place you may write to with --root or GBUILD_ROOT; what a gbuild run as root left in yours becomes yours "
    "with sudo chown -R";

}  // namespace

void explain_write_error(Error& error, const std::filesystem::path& where) {
    bool full = error.kind() == ErrorKind::no_space;
    if (!full && error.kind() != ErrorKind::permission) return;
    const char* hint = full ? space_hint : permission_hint;
    if (error.hint() == hint) return;            // explained further in
    if (!full && !error.hint().empty()) return;  // something else than the store may not be read
    error.context(fmt::format("using the store in {}", quoted(where.native()))).hint(hint);
}

}  // namespace gbuild::store
