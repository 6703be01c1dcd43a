// Lines of a Dockerfile as they may be shown.
#pragma once

#include <string>

namespace gbuild {

// Text with each byte of a user name and password in a URL as "*", so that columns stay what they are. What is up to
// the last "@" of the part between "//" and the next slash, blank or quote counts as that, whether it is well-formed or
// not.
std::string with_hidden_logins(std::string text);

}  // namespace gbuild
