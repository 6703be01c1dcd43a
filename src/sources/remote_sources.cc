#include "gbuild/sources/remote_sources.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

#include "gbuild/base/byte_source.h"
#include "gbuild/base/remove_tree.h"
#include "gbuild/base/reporting_sink.h"
#include "gbuild/base/text.h"
#include "gbuild/git/repository.h"
#include "gbuild/registry/url.h"
#include "git_token.h"

namespace gbuild::build {

namespace fs = std::filesystem;

namespace {

constexpr uint64_t largest_download = uint64_t{64} << 30;
constexpr int deepest_submodule = 16;
constexpr const char* unnamed = "__unnamed__";  // what BuildKit calls the file of a URL without a path
constexpr int first_transfer = 1 << 20;         // layers count from 1

// A transfer's events; one that is left by an exception has no end, the error says more.
class TransferReport {
  public:
    TransferReport(EventSink& events, int id, std::string label) : events_(events), id_(id) {
        events_.emit(TransferStarted{id, 0, std::move(label), "fetching", 0});
    }
    TransferReport(const TransferReport&) = delete;
    TransferReport& operator=(const TransferReport&) = delete;

    void progress(uint64_t done) {
        is_cached_ = false;
        events_.emit(TransferProgress{id_, done});
    }
    void finish() const { events_.emit(TransferFinished{id_, is_cached_}); }
    void finish(bool is_cached) const { events_.emit(TransferFinished{id_, is_cached}); }

  private:
    EventSink& events_;
    int id_;
    bool is_cached_ = true;  // as long as nothing was transferred
};

bool has_contents(int fd, const Digest& digest) {
    VerifyingSource source(std::make_unique<FileSource>(duplicate(fd)), digest, {}, digest.text());
    try {
        while (!source.next().empty()) continue;
    } catch (const Error& error) {
        if (error.kind() != ErrorKind::integrity) throw;
        return false;
    }
    return ::lseek(fd, 0, SEEK_SET) == 0;
}

std::optional<int64_t> time_in(const std::string& last_modified) {
    const auto time = registry::parse_http_date(last_modified);
    return time && *time >= 0 ? time : std::nullopt;
}

void check_digest(const Digest& found, const std::optional<Digest>& expected) {
    if (!expected || found == *expected) return;
    throw Error(ErrorKind::integrity,
                fmt::format("it has the checksum {} instead of {}", found.text(), expected->text()))
        .hint("the file is not the one that was meant, or --checksum is wrong");
}

// Under another name in `directory`. The store may be emptied at any time, so that a copy is made where no link can be.
void link_or_copy(int fd, const fs::path& target) {
    const std::string source = fmt::format("/proc/self/fd/{}", fd);
    if (::linkat(AT_FDCWD, source.c_str(), AT_FDCWD, target.c_str(), AT_SYMLINK_FOLLOW) == 0) return;
    const UniqueFd copy = open_file(target, O_WRONLY | O_CREAT | O_EXCL, 0600);
    FileSource bytes(duplicate(fd));
    for (auto run = bytes.next(); !run.empty(); run = bytes.next()) write_all(copy.get(), run);
}

Error not_stored(const std::string& what) {
    return Error(ErrorKind::not_found, fmt::format("{} is not in the store", what))
        .hint("build without --pull=never, so that it is fetched");
}

bool is_commit_id(const std::string& text) {
    return text.size() == 40 && text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

// What the user can do about a server that wants to know who asks.
std::string fetch(git::Repository& repository, const git::Remote& remote, const std::string& ref) {
    try {
        return repository.fetch(remote, ref);
    } catch (Error& error) {
        if (error.kind() == ErrorKind::unauthorized && registry::Url::parse(remote.url)) {
            error.hint("check the URL; give a token with --secret id=GIT_AUTH_TOKEN,env=VARIABLE");
        }
        throw;
    }
}

// The commit that a source stands for, fetched as far as it is not in the store.
std::string obtain_commit(git::Repository& repository, const plan::GitSource& source, PullPolicy pull,
                          const git::Remote& remote) {
    for (const std::string& id : {source.ref, source.commit}) {
        if (is_commit_id(id) && repository.has_commit(id)) return *repository.last_fetched(id);
    }
    if (pull != PullPolicy::never) return fetch(repository, remote, source.ref);
    if (auto commit = repository.last_fetched(source.ref)) return *commit;
    throw not_stored(source.ref.empty() ? "the repository" : fmt::format("{} of the repository", quoted(source.ref)));
}

void check_commit(const std::string& commit, const std::string& expected) {
    if (commit.starts_with(expected)) return;
    throw Error(ErrorKind::integrity, fmt::format("it is at commit {} instead of {}", commit, expected))
        .hint("the repository is not what was meant, or the commit that is asked for is wrong");
}

}  // namespace

RemoteSources::RemoteSources(const SourceOptions& options, const Credentials& credentials, const store::Store& store,
                             EventSink& events, std::stop_token stop) :
    options_(options),
    credentials_(credentials),
    store_(store),
    events_(events),
    stop_(std::move(stop)),
    web_(options.registry) {}
RemoteSources::~RemoteSources() = default;

fs::path RemoteSources::new_directory() {
    std::call_once(place_made_, [&] { store_.writing([&] { place_.emplace(store_.staging()); }); });
    fs::path directory = place_->path() / std::to_string(directories_++);
    store_.writing([&] {
        if (::mkdir(directory.c_str(), 0700) != 0) {
            throw_errno(fmt::format("cannot create {}", quoted(directory.native())));
        }
    });
    return directory;
}

RemoteFiles RemoteSources::files(const plan::RemoteSource& written, const plan::CopyStep& step) {
    plan::RemoteSource source = written;
    std::string checksum = step.checksum;
    if (auto* git = std::get_if<plan::GitSource>(&source)) {
        // They do not contradict each other, so that the longer one says it all.
        if (checksum.size() > git->commit.size()) git->commit = to_lower(checksum);
        git->keep_git_dir = git->keep_git_dir.value_or(step.keep_git_dir);
        checksum.clear();
    }
    std::shared_ptr<Known> known;
    {
        auto all = known_.lock();
        auto& entry = (*all)[{source, checksum}];
        if (!entry) entry = std::make_shared<Known>();
        known = entry;
    }
    const std::lock_guard lock(known->mutex);
    if (!known->files) {
        const auto* git = std::get_if<plan::GitSource>(&source);
        known->files = git ? git_files(*git) : web_files(std::get<plan::WebSource>(source), checksum);
    }
    return *known->files;
}

RemoteFiles RemoteSources::git_files(const plan::GitSource& source) {
    const Checkout checkout = check_out_anew(source);
    auto directory =
        std::make_shared<ContextDir>(RootedDir(checkout.directory), ContextRules(), quoted(plan::shown(source)));
    return {std::move(directory), "", "", source.has_commit_time ? std::optional(checkout.commit_time) : std::nullopt};
}

RemoteFiles RemoteSources::web_files(const plan::WebSource& source, const std::string& checksum) {
    return with_context([&] { return fmt::format("fetching {}", plan::shown(source)); },
                        [&] {
                            // What is pinned by its checksum has nothing else of the server's.
                            const auto digest = Digest::parse(checksum);
                            WebFile file = obtain(source, digest);
                            if (digest) file.modified.reset();
                            return place_file(source, std::move(file));
                        });
}

UniqueFd RemoteSources::download(const plan::WebSource& source, const std::string& checksum) {
    return with_context([&] { return fmt::format("fetching {}", plan::shown(source)); },
                        [&] { return obtain(source, Digest::parse(checksum)).fd; });
}

std::optional<RemoteSources::WebFile> RemoteSources::stored(const Digest& digest,
                                                            const std::string& last_modified) const {
    auto fd = store_.open_blob(digest);
    if (!fd) return std::nullopt;
    if (has_contents(fd->get(), digest)) return WebFile{std::move(*fd), time_in(last_modified)};
    store_.remove_blob(digest);
    return std::nullopt;
}

RemoteSources::WebFile RemoteSources::obtain(const plan::WebSource& source, const std::optional<Digest>& checksum) {
    if (checksum) {
        if (auto file = stored(*checksum, "")) return std::move(*file);
    }
    const auto waiting = [&] {
        events_.emit(Notice{fmt::format("waiting for another gbuild that is fetching {}", plan::shown(source))});
    };
    const FileLock lock = store_.lock("download " + source.url, waiting, stop_);
    return fetch_file(source, checksum);
}

RemoteSources::WebFile RemoteSources::fetch_file(const plan::WebSource& source, const std::optional<Digest>& checksum) {
    const auto record = store_.remembered_download(source.url);
    auto known = record ? stored(record->digest, record->last_modified) : std::nullopt;
    if (options_.pull == PullPolicy::never) {
        if (!known) throw not_stored("it");
        check_digest(record->digest, checksum);
        return std::move(*known);
    }

    const std::string name = plan::file_name_of(source);
    const int id = first_transfer + transfers_++;
    TransferReport report(events_, id, name.empty() ? plan::shown(source) : name);
    registry::WebRequest request{source.url, {}, {}};
    if (known && !record->etag.empty()) request.headers.push_back("If-None-Match: " + record->etag);
    if (known && !record->last_modified.empty())
        request.headers.push_back("If-Modified-Since: " + record->last_modified);
    const auto blob = store_.new_blob(largest_download);
    ReportingSink sink(*blob, id, events_);
    const registry::WebAnswer answer = web_.fetch(request, sink, stop_);
    if (!answer.modified) {
        if (!known)
            throw Error(ErrorKind::network, "the server answers with status 304, though nothing was said to it");
        report.finish(true);
        check_digest(record->digest, checksum);
        store_.remember_download(source.url, *record);  // for who looks for what has not been used for long
        return std::move(*known);
    }
    report.finish(false);
    const Digest digest = blob->finish();
    check_digest(digest, checksum);
    blob->commit();
    store_.remember_download(source.url, {digest, answer.etag, answer.last_modified});
    auto fd = store_.open_blob(digest);
    if (!fd) throw Error(ErrorKind::io, "it was removed from the store meanwhile");
    return {std::move(*fd), time_in(answer.last_modified)};
}

RemoteFiles RemoteSources::place_file(const plan::WebSource& source, WebFile file) {
    const fs::path directory = new_directory();
    store_.writing([&] { link_or_copy(file.fd.get(), directory / "file"); });
    auto context = std::make_shared<ContextDir>(RootedDir(directory), ContextRules(), quoted(plan::shown(source)));
    std::string name = plan::file_name_of(source);
    if (name.empty()) name = unnamed;
    return {std::move(context), "file", std::move(name), file.modified};
}

RemoteSources::Checkout RemoteSources::check_out_anew(const plan::GitSource& source) {
    Checkout checkout{new_directory()};
    checkout.commit_time = check_out(source, checkout.directory, {source.url, 0});
    return checkout;
}

// The agent that the user named for steps is the one for repositories, too.
fs::path RemoteSources::agent() const {
    const auto found = credentials_.agents.find("default");
    return found == credentials_.agents.end() ? "" : found->second;
}

// What the local repository gives; when that is damaged, what it gives when it was made anew.
RemoteSources::CheckedOut RemoteSources::check_out_commit(const plan::GitSource& source, const fs::path& into,
                                                          const std::string& home) {
    const auto waiting = [&] {
        events_.emit(Notice{fmt::format("waiting for another gbuild that is fetching {}", plan::shown(source))});
    };
    const FileLock lock = store_.lock_git(source.url, waiting, stop_);
    TransferReport report(events_, first_transfer + transfers_++, plan::shown(source));
    const git::Remote remote{with_token(source.url, home, credentials_.secrets), web_,  store_.staging(),
                             [&](uint64_t done) { report.progress(done); },      stop_, agent()};
    const fs::path local = store_.git_directory(source.url);
    std::string commit;
    const auto check_out = [&]() -> CheckedOut {
        git::Repository repository(local);
        commit = obtain_commit(repository, source, options_.pull, remote);
        if (!commit.starts_with(source.commit)) return {};
        CheckedOut done{repository.commit_time(commit),
                        repository.checkout(commit, source.subdirectory, RootedDir(into), stop_)};
        if (source.keep_git_dir.value_or(false) && source.subdirectory.empty()) {
            fs::create_directory(into / ".git");
            repository.write_git_directory(commit, plan::shown(source), into / ".git");
        }
        return done;
    };
    CheckedOut done;
    store_.writing([&] {
        try {
            done = check_out();
        } catch (const git::DamagedRepository&) {
            remove_tree(local);
            remove_tree(into);
            fs::create_directory(into);
            done = check_out();
        }
    });
    report.finish();
    check_commit(commit, source.commit);
    return done;
}

// NOLINTNEXTLINE(misc-no-recursion): as deep as submodules are in one another, which is capped
int64_t RemoteSources::check_out(const plan::GitSource& source, const fs::path& into, const Within& within) {
    const CheckedOut done = with_context([&] { return fmt::format("fetching {}", plan::shown(source)); },
                                         [&] { return check_out_commit(source, into, within.home); });
    for (const git::Submodule& submodule : done.submodules) {
        if (!source.with_submodules) {
            if (!submodule.path.empty()) continue;
            throw Error(ErrorKind::not_found, fmt::format("the directory {} is in a submodule, and submodules=false "
                                                          "leaves those out",
                                                          quoted(source.subdirectory)))
                .hint("remove submodules=false from the URL");
        }
        if (within.depth == deepest_submodule) {
            throw Error(ErrorKind::limit, fmt::format("submodules lie more than {} deep", deepest_submodule));
        }
        const std::string& name = submodule.path.empty() ? source.subdirectory : submodule.path;
        with_context([&] { return fmt::format("fetching the submodule {}", quoted(name)); },
                     [&] {
                         const std::string url = git::resolve_submodule_url(source.url, submodule.url);
                         check_out({url, submodule.commit, submodule.directory}, into / submodule.path,
                                   {within.home, within.depth + 1});
                     });
    }
    return done.commit_time;
}

}  // namespace gbuild::build
