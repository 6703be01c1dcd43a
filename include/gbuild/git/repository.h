// Git repositories: commits fetched from remote ones into a local bare one, and their files written to a directory.
//
// What a commit gives depends on nothing but the commit: no configuration of the user or the machine is read, and no
// filter or attribute changes contents. Servers are reached over HTTP (registry part), the git protocol, and the user's
// ssh program with its configuration. History is not fetched where the server can leave it out.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "gbuild/base/error.h"
#include "gbuild/base/rooted.h"
#include "gbuild/registry/web.h"

namespace gbuild::git {

// The local repository cannot be read or written as it should; one made anew may do. An integrity error like others,
// but none about what a commit holds.
class DamagedRepository : public Error {
  public:
    explicit DamagedRepository(const Error& error) : Error(error) {}
};

// Where commits are fetched from.
struct Remote {
    // http(s)://, git://, ssh:// or USER@HOST:PATH; user information becomes HTTP's Basic authentication.
    std::string url;
    registry::WebClient& web;
    std::filesystem::path spool;             // a directory for what is on its way
    std::function<void(uint64_t)> received;  // bytes so far; may be empty
    std::stop_token stop;
    std::filesystem::path agent = {};  // socket of the ssh agent; "": the environment's
};

// A repository inside a checked-out one (gitmodules(5)).
struct Submodule {
    std::string path;       // below the directory that was checked out; "": the directory is it, or lies in it
    std::string url;        // as .gitmodules has it: may be relative to that of the repository
    std::string commit;     // 40 hex digits
    std::string directory;  // what is wanted of it; "": everything
};

// A bare repository. Not thread-safe; one process at a time.
class Repository {
  public:
    // Opens the one in `directory`, or makes it; what is there and is no repository is replaced.
    explicit Repository(const std::filesystem::path& directory);
    Repository(Repository&&) noexcept;
    ~Repository();

    // Whether the commit (40 hex digits) is here.
    bool has_commit(const std::string& id) const;
    // When the commit, which is here, was committed: seconds since 1970.
    int64_t commit_time(const std::string& id) const;
    // The commit that `ref` was at the last fetch().
    std::optional<std::string> last_fetched(const std::string& ref) const;

    // The commit (40 hex digits) that `ref` is in the remote, with all that belongs to it: HEAD when it is empty, a
    // full name ("refs/pull/1/head"), a branch, a tag, or a commit's id; a branch counts before a tag. Only what is not
    // here is transferred, and no history where the server can leave it out. Throws not_found for a ref that the remote
    // does not have, with a likely name; network, unauthorized, unsupported for another protocol, integrity, limit,
    // interrupted.
    std::string fetch(const Remote& remote, const std::string& ref);

    // Writes the files of a commit's directory ("" or "/": the whole commit) to `into`, which is empty: modes 0644,
    // 0755 and, of directories, 0755. Returns the submodules, whose directories are made and empty; where the directory
    // is one or lies in one, nothing but that. Symbolic links on the way to the directory are followed inside the
    // commit. Throws not_found for a directory that the commit does not have, integrity for names that no file may
    // have, DamagedRepository, limit, io, interrupted.
    std::vector<Submodule> checkout(const std::string& commit, const std::string& directory, const RootedDir& into,
                                    const std::stop_token& stop) const;

    // Makes `into` (an existing, empty directory, ".git" of what was checked out) a repository of one commit without
    // its history: HEAD detached at it, and `url` as "origin". A function of the commit and the URL.
    void write_git_directory(const std::string& commit, const std::string& url,
                             const std::filesystem::path& into) const;

  private:
    struct State;
    std::unique_ptr<State> state_;
};

// A submodule's URL, made absolute by that of the repository it is in. Throws integrity when it leaves the host.
std::string resolve_submodule_url(const std::string& parent, const std::string& url);

// "libgit2 1.5.1": what reads and writes objects.
std::string library_version();

}  // namespace gbuild::git
