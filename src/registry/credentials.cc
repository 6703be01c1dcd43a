#include "gbuild/registry/credentials.h"

#include <unistd.h>

#include <cstdlib>
#include <exception>
#include <map>
#include <memory>
#include <mutex>
#include <set>

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
    State(AuthFiles from, std::function<void(const std::string&)> to, std::chrono::seconds timeout,
          std::optional<Credential> credential) :
        files(std::move(from)), notice(std::move(to)), helper_timeout(timeout), given(std::move(credential)) {}

    AuthFiles files;
    std::function<void(const std::string&)> notice;
    std::chrono::seconds helper_timeout;
    const std::optional<Credential> given;
    Synchronized<std::optional<std::vector<AuthFile>>> loaded;

    // Helpers may be slow, and ask their user: each is run once for a registry, and whoever wants its answer meanwhile
    // waits. Failures are remembered, too.
    struct Helper {
        std::mutex mutex;
        std::optional<CommandResult> result;
        std::exception_ptr failure;
    };
    Synchronized<std::map<std::pair<std::string, std::string>, std::shared_ptr<Helper>>> helpers;
    Synchronized<std::set<std::string>> told;

    CommandResult run_once(const std::vector<std::string>& argv, const CommandOptions& options) {
        std::shared_ptr<Helper> helper;
        {
            auto known = helpers.lock();
            auto& found = (*known)[{argv.at(0), options.input}];
            if (!found) found = std::make_shared<Helper>();
            helper = found;
        }
        std::lock_guard lock(helper->mutex);
        if (helper->failure) std::rethrow_exception(helper->failure);
        if (helper->result) return *helper->result;
        try {
            helper->result = run_command(argv, options);
        } catch (const Error& error) {
            if (error.kind() != ErrorKind::interrupted) helper->failure = std::current_exception();
            throw;
        }
        return *helper->result;
    }
    void tell(const std::string& trouble) {
        if (!trouble.empty() && notice && told.lock()->insert(trouble).second) notice(trouble);
    }

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

CredentialStore::CredentialStore(AuthFiles files, std::function<void(const std::string&)> notice,
                                 std::chrono::seconds helper_timeout, std::optional<Credential> given) :
    state_(std::make_unique<State>(std::move(files), std::move(notice), helper_timeout, std::move(given))) {}
CredentialStore::~CredentialStore() = default;

FoundCredential CredentialStore::find(const std::string& registry, const std::string& repository,
                                      const std::stop_token& stop) {
    if (state_->given) return {state_->given, {}};
    std::string first_trouble;
    auto run = [this](const std::vector<std::string>& argv, const CommandOptions& options) {
        return state_->run_once(argv, options);
    };
    for (const auto& file : state_->load()) {
        FoundCredential found = file.find(registry, repository, run, state_->helper_timeout, stop);
        state_->tell(found.trouble);
        if (found.credential) return found;
        if (first_trouble.empty()) first_trouble = std::move(found.trouble);
    }
    return {std::nullopt, std::move(first_trouble)};
}

}  // namespace gbuild::registry
