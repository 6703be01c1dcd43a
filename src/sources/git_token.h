// Tokens for repositories over HTTP, given as secrets: GIT_AUTH_TOKEN, and GIT_AUTH_TOKEN.HOST for one host (with its
// port, if it has one of its own).
#pragma once

#include <map>
#include <string>

namespace gbuild::build {

// `url` with what a token makes of its user information; as it is when there is no token, it has user information of
// its own, or is not http(s). The token for any host counts only for `home`, the repository that the user or the
// Dockerfile names: a submodule elsewhere is the repository's choice, not theirs. For the same reason no token
// goes over plain http to a submodule of an https repository.
std::string with_token(const std::string& url, const std::string& home,
                       const std::map<std::string, std::string>& secrets);

}  // namespace gbuild::build
