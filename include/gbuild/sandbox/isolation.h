// How a step is kept apart from the host, and how it comes to have more than one owner.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace gbuild::sandbox {

enum class Isolation : uint8_t {
    root,    // CAP_SYS_ADMIN: own namespaces, real owners
    subid,   // a user namespace with the caller's ranges of /etc/subuid and /etc/subgid
    single,  // a user namespace with one id, and ownership emulation
    chroot,  // root without CAP_SYS_ADMIN: no namespaces, no mounts
};

// In the order in which they are tried.
inline constexpr std::array all_isolations = {Isolation::root, Isolation::subid, Isolation::single, Isolation::chroot};

std::string_view isolation_name(Isolation isolation);
// With a few words on what it is: "single (one id, owners emulated)".
std::string_view isolation_text(Isolation isolation);
std::optional<Isolation> parse_isolation(std::string_view name);

}  // namespace gbuild::sandbox
