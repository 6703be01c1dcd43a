#include "own_program.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

#include "gbuild/base/fd.h"

namespace gbuild::sandbox {

namespace {

constexpr int most_interpreters = 5;  // as many scripts the kernel takes one after the other

std::optional<struct stat> status_of(const char* path) {
    struct stat status {};
    if (::stat(path, &status) != 0) return std::nullopt;
    return status;
}

// The program that a script names in its first line; "" when it is no script.
std::string interpreter_of(const std::string& path) {
    const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    if (!file) return "";
    std::array<char, 256> start;  // the kernel reads no more of it
    const ssize_t size = ::read(file.get(), start.data(), start.size());
    if (size < 2 || start[0] != '#' || start[1] != '!') return "";
    std::string_view line(start.data() + 2, static_cast<size_t>(size) - 2);
    line = line.substr(0, line.find('\n'));
    line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
    return std::string(line.substr(0, line.find_first_of(" \t")));
}

bool leads_to(const struct stat& own, std::string path) {
    for (int scripts = 0; scripts <= most_interpreters && !path.empty(); scripts++) {
        const auto status = status_of(path.c_str());
        if (!status) return false;
        if (status->st_dev == own.st_dev && status->st_ino == own.st_ino) return true;
        if (!S_ISREG(status->st_mode)) return false;
        path = interpreter_of(path);
    }
    return false;
}

}  // namespace

bool executes_own_program(const std::string& command, const std::string& path) {
    const auto own = status_of("/proc/self/exe");
    if (!own) return false;  // without /proc there is no such link
    if (command.find('/') != std::string::npos) return leads_to(*own, command);
    for (std::string_view rest = path;;) {
        const size_t end = rest.find(':');
        const std::string_view directory = rest.substr(0, end);
        if (leads_to(*own, std::string(directory.empty() ? "." : directory) + "/" + command)) return true;
        if (end == std::string_view::npos) return false;
        rest.remove_prefix(end + 1);
    }
}

}  // namespace gbuild::sandbox
