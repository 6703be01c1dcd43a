#include "credentials.h"

#include <sys/resource.h>

#include <algorithm>
#include <cerrno>

#include "gbuild/base/error.h"

namespace gbuild::sandbox {

namespace {

// No honest limit is as high; below RLIM_INFINITY.
constexpr rlim_t first_index = rlim_t{1} << 60;
constexpr rlim_t last_index = first_index + (rlim_t{1} << 24);

}  // namespace

bool Credentials::in_group(uint32_t gid) const {
    return gid == group.file_system || std::find(groups.begin(), groups.end(), gid) != groups.end();
}

// When the user ids leave 0, or come back to it (capabilities(7)).
void Credentials::follow_user(const IdSet& before) {
    if (before.any_zero() && !user.any_zero() && !keep_capabilities) permitted = effective = false;
    if (before.effective == 0 && user.effective != 0) {
        effective = false;
    } else if (before.effective != 0 && user.effective == 0) {
        effective = permitted;
    }
}

bool Credentials::set_ids(IdSet Credentials::*which, uint32_t id) {
    IdSet& ids = this->*which;
    const IdSet before = user;
    if (!effective && id != ids.real && id != ids.saved) return false;
    if (effective) ids.real = ids.saved = id;
    ids.effective = ids.file_system = id;
    if (which == &Credentials::user) follow_user(before);
    return true;
}

bool Credentials::set_real_effective(IdSet Credentials::*which, uint32_t real, uint32_t effective_id) {
    IdSet& ids = this->*which;
    const IdSet before = user, own = ids;
    const bool real_allowed = real == unchanged_id || effective || real == own.real || real == own.effective;
    if (!real_allowed || (effective_id != unchanged_id && !effective && !own.has(effective_id))) return false;
    if (real != unchanged_id) ids.real = real;
    if (effective_id != unchanged_id) ids.effective = effective_id;
    if (real != unchanged_id || (effective_id != unchanged_id && effective_id != own.real)) ids.saved = ids.effective;
    ids.file_system = ids.effective;
    if (which == &Credentials::user) follow_user(before);
    return true;
}

bool Credentials::set_all(IdSet Credentials::*which, uint32_t real, uint32_t effective_id, uint32_t saved) {
    IdSet& ids = this->*which;
    const IdSet before = user, own = ids;
    for (uint32_t id : {real, effective_id, saved}) {
        if (id != unchanged_id && !effective && !own.has(id)) return false;
    }
    if (real != unchanged_id) ids.real = real;
    if (effective_id != unchanged_id) ids.effective = effective_id;
    if (saved != unchanged_id) ids.saved = saved;
    ids.file_system = ids.effective;
    if (which == &Credentials::user) follow_user(before);
    return true;
}

uint32_t Credentials::set_file_system(IdSet Credentials::*which, uint32_t id) {
    IdSet& ids = this->*which;
    const uint32_t before = ids.file_system;
    if (id != unchanged_id && (effective || ids.has(id) || id == before)) ids.file_system = id;
    return before;
}

void Credentials::execute(std::optional<uint32_t> set_user, std::optional<uint32_t> set_group) {
    if (set_user) user.effective = *set_user;
    if (set_group) group.effective = *set_group;
    user.saved = user.file_system = user.effective;
    group.saved = group.file_system = group.effective;
    permitted = user.effective == 0 || user.real == 0;
    effective = user.effective == 0;
    keep_capabilities = false;
}

Credentials credentials_of(const Identity& identity) {
    Credentials credentials;
    credentials.user = {identity.uid, identity.uid, identity.uid, identity.uid};
    credentials.group = {identity.gid, identity.gid, identity.gid, identity.gid};
    credentials.groups = identity.groups;
    credentials.permitted = credentials.effective = identity.uid == 0;
    return credentials;
}

Credentials CredentialTable::of(pid_t process) const {
    rlimit limit{};
    if (::prlimit(process, RLIMIT_RTTIME, nullptr, &limit) != 0) return {};
    if (limit.rlim_cur < first_index || limit.rlim_cur > last_index) return {};
    auto known = known_.lock();
    const auto index = static_cast<size_t>(limit.rlim_cur - first_index);
    return index < known->size() ? (*known)[index] : Credentials();
}

void CredentialTable::set(pid_t process, const Credentials& credentials) {
    rlim_t index = 0;
    {
        auto known = known_.lock();
        const auto found = std::find(known->begin(), known->end(), credentials);
        index = static_cast<rlim_t>(found - known->begin());
        if (found == known->end()) known->push_back(credentials);
    }
    const rlimit limit{first_index + index, RLIM_INFINITY};
    if (::prlimit(process, RLIMIT_RTTIME, &limit, nullptr) != 0 && errno != ESRCH) {
        throw_errno("cannot keep the credentials of a process");
    }
}

}  // namespace gbuild::sandbox
