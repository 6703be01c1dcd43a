// A commit's files, written through directory descriptors.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

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

// The directory `path` of a commit's tree.
TreeHandle directory_of(git_repository* repository, TreeHandle root, const std::string& path) {
    for (const std::string& part : split(path, '/')) {
        if (part.empty() || part == ".") continue;
        const git_tree_entry* entry = git_tree_entry_byname(root.get(), part.c_str());
        if (!entry || git_tree_entry_type(entry) != GIT_OBJECT_TREE) {
            throw Error(ErrorKind::not_found, fmt::format("the commit has no directory {}", quoted(path)))
                .hint("check what stands behind the colon: URL#REF:DIRECTORY");
        }
        root = look_up<TreeHandle>(repository, *git_tree_entry_id(entry), GIT_OBJECT_TREE, "the directory");
    }
    return root;
}

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

std::string cleaned(const std::string& path) {
    std::vector<std::string> parts;
    for (std::string& part : split(path, '/')) {
        if (!part.empty() && part != ".") parts.push_back(std::move(part));
    }
    return join(parts, "/");
}

}  // namespace

std::vector<Submodule> Repository::checkout(const std::string& commit, const std::string& directory,
                                            const RootedDir& into, const std::stop_token& stop) const {
    git_repository* repository = state_->repository.get();
    const TreeHandle root = tree_of(repository, commit);
    const TreeHandle top = directory_of(repository, tree_of(repository, commit), directory);
    const UniqueFd target = into.open("", O_RDONLY | O_DIRECTORY);
    Checkout checkout(repository, stop);
    checkout.write(top.get(), target.get(), "");

    std::vector<Submodule> submodules;
    const auto links = checkout.take_links();
    if (links.empty()) return submodules;
    const auto modules = parse_modules(modules_text(repository, root.get()));
    const std::string above = cleaned(directory);
    for (const auto& [path, id] : links) {
        const auto module = modules.find(above.empty() ? path : above + "/" + path);
        // As git does: what .gitmodules does not know stays an empty directory.
        if (module != modules.end()) submodules.push_back({path, module->second, id});
    }
    return submodules;
}

}  // namespace gbuild::git
