// Answers single calls of emulated processes. Thread-safe: several threads answer at once.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

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
    };
    Kind kind = Kind::proceed;
    int64_t value = 0;

    static Answer proceed() { return {}; }
    static Answer result(int64_t value) { return {Kind::finished, value}; }
};

// One call, taken apart.
class Request {
  public:
    Request(const seccomp_notif& notification, const SyscallEntry& entry, int proc);

    Call call() const { return entry_.syscall->call; }
    Abi abi() const { return entry_.abi; }
    bool narrow() const { return entry_.narrow; }
    std::string_view name() const { return entry_.syscall->name; }
    uint64_t id() const { return id_; }
    const Tracee& tracee() const { return tracee_; }

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
    mutable std::string path_;
    mutable bool path_read_ = false;
};

class Emulator {
  public:
    Emulator(int listener, int proc, Emulation emulation) : listener_(listener), proc_(proc), emulation_(emulation) {}

    // Throws CallError for a call that fails.
    Answer answer(const seccomp_notif& notification);

    CredentialTable& credentials() { return credentials_; }
    OwnerBook& owners() { return owners_; }
    // There are device nodes already.
    void expect_devices() { has_devices_ = true; }

  private:
    using Handler = Answer (Emulator::*)(const Request&);
    static Handler handler_for(Call call);

    // handlers_files.cc
    Answer change_owner(const Request& request);
    Answer make_node(const Request& request);
    Answer make_named(const Request& request);  // mkdir, symlink
    Answer open_file(const Request& request);
    Answer remove_name(const Request& request);
    Answer move_name(const Request& request);
    Answer link_name(const Request& request);
    Answer change_mode(const Request& request);
    Answer truncate_file(const Request& request);
    Answer change_times(const Request& request);
    Answer enter_directory(const Request& request);
    Answer note_chroot(const Request& request);
    // handlers_stat.cc
    Answer stat_file(const Request& request);
    Answer may_access(const Request& request);
    // handlers_process.cc
    Answer set_ids(const Request& request);
    Answer set_groups(const Request& request);
    Answer get_id(const Request& request);
    Answer get_ids(const Request& request);
    Answer get_groups(const Request& request);
    Answer send_signal(const Request& request);
    Answer get_capabilities(const Request& request);
    Answer set_capabilities(const Request& request);
    Answer keep_capabilities(const Request& request);
    Answer execute(const Request& request);
    Answer peer_credentials(const Request& request);
    Answer hide_limit(const Request& request);
    // handlers_xattr.cc
    Answer list_attributes(const Request& request);
    Answer get_attribute(const Request& request);
    Answer set_attribute(const Request& request);

    // Throws CallError ESRCH when the process has gone and its number may be another's.
    void check_alive(const Request& request) const;
    // Whether `process` may do `mask` (R_OK, W_OK, X_OK) with a file.
    bool permits(const Credentials& process, int file, int mask) const;
    void require(const Credentials& process, int file, int mask) const;  // CallError EACCES
    // The request's path, with the permissions of `process` to search.
    Walked walk(const Request& request, const Credentials& process, LastLink last) const;
    Walked walk(const Request& request, const Credentials& process, int directory, const std::string& path,
                LastLink last) const;
    // The file that a request names, by path or descriptor.
    UniqueFd target(const Request& request, const Credentials& process, LastLink last, bool may_be_empty) const;
    // The owner of what `process` makes in a directory; nullopt when that is what the kernel gives it anyway.
    std::optional<RecordedOwner> new_owner(const Credentials& process, int parent) const;
    bool parent_passes_group(const Request& request) const;
    void check_removal(const Credentials& process, const Walked& place) const;
    void record_new(int parent, const std::string& name, RecordedOwner owner);
    Answer make_device(const Request& request, const Credentials& process, mode_t mode, uint64_t device);
    Answer create_and_inject(const Request& request, const Credentials& process, Walked place, int flags, mode_t mode);
    Answer create_restricted(const Request& request, const Credentials& process, int flags, mode_t mode,
                             uint64_t resolve);
    Answer inject(const Request& request, int fd, int flags) const;
    std::string quick_path(const Request& request, bool& follow) const;
    Answer write_status(const Request& request, int file) const;

    int listener_, proc_;
    Emulation emulation_;
    SyscallTable table_ = syscall_table();
    CredentialTable credentials_;
    OwnerBook owners_;
    std::atomic<bool> has_devices_ = false;
    std::atomic<bool> chrooted_ = false;  // some process has a root directory of its own
};

}  // namespace gbuild::sandbox
