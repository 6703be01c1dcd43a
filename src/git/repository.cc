#include "gbuild/git/repository.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "gbuild/base/digest.h"
#include "gbuild/base/remove_tree.h"
#include "gbuild/base/text.h"
#include "gbuild/registry/url.h"
#include "repository_state.h"
#include "wire.h"

namespace gbuild::git {

namespace {

bool is_full_id(std::string_view text) {
    return text.size() == GIT_OID_HEXSZ && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

// Where we keep what a ref was: its own name may be anything.
std::string kept_name(const std::string& ref) { return "refs/gbuild/" + std::string(Digest::of(ref).hex()); }

RepositoryHandle open_or_make(const std::filesystem::path& directory) {
    git_repository* repository = nullptr;
    if (git_repository_open_bare(&repository, directory.c_str()) == 0) return RepositoryHandle(repository);
    remove_tree(directory);
    git_repository_init_options options;
    git_repository_init_options_init(&options, GIT_REPOSITORY_INIT_OPTIONS_VERSION);
    options.flags = GIT_REPOSITORY_INIT_BARE | GIT_REPOSITORY_INIT_MKDIR;
    check(git_repository_init_ext(&repository, directory.c_str(), &options), ErrorKind::io,
          fmt::format("cannot make a repository at {}", quoted(directory.native())));
    return RepositoryHandle(repository);
}

// What a remote has, and what is wanted of it.
struct Advertised {
    std::string name;  // "" for a commit that no reference is at
    git_oid id;        // of what the name stands for: a commit or a tag
};

class Fetch {
  public:
    Fetch(git_repository* repository, const Remote& remote) :
        remote_(remote), wire_(open_wire(remote)), transport_(*wire_) {
        git_remote* made = nullptr;
        // The wire knows the URL with its secrets; libgit2 quotes this one in messages.
        const std::string url = registry::without_user_info(remote.url);
        check(git_remote_create_anonymous(&made, repository, url.c_str()), ErrorKind::usage, "cannot use the URL");
        handle_.reset(made);
        git_remote_init_callbacks(&callbacks_, GIT_REMOTE_CALLBACKS_VERSION);
        callbacks_.transport = &WireTransport::create;
        callbacks_.payload = &transport_;
        callbacks_.transfer_progress = &Fetch::on_progress;
        callbacks_.sideband_progress = &Fetch::on_message;
        guard(git_remote_connect(handle_.get(), GIT_DIRECTION_FETCH, &callbacks_, nullptr, nullptr),
              "cannot list what it has");
        read_references();
    }
    ~Fetch() {
        if (git_remote_connected(handle_.get())) git_remote_disconnect(handle_.get());
    }
    Fetch(const Fetch&) = delete;
    Fetch& operator=(const Fetch&) = delete;

    Advertised find(const std::string& ref) const {
        for (const std::string& name : {ref, "refs/heads/" + ref, "refs/tags/" + ref, "refs/" + ref}) {
            if (ref.empty()) break;
            const auto found = std::find_if(references_.begin(), references_.end(),
                                            [&](const Advertised& one) { return one.name == name; });
            if (found != references_.end()) return *found;
        }
        const std::string& head = "HEAD";
        if (ref.empty()) {
            for (const Advertised& one : references_) {
                if (one.name == head) return one;
            }
            throw Error(ErrorKind::not_found, "the repository has no HEAD: it is empty")
                .hint("name a branch, tag or commit behind #");
        }
        if (is_full_id(ref)) return find_commit(ref);
        throw missing(ref);
    }

    void download(const Advertised& wanted) {
        git_fetch_options options;
        git_fetch_options_init(&options, GIT_FETCH_OPTIONS_VERSION);
        options.callbacks = callbacks_;
        options.download_tags = GIT_REMOTE_DOWNLOAD_TAGS_NONE;
        options.update_fetchhead = 0;
        std::string specification = (wanted.name.empty() ? to_text(wanted.id) : wanted.name) + ":refs/gbuild/fetching";
        if (!wanted.name.empty()) specification = "+" + specification;
        char* text = specification.data();
        const git_strarray list{&text, 1};
        guard(git_remote_download(handle_.get(), &list, &options), "cannot fetch from it");
    }

    // For servers that do not hand out commits by their ids: everything that has a name.
    void download_all() {
        git_fetch_options options;
        git_fetch_options_init(&options, GIT_FETCH_OPTIONS_VERSION);
        options.callbacks = callbacks_;
        options.download_tags = GIT_REMOTE_DOWNLOAD_TAGS_NONE;
        std::string heads = "+refs/heads/*:refs/gbuild/all/heads/*", tags = "+refs/tags/*:refs/gbuild/all/tags/*";
        std::array<char*, 2> texts = {heads.data(), tags.data()};
        const git_strarray list{texts.data(), texts.size()};
        guard(git_remote_download(handle_.get(), &list, &options), "cannot fetch from it");
    }

  private:
    void guard(int code, const char* what) {
        transport_.rethrow();
        if (remote_.stop.stop_requested()) throw Error(ErrorKind::interrupted, "interrupted");
        // What is not the network's fault is the local repository's.
        const git_error* error = git_error_last();
        const bool is_network = !error || error->klass == GIT_ERROR_NET;
        check(code, is_network ? ErrorKind::network : ErrorKind::integrity, what);
    }

    void read_references() {
        const git_remote_head** heads = nullptr;
        size_t count = 0;
        guard(git_remote_ls(&heads, &count, handle_.get()), "cannot list what it has");
        for (size_t i = 0; i < count; i++) references_.push_back({heads[i]->name, heads[i]->oid});
    }

    Advertised find_commit(const std::string& id) const {
        const git_oid wanted = to_id(id);
        const auto found = std::find_if(references_.begin(), references_.end(), [&](const Advertised& one) {
            return git_oid_equal(&one.id, &wanted) && !one.name.ends_with("^{}");
        });
        return found != references_.end() ? *found : Advertised{"", wanted};
    }

    Error missing(const std::string& ref) const {
        Error error(ErrorKind::not_found, fmt::format("the repository has no branch or tag {}", quoted(ref)));
        std::vector<std::string> names;
        for (const Advertised& one : references_) {
            for (std::string_view prefix : {"refs/heads/", "refs/tags/"}) {
                if (one.name.starts_with(prefix) && !one.name.ends_with("^{}"))
                    names.push_back(one.name.substr(prefix.size()));
            }
        }
        const bool may_be_id = ref.size() >= 4 && ref.find_first_not_of("0123456789abcdef") == std::string::npos;
        if (auto like = nearest(ref, names)) return error.hint(fmt::format("did you mean {}?", quoted(*like)));
        if (may_be_id) return error.hint("a commit is named by all 40 digits of its id");
        return error;
    }

    static int on_progress(const git_indexer_progress*, void* self) {
        // Not the Fetch itself: callbacks have one payload.
        return static_cast<WireTransport*>(self)->thrown ? GIT_EUSER : 0;
    }
    static int on_message(const char*, int, void*) { return 0; }

    const Remote& remote_;
    std::unique_ptr<Wire> wire_;
    WireTransport transport_;
    RemoteHandle handle_;
    git_remote_callbacks callbacks_{};
    std::vector<Advertised> references_;
};

// The commit that an object stands for.
std::string commit_at(git_repository* repository, const git_oid& id) {
    const auto object = look_up<ObjectHandle>(repository, id, GIT_OBJECT_ANY, to_text(id));
    git_object* commit = nullptr;
    check(git_object_peel(&commit, object.get(), GIT_OBJECT_COMMIT), ErrorKind::not_found,
          fmt::format("{} is no commit", to_text(id)));
    return to_text(*git_object_id(ObjectHandle(commit).get()));
}

bool has_object(git_repository* repository, const git_oid& id) {
    git_object* object = nullptr;
    if (git_object_lookup(&object, repository, &id, GIT_OBJECT_ANY) != 0) return false;
    git_object_free(object);
    return true;
}

void keep(git_repository* repository, const std::string& ref, const git_oid& id) {
    git_reference* reference = nullptr;
    check(git_reference_create(&reference, repository, kept_name(ref).c_str(), &id, 1, nullptr), ErrorKind::io,
          "cannot note what was fetched");
    git_reference_free(reference);
}

std::optional<git_oid> kept(git_repository* repository, const std::string& ref) {
    git_oid id;
    if (git_reference_name_to_id(&id, repository, kept_name(ref).c_str()) != 0) return std::nullopt;
    return id;
}

}  // namespace

TreeHandle tree_of(git_repository* repository, const std::string& commit) {
    const auto handle =
        look_up<CommitHandle>(repository, to_id(commit), GIT_OBJECT_COMMIT, fmt::format("commit {}", commit));
    git_tree* tree = nullptr;
    check(git_commit_tree(&tree, handle.get()), ErrorKind::integrity,
          fmt::format("cannot read the files of commit {}", commit));
    return TreeHandle(tree);
}

Repository::Repository(const std::filesystem::path& directory) : state_(std::make_unique<State>()) {
    require_library();
    state_->repository = open_or_make(directory);
}
Repository::Repository(Repository&&) noexcept = default;
Repository::~Repository() = default;

bool Repository::has_commit(const std::string& id) const {
    if (!is_full_id(id)) return false;
    // Its ref is written once all that belongs to it is here.
    const auto found = kept(state_->repository.get(), id);
    return found && has_object(state_->repository.get(), *found);
}

std::optional<std::string> Repository::last_fetched(const std::string& ref) const {
    git_repository* repository = state_->repository.get();
    const auto id = kept(repository, ref);
    if (!id || !has_object(repository, *id)) return std::nullopt;
    return commit_at(repository, *id);
}

std::string Repository::fetch(const Remote& remote, const std::string& ref) {
    git_repository* repository = state_->repository.get();
    Fetch fetch(repository, remote);
    Advertised wanted = fetch.find(ref);
    if (!has_commit(to_text(wanted.id))) {
        try {
            fetch.download(wanted);
        } catch (const Error& error) {
            if (!wanted.name.empty() || error.kind() == ErrorKind::interrupted) throw;
        }
        if (!has_object(repository, wanted.id)) {
            if (!wanted.name.empty()) throw Error(ErrorKind::network, "the server did not send what it said it has");
            Fetch everything(repository, remote);
            everything.download_all();
        }
        if (!has_object(repository, wanted.id)) {
            throw Error(ErrorKind::not_found, fmt::format("the repository has no commit {}", ref));
        }
        keep(repository, to_text(wanted.id), wanted.id);
    }
    std::string commit = commit_at(repository, wanted.id);
    keep(repository, commit, to_id(commit));
    keep(repository, ref, wanted.id);
    return commit;
}

std::string library_version() {
    int major = 0, minor = 0, revision = 0;
    git_libgit2_version(&major, &minor, &revision);
    return fmt::format("libgit2 {}.{}.{}", major, minor, revision);
}

}  // namespace gbuild::git
