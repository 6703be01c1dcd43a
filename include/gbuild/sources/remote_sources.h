// Files from elsewhere, brought to directories of this machine: downloads and git repositories. What was fetched is
// kept in the store, and fetched again only when it changed.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "gbuild/base/atomic_file.h"
#include "gbuild/base/events.h"
#include "gbuild/base/synchronized.h"
#include "gbuild/copy/copy_inputs.h"
#include "gbuild/git/repository.h"
#include "gbuild/plan/plan.h"
#include "gbuild/registry/web.h"
#include "gbuild/sources/source_options.h"
#include "gbuild/store/store.h"

namespace gbuild::build {

// Thread-safe. What it gives stays until it is destroyed. Errors name the source, without secrets of its URL.
class RemoteSources {
  public:
    // All must outlive it.
    RemoteSources(const SourceOptions& options, const Credentials& credentials, const store::Store& store,
                  EventSink& events, std::stop_token stop);
    ~RemoteSources();

    // What ADD copies for `source`, with the checksum and whether to keep .git from its flags. Throws not_found,
    // unauthorized, network, integrity for another checksum, limit, interrupted.
    RemoteFiles files(const plan::RemoteSource& source, const plan::CopyStep& step);

    // A new directory with a repository's files; or what is at a URL.
    std::filesystem::path checkout(const plan::GitSource& source) { return check_out_anew(source).directory; }
    UniqueFd download(const plan::WebSource& source, const std::string& checksum);
    const store::Store& store() const { return store_; }
    void warn(const Warning& warning) { events_.emit(warning); }
    // A new, empty directory.
    std::filesystem::path new_directory();

  private:
    struct WebFile {
        UniqueFd fd;
        std::optional<int64_t> modified;
    };
    struct Known {
        std::mutex mutex;
        std::optional<RemoteFiles> files;
    };
    struct Checkout {
        std::filesystem::path directory;
        int64_t commit_time = 0;
    };
    // Of one repository, without its submodules.
    struct CheckedOut {
        int64_t commit_time = 0;
        std::vector<git::Submodule> submodules;
    };
    // Where a repository is a submodule: the URL of the outermost, and how deep inside it.
    struct Within {
        std::string home;
        int depth = 0;
    };
    WebFile obtain(const plan::WebSource& source, const std::optional<Digest>& checksum);
    std::optional<WebFile> stored(const Digest& digest, const std::string& last_modified) const;
    WebFile fetch_file(const plan::WebSource& source, const std::optional<Digest>& checksum);
    RemoteFiles place_file(const plan::WebSource& source, WebFile file);
    RemoteFiles git_files(const plan::GitSource& source);
    RemoteFiles web_files(const plan::WebSource& source, const std::string& checksum);
    std::filesystem::path agent() const;
    Checkout check_out_anew(const plan::GitSource& source);
    CheckedOut check_out_commit(const plan::GitSource& source, const std::filesystem::path& into,
                                const std::string& home);
    // Returns the commit's time.
    int64_t check_out(const plan::GitSource& source, const std::filesystem::path& into, const Within& within);

    const SourceOptions& options_;
    const Credentials& credentials_;
    const store::Store& store_;
    EventSink& events_;
    std::stop_token stop_;
    registry::WebClient web_;
    std::once_flag place_made_;
    std::optional<TempDir> place_;
    std::atomic<int> directories_ = 0;
    std::atomic<int> transfers_ = 0;
    Synchronized<std::map<std::pair<plan::RemoteSource, std::string>, std::shared_ptr<Known>>> known_;  // + checksum
};

}  // namespace gbuild::build
