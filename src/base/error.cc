#include "gbuild/base/error.h"

#include <cerrno>
#include <cstring>

#include <fmt/format.h>

namespace gbuild {

namespace {

ErrorKind kind_of_errno(int error_number) {
    switch (error_number) {
    case ENOSPC:
    case EDQUOT: return ErrorKind::no_space;
    case EACCES:
    case EPERM:
    case EROFS: return ErrorKind::permission;
    case ENOENT: return ErrorKind::not_found;
    default: return ErrorKind::io;
    }
}

// Of what a process may use at all.
const char* remedy_for_limit(int error_number) {
    switch (error_number) {
    case EFBIG: return "raise the limit on the size of files (ulimit -f), or use a file system that has larger ones";
    case EMFILE: return "raise the limit on open files (ulimit -n)";
    case ENOMEM: return "memory is short, or limited (ulimit -v, or the container's limit)";
    default: return nullptr;
    }
}

}  // namespace

Error system_error(int error_number, std::string_view what) {
    char buffer[128];
    const char* text = strerror_r(error_number, buffer, sizeof buffer);  // GNU variant: thread-safe, returns the text
    Error error(kind_of_errno(error_number), fmt::format("{}: {}", what, text));
    if (error.kind() == ErrorKind::no_space) error.hint("free some space there, or choose another place");
    if (const char* remedy = remedy_for_limit(error_number)) error.hint(remedy);
    return error;
}

void throw_errno(std::string_view what) { throw system_error(errno, what); }

}  // namespace gbuild
