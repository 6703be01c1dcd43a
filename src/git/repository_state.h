// What the functions of a Repository share.
#pragma once

#include "gbuild/git/repository.h"
#include "handles.h"

namespace gbuild::git {

struct Repository::State {
    RepositoryHandle repository;
};

// The object `id`, which must be of this type. Throws integrity.
template <class Handle>
Handle look_up(git_repository* repository, const git_oid& id, git_object_t type, const std::string& what) {
    git_object* object = nullptr;
    check_local(git_object_lookup(&object, repository, &id, type), "cannot read " + what);
    return Handle(reinterpret_cast<typename Handle::pointer>(object));
}

// The tree of a commit.
TreeHandle tree_of(git_repository* repository, const std::string& commit);

}  // namespace gbuild::git
