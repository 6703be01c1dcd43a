#include "credentials.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sys/resource.h>

#include <algorithm>
#include <cerrno>

#include <fmt/format.h>

#include "gbuild/base/error.h"
#include "gbuild/base/text.h"
#include "tracee.h"

namespace gbuild::sandbox {

namespace {

// No honest limit is as high; below RLIM_INFINITY.
constexpr rlim_t first_index = rlim_t{1} << 60;
constexpr rlim_t last_index = first_index + (rlim_t{1} << 24);

// What is known of credentials: few bytes are not worth a look, more than the most are nobody's honest doing.
constexpr size_t few_bytes = 4 << 20, most_bytes = 64 << 20, most_known = 1 << 20;

size_t bytes_of(const Credentials& credentials) {
    const size_t bytes = sizeof credentials + credentials.groups.size() * sizeof credentials.groups[0];
    if (!credentials.promise) return bytes;
    return bytes + bytes_of(*credentials.promise->before) + bytes_of(*credentials.promise->after);
}

std::optional<size_t> index_of(pid_t process) {
    rlimit limit{};
    if (::prlimit(process, RLIMIT_RTTIME, nullptr, &limit) != 0) return std::nullopt;
    if (limit.rlim_cur < first_index || limit.rlim_cur > last_index) return std::nullopt;
    return static_cast<size_t>(limit.rlim_cur - first_index);
}

constexpr uint64_t bit(unsigned capability) { return uint64_t{1} << capability; }

// CAP_FS_SET in the kernel: they come and go with the file system's user id.
constexpr uint64_t file_capabilities = bit(CAP_CHOWN) | bit(CAP_DAC_OVERRIDE) | bit(CAP_DAC_READ_SEARCH) |
                                       bit(CAP_FOWNER) | bit(CAP_FSETID) | bit(CAP_LINUX_IMMUTABLE) | bit(CAP_MKNOD) |
                                       bit(CAP_MAC_OVERRIDE);

}  // namespace

bool PromiseReference::operator==(const PromiseReference& other) const {
    if (promise_ == other.promise_) return true;
    if (!promise_ || !other.promise_) return false;
    const Promise& one = *promise_;
    const Promise& two = *other.promise_;
    return one.device == two.device && one.inode == two.inode && *one.before == *two.before && *one.after == *two.after;
}

bool Credentials::unrestricted() const {
    constexpr uint64_t enough = bit(CAP_DAC_OVERRIDE) | bit(CAP_FOWNER);
    return (effective & enough) == enough;
}

bool Credentials::in_group(uint32_t gid) const {
    return gid == group.file_system || std::find(groups.begin(), groups.end(), gid) != groups.end();
}

bool Credentials::may_set(IdSet Credentials::*which) const {
    return capable(which == &Credentials::user ? CAP_SETUID : CAP_SETGID);
}

// When the user ids leave 0, or come back to it (capabilities(7)).
void Credentials::follow_user(const IdSet& before) {
    if (before.any_zero() && !user.any_zero() && !keep_capabilities) permitted = effective = 0;
    if (before.effective == 0 && user.effective != 0) {
        effective = 0;
    } else if (before.effective != 0 && user.effective == 0) {
        effective = permitted;
    }
}

bool Credentials::set_ids(IdSet Credentials::*which, uint32_t id) {
    IdSet& ids = this->*which;
    const IdSet before = user;
    const bool may = may_set(which);
    if (!may && id != ids.real && id != ids.saved) return false;
    if (may) ids.real = ids.saved = id;
    ids.effective = ids.file_system = id;
    if (which == &Credentials::user) follow_user(before);
    return true;
}

bool Credentials::set_real_effective(IdSet Credentials::*which, uint32_t real, uint32_t effective_id) {
    IdSet& ids = this->*which;
    const IdSet before = user, own = ids;
    const bool real_allowed = real == unchanged_id || real == own.real || real == own.effective;
    const bool effective_allowed = effective_id == unchanged_id || own.has(effective_id);
    if (!may_set(which) && (!real_allowed || !effective_allowed)) return false;
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
        if (id != unchanged_id && !own.has(id) && !may_set(which)) return false;
    }
    if (real != unchanged_id) ids.real = real;
    if (effective_id != unchanged_id) ids.effective = effective_id;
    if (saved != unchanged_id) ids.saved = saved;
    ids.file_system = ids.effective;
    if (which == &Credentials::user) follow_user(before);
    return true;
}

bool Credentials::set_capabilities(uint64_t new_permitted, uint64_t new_effective) {
    if ((new_permitted & ~permitted) != 0 || (new_effective & ~new_permitted) != 0) return false;
    permitted = new_permitted;
    effective = new_effective;
    return true;
}

uint32_t Credentials::set_file_system(IdSet Credentials::*which, uint32_t id) {
    IdSet& ids = this->*which;
    const uint32_t before = ids.file_system;
    if (id == unchanged_id || (!ids.has(id) && id != before && !may_set(which))) return before;
    ids.file_system = id;
    if (which != &Credentials::user) return before;
    if (before == 0 && id != 0) effective &= ~file_capabilities;
    if (before != 0 && id == 0) effective |= permitted & file_capabilities;
    return before;
}

void Credentials::execute(const ExecutableRights& file) {
    user.effective = file.set_user.value_or(user.effective);
    group.effective = file.set_group.value_or(group.effective);
    user.saved = user.file_system = user.effective;
    group.saved = group.file_system = group.effective;
    keep_capabilities = false;
    const bool root = user.real == 0 || user.effective == 0;
    permitted = root ? all_capabilities : file.permitted;
    const bool raised = root ? user.effective == 0 : file.effective;
    effective = raised ? permitted : 0;
}

Credentials Credentials::as_real() const {
    Credentials asking = *this;
    asking.user.file_system = user.real;
    asking.group.file_system = group.real;
    asking.effective = user.real == 0 ? permitted : 0;
    return asking;
}

Credentials credentials_of(const Identity& identity) {
    Credentials credentials;
    credentials.user = {identity.uid, identity.uid, identity.uid, identity.uid};
    credentials.group = {identity.gid, identity.gid, identity.gid, identity.gid};
    credentials.groups = identity.groups;
    std::sort(credentials.groups.begin(), credentials.groups.end());
    if (identity.uid != 0) credentials.permitted = credentials.effective = 0;
    return credentials;
}

void CredentialTable::require_room() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_RTTIME, &limit) != 0) throw_errno("cannot read a resource limit");
    if (limit.rlim_max != RLIM_INFINITY) {
        throw Error(ErrorKind::unsupported, "the real-time limit of this session (RLIMIT_RTTIME) is not \"unlimited\"")
            .hint("remove it from /etc/security/limits.conf, or run: ulimit -H -R unlimited");
    }
}

CredentialTable::Shared CredentialTable::nobody() {
    constexpr uint32_t id = 65534;
    return std::make_shared<const Credentials>(credentials_of({id, id, {}}));
}

CredentialTable::Shared CredentialTable::entry_of(pid_t process) const {
    if (all_root_.load(std::memory_order_relaxed)) return root_;
    const auto index = index_of(process);
    if (!index) return root_;
    auto known = known_.lock();
    const Shared found = *index < known->size() ? (*known)[*index] : nullptr;
    return found ? found : nobody_;
}

CredentialTable::Shared CredentialTable::of(pid_t process) const {
    Shared found = entry_of(process);
    return found->promise ? kept(*found->promise, process) : found;
}

CredentialTable::Shared CredentialTable::kept(const Promise& promise, pid_t process) const {
    struct stat program {};
    const bool known = ::fstatat(proc_, fmt::format("{}/exe", process).c_str(), &program, 0) == 0;
    const bool is_kept = known && program.st_dev == promise.device && program.st_ino == promise.inode;
    return is_kept ? promise.after : promise.before;
}

void CredentialTable::promise(pid_t process, const struct stat& file, const Credentials& after) {
    Credentials credentials = *of(process);
    credentials.promise = PromiseReference({file.st_dev, file.st_ino, std::make_shared<const Credentials>(credentials),
                                            std::make_shared<const Credentials>(after)});
    set(process, credentials);
}

void CredentialTable::settle(pid_t process) {
    const Shared found = entry_of(process);
    if (found->promise) set(process, *kept(*found->promise, process));
}

void CredentialTable::set(pid_t process, const Credentials& credentials) {
    // To the end: whose index is new here is not to be looked for elsewhere.
    auto known = known_.lock();
    const auto found =
        std::find_if(known->begin(), known->end(), [&](const Shared& one) { return one && *one == credentials; });
    const auto index = static_cast<rlim_t>(found - known->begin());
    if (found == known->end()) {
        make_room(*known, bytes_of(credentials));
        known->push_back(std::make_shared<const Credentials>(credentials));
        bytes_ += bytes_of(credentials);
    }
    // Before anybody can have an index.
    if (index != 0) all_root_ = false;
    const rlimit limit{first_index + index, RLIM_INFINITY};
    if (::prlimit(process, RLIMIT_RTTIME, &limit, nullptr) != 0 && errno != ESRCH) {
        throw_errno("cannot keep the credentials of a process");
    }
}

void CredentialTable::make_room(Known& known, size_t bytes) {
    if (known.size() >= most_known) refuse(ENOMEM);
    if (bytes_ + bytes <= std::max(next_look_, few_bytes)) return;
    std::vector<bool> used(known.size());
    used[0] = true;
    const int fd = ::openat(proc_, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const std::unique_ptr<DIR, int (*)(DIR*)> entries(fd < 0 ? nullptr : ::fdopendir(fd), ::closedir);
    if (!entries) refuse(ENOMEM);
    while (const dirent* entry = ::readdir(entries.get())) {
        const auto process = parse_decimal(static_cast<const char*>(entry->d_name));
        const auto index = process ? index_of(static_cast<pid_t>(*process)) : std::nullopt;
        if (index && *index < used.size()) used[*index] = true;
    }
    for (size_t i = 0; i < known.size(); i++) {
        if (used[i] || !known[i]) continue;
        bytes_ -= bytes_of(*known[i]);
        known[i].reset();
    }
    next_look_ = 2 * bytes_;
    if (bytes_ + bytes > most_bytes) refuse(ENOMEM);
}

}  // namespace gbuild::sandbox
