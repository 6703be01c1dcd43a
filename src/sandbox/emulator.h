// Answers single calls of emulated processes. Thread-safe: several threads answer at once.
#pragma once

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <optional>
#include <string>

#include "blocked_opens.h"
#include "credentials.h"
#include "gbuild/sandbox/emulation.h"
#include "ownership.h"
#include "syscalls.h"
#include "tracee.h"

struct seccomp_notif;

namespace gbuild::sandbox {

// What the kernel is to do about a call.
struct Answer {
    enum class Kind : uint8_t {
        proceed,   // execute it as if nothing had been
        finished,  // return `value`
        later,     // nothing yet: somebody else answers
    };
    Kind kind = Kind::proceed;
    int64_t value = 0;

    static Answer proceed() { return {}; }
    static Answer later() { return {Kind::later, 0}; }
    static Answer result(int64_t value) { return {Kind::finished, value}; }
};

// One call, taken apart.
class Request {
  public:
    Request(const seccomp_notif& notification, const SyscallEntry& entry, int proc, const CredentialTable& credentials);

    Call call() const { return entry_.syscall->call; }
    Abi abi() const { return entry_.abi; }
    bool narrow() const { return entry_.narrow; }
    std::string_view name() const { return entry_.syscall->name; }
    uint64_t id() const { return id_; }
    const Tracee& tracee() const { return tracee_; }
    // Who asks.
    const Credentials& process() const { return *process_; }

    uint64_t argument(int number) const;  // as wide as the interface has it
    int integer(int number) const { return static_cast<int>(argument(number)); }
    uint32_t user_or_group(int number) const;  // -1 stays -1 for narrow ones, too
    int directory() const;                     // AT_FDCWD where the call has none
    bool has_path() const { return entry_.syscall->path >= 0; }
    // The path argument; read once.
    const std::string& path() const;
    // The arguments from this number on, for calls that differ in what stands before them.
    int after_path(int offset) const { return entry_.syscall->path + offset; }

  private:
    const SyscallEntry& entry_;
    uint64_t id_;
    uint64_t arguments_[6];
    Tracee tracee_;
    CredentialTable::Shared process_;
    mutable std::string path_;
    mutable bool path_read_ = false;
};

struct Opening;  // handlers_open.cc

class Emulator {
  public:
    Emulator(int listener, int proc, Emulation emulation) :
        listener_(listener), proc_(proc), emulation_(emulation), credentials_(proc), blocked_opens_(listener, proc) {}

    // Throws CallError for a call that fails.
    Answer answer(const seccomp_notif& notification);

    CredentialTable& credentials() { return credentials_; }
    OwnerBook& owners() { return owners_; }
    BlockedOpens& blocked_opens() { return blocked_opens_; }
    // There are device nodes already.
    void expect_devices() { has_devices_ = true; }

  private:
    using Handler = Answer (Emulator::*)(const Request&);
    static Handler handler_for(Call call);

    // handlers_owner.cc
    Answer change_owner(const Request& request);
    // handlers_create.cc
    Answer make_node(const Request& request);
    Answer make_named(const Request& request);  // mkdir, symlink
    // handlers_open.cc
    Answer open_file(const Request& request);
    // handlers_names.cc
    Answer remove_name(const Request& request);
    Answer move_name(const Request& request);
    Answer link_name(const Request& request);
    // handlers_permission.cc
    Answer change_mode(const Request& request);
    Answer truncate_file(const Request& request);
    Answer change_times(const Request& request);
    Answer may_access(const Request& request);
    Answer enter_directory(const Request& request);
    Answer change_root(const Request& request);
    // handlers_stat.cc
    Answer stat_file(const Request& request);
    // handlers_process.cc
    Answer set_ids(const Request& request);
    Answer set_groups(const Request& request);
    Answer get_id(const Request& request);
    Answer get_ids(const Request& request);
    Answer get_groups(const Request& request);
    Answer send_signal(const Request& request);
    Answer hide_limit(const Request& request);
    // handlers_capability.cc
    Answer get_capabilities(const Request& request);
    Answer set_capabilities(const Request& request);
    Answer keep_capabilities(const Request& request);
    // handlers_exec.cc
    Answer execute(const Request& request);
    // handlers_socket.cc
    Answer ask_socket(const Request& request);
    Answer bind_socket(const Request& request);
    Answer call_socket(const Request& request);
    // handlers_xattr.cc
    Answer list_attributes(const Request& request);
    Answer get_attribute(const Request& request);
    Answer set_attribute(const Request& request);

    // Throws CallError ESRCH when the process has gone and its number may be another's.
    void check_alive(const Request& request) const;

    // permission.cc. The files are O_PATH descriptors; CallError is EACCES, or EPERM where only the owner may.
    // Whether `process` may do `mask` (R_OK, W_OK, X_OK) with a file.
    bool permits(const Credentials& process, int file, int mask) const;
    bool permits(const Credentials& process, int file, struct stat native, int mask) const;
    void require(const Credentials& process, int file, int mask) const;
    void require_owner(const Credentials& process, int file) const;
    void require_removable(const Credentials& process, const Walked& place) const;
    void require_linkable(const Credentials& process, int file) const;
    bool is_of_processes(int file) const;  // in procfs
    // A file of a process that is not for everybody is for its like alone; of ours, what is public.
    void require_readable_of_process(const Request& request, const Walked& place, mode_t mode) const;
    // Whether what another process has open may be reached: nothing of ours, as far as we decide that; EACCES.
    void require_inspectable(const Credentials& process, pid_t inspected) const;

    // The request's path, with the permissions of `process` to search.
    Walked walk(const Request& request, const Credentials& process, LastLink last) const;
    Walked walk(const Request& request, const Credentials& process, int directory, const std::string& path,
                LastLink last, uint64_t resolve = 0) const;
    // The file that a request names, by path or descriptor.
    UniqueFd target(const Request& request, const Credentials& process, LastLink last, bool may_be_empty) const;
    UniqueFd find(const Request& request, const Credentials& process, int directory, const std::string& path,
                  LastLink last) const;

    // Where something new is to be made: CallError `taken` for a name that is there already.
    Walked new_place(const Request& request, int directory, const std::string& path, int taken = EEXIST) const;
    // The owner of what the caller makes in a directory.
    RecordedOwner new_owner(const Request& request, int parent) const;
    // Cheap: certainly nothing is to be recorded about what the caller makes, and nothing forbids it to.
    enum class Parent : uint8_t { above, itself };  // of the request's path
    bool makes_natively(const Request& request, Parent parent = Parent::above) const;
    void record_new(int parent, const std::string& name, RecordedOwner owner);
    Answer make_device(const Request& request, mode_t mode, uint64_t device);
    bool opens_device(const Request& request, const Opening& opening) const;
    // nullopt: there is such a file already.
    std::optional<Answer> create_and_inject(const Request& request, const Opening& opening, int parent,
                                            const std::string& name);
    Answer open_found(const Request& request, const Opening& opening, const Walked& place);
    Answer inject(const Request& request, int fd, int flags) const;
    // A name that is taken away or given, by a process whose permissions are decided here: without a "/" at its end.
    // CallError `no_name` where the path ends in none.
    Walked named(const Request& request, int directory, std::string path, int no_name) const;

    std::string quick_path(const Request& request, bool& follow) const;
    Answer write_status(const Request& request, int file) const;
    void require_attribute(const Credentials& process, int file, const std::string& name) const;
    Answer peer_credentials(const Request& request, int socket, uint64_t to, uint64_t size_at) const;
    Answer bind_to_path(const Request& request, int socket, uint64_t from, uint32_t size);

    int listener_, proc_;
    Emulation emulation_;
    SyscallTable table_;
    CredentialTable credentials_;
    OwnerBook owners_;
    BlockedOpens blocked_opens_;
    std::atomic<bool> has_devices_ = false;
    std::atomic<bool> roots_vary_ = false;  // some process may have another root directory, or other mounts, than we
};

}  // namespace gbuild::sandbox
