#include "gbuild/git/repository.h"

#include <set>

#include <fmt/format.h>

#include "gbuild/base/digest.h"
#include "gbuild/base/remove_tree.h"
#include "gbuild/base/text.h"
#include "pack_request.h"
#include "repository_state.h"

namespace gbuild::git {

namespace {

constexpr size_t most_present_commits = 256;

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

struct FreeIterator {
    void operator()(git_reference_iterator* iterator) const { git_reference_iterator_free(iterator); }
};

// Commits that are here with their files, for the server to leave out what they have.
std::vector<std::string> present_commits(git_repository* repository) {
    git_reference_iterator* made = nullptr;
    check(git_reference_iterator_glob_new(&made, repository, "refs/gbuild/*"), ErrorKind::io,
          "cannot list what was fetched");
    const std::unique_ptr<git_reference_iterator, FreeIterator> iterator(made);
    std::set<std::string> ids;
    git_reference* next = nullptr;
    while (ids.size() < most_present_commits && git_reference_next(&next, made) == 0) {
        const ReferenceHandle reference(next);
        git_object* object = nullptr;
        if (git_reference_peel(&object, next, GIT_OBJECT_COMMIT) != 0) continue;
        ids.insert(to_text(*git_object_id(ObjectHandle(object).get())));
    }
    return {ids.begin(), ids.end()};
}

Advertisement offer_of(Wire& wire) {
    PacketReader from(wire.list_references());
    return read_advertisement(from);
}

// For servers that do not hand out commits by their ids: everything that has a name.
void download_all(git_repository* repository, const Remote& remote) {
    const auto wire = open_wire(remote);
    const Advertisement offered = offer_of(*wire);
    std::set<std::string> ids;
    for (const Advertised& one : offered.references) {
        const bool is_wanted = one.name.starts_with("refs/heads/") || one.name.starts_with("refs/tags/");
        if (is_wanted && !one.name.ends_with("^{}")) ids.insert(one.id);
    }
    if (ids.empty()) return wire->leave();
    receive_pack(repository, *wire, offered, {{ids.begin(), ids.end()}, {}, History::whole}, remote.stop);
}

void download(git_repository* repository, const Remote& remote, Wire& wire, const Advertisement& offered,
              const Advertised& wanted) {
    const git_oid id = to_id(wanted.id);
    const bool is_offered = !wanted.name.empty();
    try {
        receive_pack(repository, wire, offered, {{wanted.id}, present_commits(repository)}, remote.stop);
    } catch (const Error& error) {
        if (is_offered || error.kind() == ErrorKind::interrupted) throw;
    }
    if (has_object(repository, id)) return;
    if (is_offered) throw Error(ErrorKind::network, "the server did not send what it said it has");
    download_all(repository, remote);
    if (has_object(repository, id)) return;
    throw Error(ErrorKind::not_found, fmt::format("the repository has no commit {}", wanted.id)).hint("check the id");
}

}  // namespace

TreeHandle tree_of(git_repository* repository, const std::string& commit) {
    const auto handle =
        look_up<CommitHandle>(repository, to_id(commit), GIT_OBJECT_COMMIT, fmt::format("commit {}", commit));
    git_tree* tree = nullptr;
    check_local(git_commit_tree(&tree, handle.get()), fmt::format("cannot read the files of commit {}", commit));
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

int64_t Repository::commit_time(const std::string& id) const {
    const auto commit = look_up<CommitHandle>(state_->repository.get(), to_id(id), GIT_OBJECT_COMMIT, "commit " + id);
    return git_commit_time(commit.get());
}

std::optional<std::string> Repository::last_fetched(const std::string& ref) const {
    git_repository* repository = state_->repository.get();
    const auto id = kept(repository, ref);
    if (!id || !has_object(repository, *id)) return std::nullopt;
    return commit_at(repository, *id);
}

std::string Repository::fetch(const Remote& remote, const std::string& ref) {
    git_repository* repository = state_->repository.get();
    const auto wire = open_wire(remote);
    const Advertisement offered = offer_of(*wire);
    const Advertised wanted = offered.find(ref);
    const git_oid id = to_id(wanted.id);
    if (has_commit(wanted.id)) {
        wire->leave();
    } else {
        download(repository, remote, *wire, offered, wanted);
        keep(repository, wanted.id, id);
    }
    std::string commit = commit_at(repository, id);
    keep(repository, commit, to_id(commit));
    keep(repository, ref, id);
    return commit;
}

std::string library_version() {
    int major = 0, minor = 0, revision = 0;
    git_libgit2_version(&major, &minor, &revision);
    return fmt::format("libgit2 {}.{}.{}", major, minor, revision);
}

}  // namespace gbuild::git
