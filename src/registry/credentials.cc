#include "gbuild/registry/credentials.h"

#include <unistd.h>

#include <cstdlib>
#include <memory>

#include <fmt/format.h>

#include "gbuild/base/error.h"
#include "gbuild/base/fd.h"
#include "gbuild/base/synchronized.h"
#include "gbuild/base/text.h"

namespace gbuild::registry {

namespace {

constexpr size_t max_auth_file = 4u << 20;

}  // namespace

std::optional<std::string> process_environment(const char* name) {
    const char* value = std::getenv(name);
    if (!value || !*value) return std::nullopt;
    return value;
}

AuthFiles auth_files(const std::optional<std::filesystem::path>& authfile, const Environment& environment) {
    if (authfile) return {{*authfile}, true};
    if (auto path = environment("REGISTRY_AUTH_FILE")) return {{*path}, true};
    AuthFiles files;
    auto home = environment("HOME");
    auto add = [&](const char* variable, const char* in_home, const char* file) {
        if (auto directory = environment(variable))
            files.paths.push_back(std::filesystem::path(*directory) / file);
        else if (home)
            files.paths.push_back(std::filesystem::path(*home) / in_home / file);
    };
    add("DOCKER_CONFIG", ".docker", "config.json");
    if (auto directory = environment("XDG_RUNTIME_DIR"))
        files.paths.push_back(std::filesystem::path(*directory) / "containers/auth.json");
    else
        files.paths.emplace_back(fmt::format("/run/containers/{}/auth.json", ::getuid()));
    add("XDG_CONFIG_HOME", ".config", "containers/auth.json");
    return files;
}

struct CredentialStore::State {
    State(AuthFiles from, AuthFile::Notice to) : files(std::move(from)), notice(std::move(to)) {}

    AuthFiles files;
    AuthFile::Notice notice;
    Synchronized<std::optional<std::vector<AuthFile>>> loaded;

    // The lock is not held while a helper runs: helpers may be slow, and ask their user.
    std::vector<AuthFile> load() {
        auto access = loaded.lock();
        if (!*access) *access = read_all();
        return **access;
    }
    std::vector<AuthFile> read_all() const {
        std::vector<AuthFile> out;
        for (const auto& path : files.paths) {
            try {
                out.emplace_back(read_text_file(path, max_auth_file), path);
            } catch (Error& error) {
                if (error.kind() == ErrorKind::not_found && !files.required) continue;
                throw Error(error).context("reading credentials");
            }
        }
        return out;
    }
};

CredentialStore::CredentialStore(AuthFiles files, AuthFile::Notice notice) :
    state_(std::make_unique<State>(std::move(files), std::move(notice))) {}
CredentialStore::~CredentialStore() = default;

std::optional<Credential> CredentialStore::find(const std::string& registry, const std::string& repository,
                                                const std::stop_token& stop) {
    for (const auto& file : state_->load()) {
        if (auto found = file.find(registry, repository, run_command, state_->notice, stop)) return found;
    }
    return std::nullopt;
}

}  // namespace gbuild::registry
