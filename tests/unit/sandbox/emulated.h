// Runs checks in a process whose system calls a supervisor answers, in a user namespace with one id.
#pragma once

#include <sys/stat.h>

#include <functional>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "gbuild/sandbox/emulation.h"
#include "support/catch.h"

namespace gbuild::test {

// What a process found wrong, one line each: Catch's own checks do not reach over a fork.
class Report {
  public:
    explicit Report(int fd) : fd_(fd) {}
    void equal(const std::string& found, const std::string& expected, const char* what, int line) const;

  private:
    int fd_;
};

// In the body of run_emulated, with `report` in scope: what both are, as text.
#define EXPECT_TEXT(found, expected) report.equal(::gbuild::test::text(found), expected, #found, __LINE__)
// The result of a system call: a number, or the name of the error.
#define EXPECT_CALL(call, expected) report.equal(::gbuild::test::outcome(call), expected, #call, __LINE__)

inline std::string text(const std::string& value) { return value; }
inline std::string text(const char* value) { return value; }
template <class Number>
requires std::is_arithmetic_v<Number> std::string text(Number value) { return fmt::format("{}", value); }
std::string outcome(long result);

// Looks at files as the emulated process sees them: "5:6", "5:6 4755", "-> target".
std::string owner(const std::string& path);
std::string own_owner(const std::string& path);  // of a symbolic link itself
std::string owner_and_mode(const std::string& path);
std::string owner(int fd);
// "real effective saved" and the same for groups, "1000 1000 1000 / 100 100 100".
std::string identity();
void write_file(const std::string& path, const std::string& text, mode_t mode = 0644);
// Sets all ids as su(1) does, which must work.
void become(uint32_t uid, uint32_t gid);
// Runs `body` in a forked process and waits: false when it was killed or returned false.
bool in_child(const std::function<bool()>& body);

struct EmulatedOptions {
    sandbox::FilterOptions filter = {};
    sandbox::Identity identity = {};
    unsigned threads = 2;
    std::vector<PathRecord> known = {};
    // In the supervisor's process, in the namespaces: before it starts, and when the body has ended.
    std::function<void(const Report&)> before = {};
    std::function<void(const Report&, const sandbox::FinalOwners&)> after = {};
};

// Runs `body` with a scratch directory as its working directory, on a file system with extended attributes. What went
// wrong comes back; "" is good. Skips (and says why) where there are no user namespaces: then "" too.
std::string run_emulated(const std::function<void(const Report&)>& body, const EmulatedOptions& options = {});

#define REQUIRE_EMULATED(...) REQUIRE(::gbuild::test::run_emulated(__VA_ARGS__) == "")

}  // namespace gbuild::test
