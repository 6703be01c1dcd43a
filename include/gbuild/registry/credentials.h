// Who we are to a registry: auth files of docker and containers tools, and credential helper programs.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "gbuild/base/process.h"
#include "gbuild/registry/credential.h"

namespace gbuild::registry {

// What was found for a registry.
struct FoundCredential {
    std::optional<Credential> credential;
    // Why there is none where one was meant to be, by file and key, or by the helper's name; may be empty.
    std::string trouble;
};

// A variable of the environment; nullopt when not set. The default reads the process's own.
using Environment = std::function<std::optional<std::string>(const char* name)>;
std::optional<std::string> process_environment(const char* name);

// Where credentials are looked for, in order; the files need not exist unless `required`.
struct AuthFiles {
    std::vector<std::filesystem::path> paths;
    bool required = false;
};
// --authfile, else $REGISTRY_AUTH_FILE: that file alone. Else ${DOCKER_CONFIG:-~/.docker}/config.json,
// $XDG_RUNTIME_DIR/containers/auth.json (/run/containers/UID/auth.json without the variable),
// ${XDG_CONFIG_HOME:-~/.config}/containers/auth.json.
AuthFiles auth_files(const std::optional<std::filesystem::path>& authfile,
                     const Environment& environment = process_environment);

// Reads an auth file's text. `repository` ("team/app") makes keys such as "quay.io/team" match, the longest first;
// docker.io's legacy key https://index.docker.io/v1/ is known. Helpers (credHelpers, credsStore) are asked through
// `run`; one that cannot be run, or takes longer than `helper_timeout`, counts as having nothing, and so does a broken
// entry: that is the trouble of what was found. `stop` ends a helper at once, with an interrupted error.
class AuthFile {
  public:
    using Run = std::function<CommandResult(const std::vector<std::string>&, const CommandOptions&)>;
    // Throws usage naming `path` when the text is no auth file.
    AuthFile(std::string_view json, std::filesystem::path path);
    FoundCredential find(const std::string& registry, const std::string& repository, const Run& run,
                         std::chrono::seconds helper_timeout, const std::stop_token& stop) const;
    // "docker-credential-NAME": the program that is to keep this registry's login; "" when none is.
    std::string helper_program(const std::string& registry) const;

  private:
    struct Entry {
        std::string key;  // normalised
        FoundCredential found;
    };
    struct Helper {
        std::string registry;  // normalised; "" for credsStore
        std::string program;   // the part after docker-credential-
    };
    const Helper* helper_for(const std::string& registry) const;

    std::vector<Entry> entries_;
    std::vector<Helper> helpers_;
};

// Looks through all files, reading each at most once. Thread-safe.
class CredentialStore {
  public:
    // Trouble is told to `notice`, too, which may be empty. What is `given` is everybody's credential, and no file is
    // read.
    CredentialStore(AuthFiles files, std::function<void(const std::string&)> notice,
                    std::chrono::seconds helper_timeout, std::optional<Credential> given = {});
    ~CredentialStore();
    // Nothing found: nothing is known about this registry. Throws when a required file is not there or a file is
    // malformed, and interrupted.
    FoundCredential find(const std::string& registry, const std::string& repository, const std::stop_token& stop);

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace gbuild::registry
