// Who an emulated process is. Follows credentials(7) and capabilities(7); of capabilities it knows two states, all and
// none.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <vector>

#include "gbuild/base/synchronized.h"
#include "gbuild/sandbox/emulation.h"

namespace gbuild::sandbox {

struct IdSet {
    uint32_t real = 0, effective = 0, saved = 0, file_system = 0;
    bool operator==(const IdSet&) const = default;
    bool has(uint32_t id) const { return id == real || id == effective || id == saved; }
    bool any_zero() const { return real == 0 || effective == 0 || saved == 0; }
};

inline constexpr uint32_t unchanged_id = UINT32_MAX;  // -1 in chown(2) and setresuid(2)

struct Credentials {
    IdSet user, group;
    std::vector<uint32_t> groups;  // supplementary
    bool keep_capabilities = false, permitted = true, effective = true;
    bool operator==(const Credentials&) const = default;

    // Whether permissions do not count for it.
    bool privileged() const { return effective && (user.file_system == 0 || user.file_system == user.effective); }
    bool in_group(uint32_t gid) const;
    // False: EPERM.
    bool set_ids(IdSet Credentials::*which, uint32_t id);
    bool set_real_effective(IdSet Credentials::*which, uint32_t real, uint32_t effective_id);
    bool set_all(IdSet Credentials::*which, uint32_t real, uint32_t effective_id, uint32_t saved);
    uint32_t set_file_system(IdSet Credentials::*which, uint32_t id);  // returns the one before
    // As execve(2) of a file with these set-id owners.
    void execute(std::optional<uint32_t> set_user, std::optional<uint32_t> set_group);

  private:
    void follow_user(const IdSet& before);
};

Credentials credentials_of(const Identity& identity);

// Whose credentials a process has is kept with the process by the kernel: as the soft limit of RLIMIT_RTTIME, which
// means nothing to a process without a real-time policy, and which it passes on over fork and exec. Thread-safe.
class CredentialTable {
  public:
    Credentials of(pid_t process) const;
    // Throws system errors other than ESRCH: a process that is gone needs none.
    void set(pid_t process, const Credentials& credentials);

  private:
    mutable Synchronized<std::vector<Credentials>> known_{std::vector<Credentials>(1)};
};

}  // namespace gbuild::sandbox
