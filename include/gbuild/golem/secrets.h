// Private keys and credentials in an image: every provider that runs it has them.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "gbuild/base/events.h"
#include "gbuild/tree/tree.h"

namespace gbuild::golem {

// The contents of a regular file of the tree that is not larger than max_secret_size.
using ReadContents = std::function<std::string(const std::string& path, const tree::Inode& file)>;
constexpr uint64_t max_secret_size = 256u << 10;

// secret-in-image: a warning that names ssh's host keys, and one that names other private keys (by name, or PEM in the
// places where they are kept) and files of programs that hold a password or token. What packages bring as examples and
// for their tests does not count. Throws what `read` does.
std::vector<Warning> find_secrets(const tree::Tree& tree, const ReadContents& read);

// Whether a file of this name is a private key or a list of passwords, whatever it holds: "id_rsa", ".netrc".
bool is_secret_name(std::string_view name);

}  // namespace gbuild::golem
