#include "gbuild/sandbox/isolation.h"

namespace gbuild::sandbox {

std::string_view isolation_name(Isolation isolation) {
    switch (isolation) {
    case Isolation::root: return "root";
    case Isolation::subid: return "subid";
    case Isolation::single: return "single";
    case Isolation::chroot: break;
    }
    return "chroot";
}

std::string_view isolation_text(Isolation isolation) {
    switch (isolation) {
    case Isolation::root: return "root (namespaces, real owners)";
    case Isolation::subid: return "subid (user namespace with the ranges of /etc/subuid)";
    case Isolation::single: return "single (user namespace with one id, owners emulated)";
    case Isolation::chroot: break;
    }
    return "chroot (no namespaces)";
}

std::optional<Isolation> parse_isolation(std::string_view name) {
    for (Isolation isolation : all_isolations) {
        if (isolation_name(isolation) == name) return isolation;
    }
    return std::nullopt;
}

}  // namespace gbuild::sandbox
