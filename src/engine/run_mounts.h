// The mounts of one RUN while it runs.
#pragma once

#include <list>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "gbuild/bases/environment.h"
#include "gbuild/steps/run_options.h"
#include "gbuild/store/store.h"
#include "mount_sources.h"
#include "ssh_forwarder.h"

namespace gbuild::build {

struct RunMountsJob {
    const std::vector<plan::RunMount>& mounts;
    const tree::Tree& tree;  // the image that they are mounted in
    const RunOptions& options;
    const Environment& env;
    MountSources& sources;
    RootContext& disk;
    int64_t epoch = 0;
    // Whether a cache, by its key or directory, is to begin anew: once in a build that ignores what is kept.
    std::function<bool(const std::string& cache)> renews;
    std::string scope;  // who else may use the caches: "" everybody (CacheImport::scope)
};

// Holds what the mounts need as long as it lives: locks on caches, connections to agents, directories for what is
// discarded.
class RunMounts {
  public:
    // Makes or finds all that is to be mounted; waits for caches that others have locked. Throws, each with the mount's
    // place: dockerfile for a source that is not there, not_found for a required secret or agent that was not given,
    // unsupported where nothing can be mounted.
    explicit RunMounts(const RunMountsJob& job);
    ~RunMounts();  // removes what was written to bind mounts
    RunMounts(const RunMounts&) = delete;
    RunMounts& operator=(const RunMounts&) = delete;

    // Adds mounts and variables. `step` has its recorded owners already; those of files that the mounts hide are taken
    // out.
    void add_to(sandbox::Step& step);
    // Puts these back, and takes out what is told of files in the mounts.
    void take_out_of(sandbox::FinalOwners& owners) const;

  private:
    struct Ready {
        std::optional<sandbox::StepMount> mount;
        std::vector<PathRecord> owners;  // by the path below the mount
        std::vector<std::pair<std::string, std::string>> variables;
        bool has_devices = false;
    };
    Ready prepare(const plan::RunMount& mount);
    Ready bind(const plan::RunMount& mount);
    Ready cache(const plan::RunMount& mount);
    store::Cache take_cache(const std::string& key, const plan::RunMount& mount, dockerfile::MountSharing sharing);
    void renew(const store::Cache& cache, const plan::RunMount& mount);
    Ready secret(const plan::RunMount& mount) const;
    Ready agent(const plan::RunMount& mount);
    Ready memory(const plan::RunMount& mount);
    void require_possible(const plan::RunMount& mount) const;
    void take_caches();
    std::string cache_key(const plan::RunMount& mount);
    void fill_cache(const plan::RunMount& mount, const std::filesystem::path& directory);
    std::string temporary_directory();
    bool is_hidden(const std::string& path) const;

    RunMountsJob job_;
    bool moves_;  // nothing can be mounted
    std::vector<Ready> ready_;
    std::map<const plan::RunMount*, std::string> keys_;  // of caches
    std::map<std::string, store::Cache> caches_;         // by key
    std::list<SshForwarder> forwarders_;
    std::vector<std::string> temporary_;
    std::vector<std::string> places_;  // of the mounts in the image, without "/" in front
    std::vector<PathRecord> hidden_;
};

}  // namespace gbuild::build
