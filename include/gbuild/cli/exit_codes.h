// Exit codes, by what a script can do about them. The man page's table says the same.
#pragma once

#include <array>
#include <string_view>

#include "gbuild/base/error.h"

namespace gbuild::cli {

struct ExitCode {
    int code;
    std::string_view meaning;
};

inline constexpr std::array<ExitCode, 14> exit_codes{{
    {0, "success"},
    {1, "internal error: a bug in gbuild; of gbuild diff: the images differ"},
    {2, "command line"},
    {3, "Dockerfile, .dockerignore, or what they ask of the build context"},
    {4, "file, image, tag or stage not found"},
    {5, "the registry wants (other) credentials"},
    {6, "network: connection, TLS, time-out, bad answer"},
    {7, "integrity: wrong digest, size or structure"},
    {8, "not supported, or beyond a limit"},
    {9, "the local system: I/O, disk full, permission, memory"},
    {10, "conflict: exists already, or in use"},
    {11, "a command of the Dockerfile failed"},
    {12, "gbuild check found something, or --verify a difference"},
    {130, "interrupted"},
}};

// Of what is no error, but an answer.
inline constexpr int images_differ = 1;  // as diff(1)
inline constexpr int check_found = 12;

int exit_code(ErrorKind kind);

// The kind as `--progress json` writes it: "not-found".
std::string_view kind_name(ErrorKind kind);

}  // namespace gbuild::cli
