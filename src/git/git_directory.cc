// The .git directory that ADD --keep-git-dir leaves.
#include <fcntl.h>
#include <git2/sys/odb_backend.h>
#include <sys/stat.h>

#include <filesystem>
#include <set>

#include <fmt/format.h>

#include "gbuild/base/fd.h"
#include "gbuild/base/text.h"
#include "repository_state.h"

namespace gbuild::git {

namespace fs = std::filesystem;

namespace {

// Copies a commit without its parents, and everything below it, as loose objects: packs would depend on what else the
// local repository has.
class ObjectCopy {
  public:
    ObjectCopy(git_repository* from, const fs::path& objects) {
        git_odb* source = nullptr;
        check(git_repository_odb(&source, from), ErrorKind::io, "cannot read the repository's objects");
        from_.reset(source);
        git_odb* target = nullptr;
        check(git_odb_new(&target), ErrorKind::internal, "cannot make a place for objects");
        to_.reset(target);
        git_odb_backend* loose = nullptr;
        constexpr int default_level = -1;
        check(git_odb_backend_loose(&loose, objects.c_str(), default_level, 0, 0755, 0444), ErrorKind::io,
              "cannot make a place for objects");
        check(git_odb_add_backend(target, loose, 1), ErrorKind::internal, "cannot make a place for objects");
    }

    void copy(const git_oid& id) {
        if (!seen_.insert(to_text(id)).second) return;
        git_odb_object* read = nullptr;
        check_local(git_odb_read(&read, from_.get(), &id), "cannot read an object of the commit");
        const OdbObjectHandle object(read);
        git_oid written;
        check(git_odb_write(&written, to_.get(), git_odb_object_data(read), git_odb_object_size(read),
                            git_odb_object_type(read)),
              ErrorKind::io, "cannot write an object of the commit");
    }

    void copy_tree(const git_tree* tree) {
        copy(*git_tree_id(tree));
        for (size_t i = 0; i < git_tree_entrycount(tree); i++) {
            const git_tree_entry* entry = git_tree_entry_byindex(tree, i);
            const git_oid& id = *git_tree_entry_id(entry);
            if (git_tree_entry_type(entry) == GIT_OBJECT_BLOB) copy(id);
            if (git_tree_entry_type(entry) != GIT_OBJECT_TREE || seen_.contains(to_text(id))) continue;
            copy_tree(look_up<TreeHandle>(git_tree_owner(tree), id, GIT_OBJECT_TREE, "a directory").get());
        }
    }

  private:
    OdbHandle from_, to_;
    std::set<std::string> seen_;
};

void write_index(const git_tree* tree, const fs::path& path) {
    git_index* made = nullptr;
    check(git_index_open(&made, path.c_str()), ErrorKind::io, "cannot make the index");
    const IndexHandle index(made);
    check_local(git_index_read_tree(made, tree), "cannot make the index");
    check(git_index_write(made), ErrorKind::io, "cannot write the index");
}

// Whatever the umask was.
void set_modes(const fs::path& directory) {
    for (const auto& entry : fs::recursive_directory_iterator(directory)) {
        const bool is_object = entry.path().parent_path().parent_path().filename() == "objects";
        fs::permissions(entry.path(), fs::perms(entry.is_directory() ? 0755 : is_object ? 0444 : 0644));
    }
    fs::permissions(directory, fs::perms(0755));
}

std::string quoted_value(const std::string& text) {
    std::string out = "\"";
    for (char c : text) {
        if (c == '"' || c == '\\') out += '\\';
        out += c;
    }
    return out + "\"";
}

void put_text(const fs::path& path, std::string_view text) {
    const UniqueFd file = open_file(path, O_WRONLY | O_CREAT | O_EXCL);
    write_all(file.get(), text);
}

}  // namespace

void Repository::write_git_directory(const std::string& commit, const std::string& url, const fs::path& into) const {
    git_repository* repository = state_->repository.get();
    for (const char* folder : {"objects", "objects/info", "objects/pack", "refs", "refs/heads", "refs/tags"}) {
        fs::create_directory(into / folder);
    }
    const TreeHandle tree = tree_of(repository, commit);
    ObjectCopy objects(repository, into / "objects");
    objects.copy(to_id(commit));
    objects.copy_tree(tree.get());
    put_text(into / "HEAD", commit + "\n");
    put_text(into / "shallow", commit + "\n");
    put_text(into / "config", fmt::format("[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = false\n"
                                          "[remote \"origin\"]\n\turl = {}\n"
                                          "\tfetch = +refs/heads/*:refs/remotes/origin/*\n",
                                          quoted_value(url)));
    write_index(tree.get(), into / "index");
    set_modes(into);
}

}  // namespace gbuild::git
