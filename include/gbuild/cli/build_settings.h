// The options of `gbuild build` and `gbuild plan`: groups that each declare what is given on the command line and check
// and translate it. All apply() throw usage unless they say otherwise.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gbuild/cli/console.h"
#include "gbuild/cli/options.h"
#include "gbuild/cli/progress.h"
#include "gbuild/engine/build_options.h"

namespace gbuild::build {
struct FetchedContext;
}

namespace gbuild::cli {

// What is built.
struct SourceSettings {
    std::string context, file, ignore_file, target, platform = "linux/amd64";
    std::vector<std::string> build_args, build_arg_files, labels, build_contexts;

    void declare(OptionSet& options);
    // Reads standard input for "-f -". Throws not_found for a context that is not there, too.
    void apply(build::BuildOptions& build, const Console& console) const;
    // What gives an image without a tag its name: the context directory, or a name for a fetched one.
    std::filesystem::path named_after() const;
};

// Brings here what the context is when that is no directory; null when it is one. To be called while the process has
// one thread. The result must not outlive `options` and `events`.
std::shared_ptr<build::FetchedContext> fetch_context(build::BuildOptions& options, EventSink& events);

// Where base images come from.
struct RegistrySettings {
    std::string pull = "missing";
    std::string authfile, registry_config, min_speed, creds, certs_dir, retries, retry_delay, verify_tls = "true";
    std::vector<std::string> mirrors, insecure, ca_files;

    void declare(OptionSet& options);
    void apply(build::BuildOptions& build, const Console& console) const;
};

// How the work is done.
struct WorkSettings {
    std::string root, jobs, max_files;
    bool no_cache = false;
    std::vector<std::string> no_cache_filter, cache_from, cache_to;

    void declare(OptionSet& options);
    void apply(build::BuildOptions& build) const;
};

class KeyAgent;

// How RUN is executed.
struct RunSettings {
    std::string isolation = "auto", network = "default", timeout, memory, pids, shm_size;
    std::vector<std::string> allow, secrets, agents, hosts, limits;
    std::vector<std::shared_ptr<KeyAgent>> key_agents;  // for key files among `agents`, once applied

    void declare(OptionSet& options);
    // Reads the files of secrets, loads keys: throws what that does, too. Agents stay as long as this does.
    void apply(build::BuildOptions& build, const Console& console);
    // What is ignored of what was given, and why.
    std::vector<std::string> notices() const;
};

// What the image is like.
struct ImageSettings {
    std::string compression = "gzip", level, block_size = "128K", timestamp;
    std::string vm_user = "root";
    bool allow_unmountable_zstd = false, env_profile = false;

    void declare(OptionSet& options);
    void apply(build::BuildOptions& build, const Console& console) const;
};

// The `--root` of commands that only read the store.
void declare_root(OptionSet& options, std::string& root);
std::filesystem::path store_root(const std::string& root);

// Throws not_found naming the option.
void require_file(const std::string& option, const std::string& path);

// "131072", "128K", "1M": bytes; nullopt for anything else.
std::optional<uint64_t> parse_size(std::string_view text);

// Seconds since the epoch, or RFC 3339. Throws usage naming `what` ("--timestamp").
int64_t parse_timestamp(std::string_view text, std::string_view what);

}  // namespace gbuild::cli
