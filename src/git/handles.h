// libgit2's objects, owned, and its errors.
#pragma once

#include <git2.h>

#include <memory>
#include <string>

#include "gbuild/base/error.h"
#include "gbuild/git/repository.h"

namespace gbuild::git {

template <auto free_function>
struct Free {
    template <class T>
    void operator()(T* object) const {
        free_function(object);
    }
};
using RepositoryHandle = std::unique_ptr<git_repository, Free<git_repository_free>>;
using ReferenceHandle = std::unique_ptr<git_reference, Free<git_reference_free>>;
using CommitHandle = std::unique_ptr<git_commit, Free<git_commit_free>>;
using ObjectHandle = std::unique_ptr<git_object, Free<git_object_free>>;
using TreeHandle = std::unique_ptr<git_tree, Free<git_tree_free>>;
using BlobHandle = std::unique_ptr<git_blob, Free<git_blob_free>>;
using OdbHandle = std::unique_ptr<git_odb, Free<git_odb_free>>;
using OdbObjectHandle = std::unique_ptr<git_odb_object, Free<git_odb_object_free>>;
using IndexHandle = std::unique_ptr<git_index, Free<git_index_free>>;

// Makes libgit2 usable, and blind for all configuration outside of a repository. For every function that uses it.
void require_library();

// "cannot open it: <libgit2's words>"
Error last_error(ErrorKind kind, const std::string& what);

// Throws last_error() when `code` says that something failed.
inline void check(int code, ErrorKind kind, const std::string& what) {
    if (code < 0) throw last_error(kind, what);
}

// For reading and writing what is in the local repository: throws DamagedRepository.
inline void check_local(int code, const std::string& what) {
    if (code < 0) throw DamagedRepository(last_error(ErrorKind::integrity, what));
}

std::string to_text(const git_oid& id);
// Throws integrity when `text` is no full id.
git_oid to_id(const std::string& text);

}  // namespace gbuild::git
