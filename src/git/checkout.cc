// A commit's files, written through directory descriptors.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <iterator>

#include <fmt/format.h>

#include "gbuild/base/text.h"
#include "modules.h"
#include "repository_state.h"

namespace gbuild::git {

namespace {

constexpr size_t longest_name = 255;
constexpr size_t longest_path = 4095;
constexpr uint64_t most_entries = 10'000'000;
constexpr uint64_t most_bytes = uint64_t{1} << 40;
constexpr size_t most_modules_text = 4u << 20;

void check_name(const std::string& name, const std::string& path) {
    const bool is_bad = name.empty() || name == "." || name == ".." || equal_ignoring_case(name, ".git") ||
                        name.find('/') != std::string::npos || name.find('\0') != std::string::npos ||
                        name.size() > longest_name;
    if (is_bad) {
        throw Error(ErrorKind::integrity,
                    fmt::format("the commit has a file with the name {}, which no file may have", quoted(name)));
    }
    if (path.size() > longest_path) {
        throw Error(ErrorKind::limit, fmt::format("the commit has a path of more than {} bytes", longest_path));
    }
}

std::string text_of(const git_blob* blob) {
    return {static_cast<const char*>(git_blob_rawcontent(blob)), static_cast<size_t>(git_blob_rawsize(blob))};
}

class Checkout {
  public:
    Checkout(git_repository* repository, const std::stop_token& stop) : repository_(repository), stop_(stop) {}

    void write(const git_tree* tree, int directory, const std::string& path) {
        for (size_t i = 0; i < git_tree_entrycount(tree); i++) {
            if (stop_.stop_requested()) throw Error(ErrorKind::interrupted, "interrupted");
            const git_tree_entry* entry = git_tree_entry_byindex(tree, i);
            const std::string name = git_tree_entry_name(entry);
            const std::string below = path.empty() ? name : path + "/" + name;
            check_name(name, below);
            if (++entries_ > most_entries) {
                throw Error(ErrorKind::limit, fmt::format("the commit has more than {} files", most_entries));
            }
            with_context([&] { return fmt::format("checking out {}", quoted(below)); },
                         [&] { write_entry(*entry, directory, name, below); });
        }
    }

    std::vector<std::pair<std::string, std::string>> take_links() { return std::move(links_); }

  private:
    void write_entry(const git_tree_entry& entry, int directory, const std::string& name, const std::string& path) {
        const git_oid& id = *git_tree_entry_id(&entry);
        switch (git_tree_entry_filemode(&entry)) {
        case GIT_FILEMODE_TREE: {
            const UniqueFd made = make_directory(directory, name);
            const auto tree = look_up<TreeHandle>(repository_, id, GIT_OBJECT_TREE, "the directory");
            return write(tree.get(), made.get(), path);
        }
        case GIT_FILEMODE_COMMIT:
            make_directory(directory, name);
            links_.emplace_back(path, to_text(id));
            return;
        case GIT_FILEMODE_LINK: {
            const auto blob = look_up<BlobHandle>(repository_, id, GIT_OBJECT_BLOB, "the symbolic link");
            const std::string target = text_of(blob.get());
            if (target.empty() || target.size() > longest_path || target.find('\0') != std::string::npos) {
                throw Error(ErrorKind::integrity, "it is a symbolic link to what cannot be a path");
            }
            if (::symlinkat(target.c_str(), directory, name.c_str()) != 0) throw_errno("cannot make the symbolic link");
            return;
        }
        case GIT_FILEMODE_BLOB_EXECUTABLE: return write_file(id, directory, name, 0755);
        default: return write_file(id, directory, name, 0644);
        }
    }

    void write_file(const git_oid& id, int directory, const std::string& name, mode_t mode) {
        const auto blob = look_up<BlobHandle>(repository_, id, GIT_OBJECT_BLOB, "the file");
        const std::span contents(static_cast<const std::byte*>(git_blob_rawcontent(blob.get())),
                                 static_cast<size_t>(git_blob_rawsize(blob.get())));
        bytes_ += contents.size();
        if (bytes_ > most_bytes) throw Error(ErrorKind::limit, "the commit's files have more than 1 TiB");
        const UniqueFd file = open_file_at(directory, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode);
        write_all(file.get(), contents);
        // Whatever the umask is.
        if (::fchmod(file.get(), mode) != 0) throw_errno("cannot set the file's mode");
    }

    static UniqueFd make_directory(int parent, const std::string& name) {
        if (::mkdirat(parent, name.c_str(), 0755) != 0) throw_errno("cannot make the directory");
        UniqueFd made = open_file_at(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
        if (::fchmod(made.get(), 0755) != 0) throw_errno("cannot set the directory's mode");
        return made;
    }

    git_repository* repository_;
    const std::stop_token& stop_;
    uint64_t entries_ = 0;
    uint64_t bytes_ = 0;
    std::vector<std::pair<std::string, std::string>> links_;  // to commits: path, id
};

[[noreturn]] void throw_no_directory(const std::string& path) {
    throw Error(ErrorKind::not_found, fmt::format("the commit has no directory {}", quoted(path)))
        .hint("check what stands behind the colon or in subdir=: URL#REF:DIRECTORY, URL?subdir=DIRECTORY");
}

// Where a path leads in a commit: to a directory, or up to a submodule.
struct Destination {
    std::vector<std::string> path;  // from the root, without symbolic links
    TreeHandle tree;                // null: a submodule
    std::string commit;             // of the submodule
    std::string rest;               // of the path, inside the submodule
};

// Goes down a commit's tree. Symbolic links lead where they would in a checked-out tree, and never out of it.
class Descent {
  public:
    Descent(git_repository* repository, const git_tree* root, const std::string& path) :
        repository_(repository), wanted_(path) {
        above_.push_back(copy_of(root));
        push(path);
    }

    Destination run() {
        Destination found;
        while (!left_.empty()) {
            const std::string part = std::move(left_.back());
            left_.pop_back();
            if (part.empty() || part == ".") continue;
            if (part == "..") {
                leave();
                continue;
            }
            const git_tree_entry* entry = git_tree_entry_byname(above_.back().get(), part.c_str());
            if (!entry || part.find('\0') != std::string::npos) throw_no_directory(wanted_);
            if (git_tree_entry_filemode(entry) == GIT_FILEMODE_COMMIT) {
                path_.push_back(part);
                found.commit = to_text(*git_tree_entry_id(entry));
                std::reverse(left_.begin(), left_.end());
                found.rest = join(left_, "/");
                found.path = std::move(path_);
                return found;
            }
            enter(*entry, part);
        }
        found.path = std::move(path_);
        found.tree = std::move(above_.back());
        return found;
    }

  private:
    static constexpr int most_links = 40;  // as path_resolution(7) has it

    static TreeHandle copy_of(const git_tree* tree) {
        git_tree* copy = nullptr;
        check(git_tree_dup(&copy, const_cast<git_tree*>(tree)), ErrorKind::internal, "cannot keep a directory");
        return TreeHandle(copy);
    }

    void push(const std::string& path) {
        std::vector<std::string> parts = split(path, '/');
        left_.insert(left_.end(), std::make_move_iterator(parts.rbegin()), std::make_move_iterator(parts.rend()));
    }

    void leave() {
        if (path_.empty()) throw_no_directory(wanted_);
        path_.pop_back();
        above_.pop_back();
    }

    void enter(const git_tree_entry& entry, const std::string& name) {
        const git_oid& id = *git_tree_entry_id(&entry);
        if (git_tree_entry_filemode(&entry) == GIT_FILEMODE_LINK) {
            const std::string target =
                text_of(look_up<BlobHandle>(repository_, id, GIT_OBJECT_BLOB, "the symbolic link").get());
            if (target.starts_with('/') || target.size() > longest_path || ++links_ > most_links) {
                throw_no_directory(wanted_);
            }
            return push(target);
        }
        if (git_tree_entry_type(&entry) != GIT_OBJECT_TREE) throw_no_directory(wanted_);
        above_.push_back(look_up<TreeHandle>(repository_, id, GIT_OBJECT_TREE, "the directory"));
        path_.push_back(name);
    }

    git_repository* repository_;
    const std::string& wanted_;
    std::vector<TreeHandle> above_;  // from the root to where we are
    std::vector<std::string> path_;  // their names, but the root's
    std::vector<std::string> left_;  // of the way, the next step last
    int links_ = 0;
};

// What .gitmodules says; "" when the commit has none.
std::string modules_text(git_repository* repository, const git_tree* root) {
    const git_tree_entry* entry = git_tree_entry_byname(root, ".gitmodules");
    if (!entry || git_tree_entry_type(entry) != GIT_OBJECT_BLOB) return "";
    const auto blob = look_up<BlobHandle>(repository, *git_tree_entry_id(entry), GIT_OBJECT_BLOB, ".gitmodules");
    if (static_cast<uint64_t>(git_blob_rawsize(blob.get())) > most_modules_text) {
        throw Error(ErrorKind::limit, fmt::format(".gitmodules is larger than {}", human_size(most_modules_text)));
    }
    return text_of(blob.get());
}

}  // namespace

std::vector<Submodule> Repository::checkout(const std::string& commit, const std::string& directory,
                                            const RootedDir& into, const std::stop_token& stop) const {
    git_repository* repository = state_->repository.get();
    const TreeHandle root = tree_of(repository, commit);
    const Destination top = Descent(repository, root.get(), directory).run();
    const std::string above = join(top.path, "/");
    if (!top.tree) {
        const auto modules = parse_modules(modules_text(repository, root.get()));
        const auto module = modules.find(above);
        if (module != modules.end()) return {{"", module->second, top.commit, top.rest}};
        // As git does: what .gitmodules does not know is an empty directory.
        if (!top.rest.empty()) throw_no_directory(directory);
        return {};
    }
    const UniqueFd target = into.open("", O_RDONLY | O_DIRECTORY);
    Checkout checkout(repository, stop);
    checkout.write(top.tree.get(), target.get(), "");

    std::vector<Submodule> submodules;
    const auto links = checkout.take_links();
    if (links.empty()) return submodules;
    const auto modules = parse_modules(modules_text(repository, root.get()));
    for (const auto& [path, id] : links) {
        const auto module = modules.find(above.empty() ? path : above + "/" + path);
        if (module != modules.end()) submodules.push_back({path, module->second, id, ""});
    }
    return submodules;
}

}  // namespace gbuild::git
