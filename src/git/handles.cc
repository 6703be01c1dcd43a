#include "handles.h"

#include <fmt/format.h>

#include "gbuild/base/text.h"

namespace gbuild::git {

namespace {

class Library {
  public:
    Library() {
        if (git_libgit2_init() < 0) throw Error(ErrorKind::internal, "libgit2 cannot be initialised");
        for (int level :
             {GIT_CONFIG_LEVEL_PROGRAMDATA, GIT_CONFIG_LEVEL_SYSTEM, GIT_CONFIG_LEVEL_XDG, GIT_CONFIG_LEVEL_GLOBAL}) {
            git_libgit2_opts(GIT_OPT_SET_SEARCH_PATH, level, "");
        }
        // The store is ours, whoever its directory belongs to.
        git_libgit2_opts(GIT_OPT_SET_OWNER_VALIDATION, 0);
        // Objects are verified when they are read; the default says no more than that.
        git_libgit2_opts(GIT_OPT_ENABLE_STRICT_HASH_VERIFICATION, 1);
    }
    Library(const Library&) = delete;
    Library& operator=(const Library&) = delete;
    ~Library() { git_libgit2_shutdown(); }
};

}  // namespace

void require_library() { static const Library library; }

Error last_error(ErrorKind kind, const std::string& what) {
    const git_error* error = git_error_last();
    if (!error || !error->message) return {kind, what};
    return {kind, fmt::format("{}: {}", what, printable(error->message))};
}

std::string to_text(const git_oid& id) {
    char text[GIT_OID_HEXSZ + 1];
    return git_oid_tostr(text, sizeof text, &id);
}

git_oid to_id(const std::string& text) {
    git_oid id;
    if (text.size() != GIT_OID_HEXSZ || git_oid_fromstr(&id, text.c_str()) != 0) {
        throw Error(ErrorKind::integrity, fmt::format("{} is no commit's id", quoted(text)));
    }
    return id;
}

}  // namespace gbuild::git
