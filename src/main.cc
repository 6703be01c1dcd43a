#include <clocale>
#include <string>
#include <vector>

#include <unistd.h>

#include "gbuild/cli/main.h"
#include "gbuild/cli/signals.h"

int main(int argc, char** argv) {
    std::setlocale(LC_CTYPE, "C.UTF-8");
    gbuild::cli::begin_with_default_signals();
    gbuild::cli::FdOutput out(STDOUT_FILENO, gbuild::cli::WriteErrors::raise);
    gbuild::cli::FdOutput err(STDERR_FILENO, gbuild::cli::WriteErrors::ignore);
    gbuild::cli::Console console{out, err, gbuild::cli::process_environment};
    return gbuild::cli::main(std::vector<std::string>(argv + (argc > 0 ? 1 : 0), argv + argc), console);
}
