// Who an emulated process is. Follows credentials(7) and capabilities(7).
#pragma once

#include <sys/stat.h>
#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "gbuild/base/synchronized.h"
#include "gbuild/sandbox/emulation.h"

namespace gbuild::sandbox {

struct IdSet {
    uint32_t real = 0, effective = 0, saved = 0, file_system = 0;
    bool operator==(const IdSet&) const = default;
    bool has(uint32_t id) const { return id == real || id == effective || id == saved; }
    bool is_only(uint32_t id) const { return real == id && effective == id && saved == id; }
    bool any_zero() const { return real == 0 || effective == 0 || saved == 0; }
};

inline constexpr uint32_t unchanged_id = UINT32_MAX;  // -1 in chown(2) and setresuid(2)

// What execve(2) finds in the file that it runs.
struct ExecutableRights {
    std::optional<uint32_t> set_user = std::nullopt, set_group = std::nullopt;
    uint64_t permitted = 0;  // of its capabilities
    bool effective = false;

    bool are_any() const { return set_user || set_group || permitted != 0; }
};

struct Credentials;

// What a process becomes once it executes one certain file: what its path leads to by then may be another.
struct Promise {
    dev_t device = 0;
    ino_t inode = 0;
    std::shared_ptr<const Credentials> before, after;  // without promises
};

class PromiseReference {
  public:
    PromiseReference() = default;
    explicit PromiseReference(Promise promise) : promise_(std::make_shared<const Promise>(std::move(promise))) {}
    explicit operator bool() const { return promise_ != nullptr; }
    const Promise& operator*() const { return *promise_; }
    const Promise* operator->() const { return promise_.get(); }
    bool operator==(const PromiseReference& other) const;  // of what is promised

  private:
    std::shared_ptr<const Promise> promise_;
};

// A default-constructed one is root's.
struct Credentials {
    static constexpr uint64_t all_capabilities = UINT64_MAX;  // as many as the kernel lets the process have

    IdSet user, group;
    std::vector<uint32_t> groups = {0};  // supplementary, sorted
    bool keep_capabilities = false;
    uint64_t permitted = all_capabilities, effective = all_capabilities;
    PromiseReference promise;  // what stands beside it is then `before`; nobody but the table sees one
    bool operator==(const Credentials&) const = default;

    bool capable(unsigned capability) const { return (effective >> capability & 1) != 0; }
    // Whether file permissions do not count for it at all.
    bool unrestricted() const;
    // Whether what it makes is 0:0's, where a directory does not say otherwise.
    bool makes_root_files() const { return user.file_system == 0 && group.file_system == 0; }
    bool in_group(uint32_t gid) const;
    // False: EPERM.
    bool set_ids(IdSet Credentials::*which, uint32_t id);
    bool set_real_effective(IdSet Credentials::*which, uint32_t real, uint32_t effective_id);
    bool set_all(IdSet Credentials::*which, uint32_t real, uint32_t effective_id, uint32_t saved);
    bool set_capabilities(uint64_t new_permitted, uint64_t new_effective);
    uint32_t set_file_system(IdSet Credentials::*which, uint32_t id);  // returns the one before
    // As execve(2) of such a file.
    void execute(const ExecutableRights& file);
    // With which access(2) asks: the real ids as if they were the effective ones.
    Credentials as_real() const;

  private:
    bool may_set(IdSet Credentials::*which) const;
    void follow_user(const IdSet& before);
};

Credentials credentials_of(const Identity& identity);

// Whose credentials a process has is kept with the process by the kernel: as the soft limit of RLIMIT_RTTIME, which
// means nothing to a process without a real-time policy, and which it passes on over fork and exec. What no process has
// any more is forgotten when there is much. Thread-safe.
class CredentialTable {
  public:
    using Shared = std::shared_ptr<const Credentials>;

    // `proc` is a directory of a procfs with all processes that can have any.
    explicit CredentialTable(int proc) : proc_(proc) {}

    // Throws unsupported where the calling process's hard limit, which its children inherit, leaves no room.
    static void require_room();
    // Root's for a process that is gone.
    Shared of(pid_t process) const;
    // As long as the process executes the file with this status, it is `after`; else what it is now. Throws as set().
    void promise(pid_t process, const struct stat& file, const Credentials& after);
    // It is what it is, whatever it executes from now on. Throws as set().
    void settle(pid_t process);
    // Throws system errors other than ESRCH: a process that is gone needs none. ENOMEM when more are in use than
    // anybody has who does not mean to.
    void set(pid_t process, const Credentials& credentials);

  private:
    using Known = std::vector<Shared>;  // without those that were forgotten; an index is never another's again
    void make_room(Known& known, size_t bytes);
    Shared entry_of(pid_t process) const;
    Shared kept(const Promise& promise, pid_t process) const;

    int proc_;
    Shared root_ = std::make_shared<const Credentials>(), nobody_ = nobody();
    static Shared nobody();
    size_t bytes_ = 0, next_look_ = 0;  // of what is known; when to look what can be forgotten
    mutable Synchronized<Known> known_{Known(1, root_)};
    std::atomic<bool> all_root_ = true;  // no other was ever set
};

}  // namespace gbuild::sandbox
