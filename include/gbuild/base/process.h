// Running a helper program of the host: arguments as a list, no shell, output captured within a cap.
#pragma once

#include <chrono>
#include <stop_token>
#include <string>
#include <vector>

namespace gbuild {

struct CommandResult {
    int exit_code = 0;  // 128 + signal when killed
    std::string out;
    std::string err;
};

struct CommandOptions {
    std::string input;                 // given to stdin, then closed
    size_t output_cap = 1 << 20;       // more is a limit error
    std::chrono::seconds timeout{60};  // longer kills the child: an io error
    std::stop_token stop;              // kills the child: an interrupted error
};

// Runs argv[0], looked up in PATH, with the caller's environment. Throws not_found when there is no such program.
// Returns when the program itself has ended; what its own children write after that is not waited for.
CommandResult run_command(const std::vector<std::string>& argv, const CommandOptions& options = {});

}  // namespace gbuild
