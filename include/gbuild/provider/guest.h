// The host's side of the protocol: a machine's init, and the commands that it runs.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <string_view>

#include "gbuild/base/fd.h"
#include "gbuild/base/stop_event.h"
#include "gbuild/provider/message.h"

namespace gbuild::provider {

// Who answers.
enum class Dialect : uint8_t {
    own,      // gbuild's init
    runtime,  // that of ya-runtime-vm: output is kept in a ring, and there is no input
};

struct Started {
    uint64_t process = 0;
    // 0, or why it did not start, and of gbuild's own init what exactly failed (wire::failure_…).
    int error_number = 0;
    uint64_t failure = wire::failure_program;
};

struct Ended {
    wire::End end = wire::End::exited;
    int code = 0;  // exit code, or the signal's number
    int exit_code() const { return end == wire::End::exited ? code : 128 + code; }
};

// What comes in while a command runs. Descriptors stay the caller's.
struct Feed {
    int input = -1;                                              // read and passed on
    int resized = -1;                                            // readable when the terminal has another size
    std::function<std::optional<TerminalSize>()> new_size = {};  // makes `resized` unreadable
};

// Gets what a process writes to descriptor 1 or 2.
using TakeOutput = std::function<void(uint32_t descriptor, std::string_view bytes)>;

// For one thread. Every call but the constructor throws io when the machine ends meanwhile, integrity when it answers
// nonsense, interrupted, and what the TakeOutput of any process throws.
class Guest {
  public:
    Guest(UniqueFd channel, Dialect dialect, std::stop_token stop);
    Guest(const Guest&) = delete;
    Guest& operator=(const Guest&) = delete;

    Dialect dialect() const { return dialect_; }
    // Whether the machine has ended.
    bool is_gone() const { return gone_; }

    // 0 or an errno.
    int mount(std::string_view tag, std::string_view path);
    void add_hosts(std::span<const std::pair<std::string, std::string>> hosts);
    // What it writes is delivered whenever something is waited for. Throws unsupported for what the dialect has no
    // words for.
    Started start(StartRequest request, TakeOutput take);
    Ended wait(uint64_t process, const Feed& feed);
    void kill(uint64_t process);
    // Bytes left in the root; nullopt where nobody can tell.
    std::optional<uint64_t> space();
    // The machine ends without delay, as far as it depends on it.
    void quit();

  private:
    struct Running {
        TakeOutput take;
        std::optional<Ended> ended;
        std::set<uint32_t> asked;     // descriptors whose output is on its way
        std::set<uint32_t> finished;  // whose last output has come
        bool feeding = false;         // input is on its way
        bool fed = false;             // all of it has come
    };
    using Handler = std::function<void(const AnswerMessage&)>;

    uint64_t send(const std::function<std::string(uint64_t id)>& request, Handler handler);
    AnswerMessage call(const std::function<std::string(uint64_t id)>& request);
    [[noreturn]] void lose_machine();
    void exchange(uint64_t process, const Feed& feed);
    void read_channel();
    void write_channel();
    void handle(const AnswerMessage& answer);
    void ask_output(uint64_t process, uint32_t descriptor);
    void pass_on(uint64_t process, int input);

    UniqueFd channel_;
    Dialect dialect_;
    std::stop_token stop_;
    StopEvent stopped_;
    bool gone_ = false;
    uint64_t next_ = 1;
    std::string outgoing_;
    AnswerReader answers_;
    std::map<uint64_t, Handler> handlers_;
    std::map<uint64_t, Running> running_;
};

}  // namespace gbuild::provider
