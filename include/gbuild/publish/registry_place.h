// Which Golem registry is meant, and who we say we are: variables of the environment, and those of a .env file in the
// working directory, as the network's other tools read them.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "gbuild/registry/credentials.h"

namespace gbuild::publish {

// The base URL of a Golem registry, without a slash at its end.
class RegistryPlace {
  public:
    // Throws usage for anything but an http(s) URL without user information and query; `origin` says where it is from.
    RegistryPlace(const std::string& url, const std::string& origin);

    const std::string& url() const { return url_; }
    // "registry.golem.network", with a port that is not the scheme's own: what logins are kept under.
    const std::string& host() const { return host_; }
    // What is sent there can be read on the way.
    bool is_in_the_clear() const { return in_the_clear_; }

  private:
    std::string url_, host_;
    bool in_the_clear_;
};

// REGISTRY_URL, REGISTRY_USER and REGISTRY_TOKEN. An empty variable counts as not set.
struct RegistryVariables {
    std::string url, user, token;  // "" when not set
    // Which of them the .env file set.
    bool url_from_file = false, user_from_file = false, token_from_file = false;

    // Where the token is from, for messages.
    std::string token_origin() const;
};

// The environment, else the file .env in `directory` when there is one. Throws usage naming the file and the line for a
// value of ours that means something else to other readers; permission, io, limit.
RegistryVariables registry_variables(const registry::Environment& environment, const std::filesystem::path& directory);

// NAME=VALUE lines as dotenv has them: "export " before and blanks around the name, "#" comments, values in single or
// double quotes. Other lines are none of our business. Throws usage naming `file` for a value of one of the variables
// above that a shell would expand, or whose quote is not closed.
std::map<std::string, std::string> parse_dotenv(std::string_view text, const std::string& file);

// REGISTRY_URL, else the network's own registry.
RegistryPlace registry_place(const RegistryVariables& variables);

}  // namespace gbuild::publish
