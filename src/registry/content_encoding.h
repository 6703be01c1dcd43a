// Answers that were compressed on their way, although gbuild asks for none of that.
#pragma once

#include <string>

#include "transport.h"

namespace gbuild::registry {

// The coding of an answer's body, lower case; "" for none ("identity").
std::string content_encoding(const Response& response);

// The JSON text in the body of `response`, of at most `cap` bytes: inflated where it says gzip or zstd, unless what
// came is plain JSON all the same. Throws network naming another coding, integrity for damaged data, limit beyond
// `cap`.
std::string decoded(const Response& response, std::string body, size_t cap, const std::string& what);

[[noreturn]] void throw_unasked_encoding(const Response& response, const std::string& what);

}  // namespace gbuild::registry
