#include "gbuild/copy/copy_source.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <unordered_map>

#include <fmt/format.h>

#include "gbuild/base/error.h"
#include "gbuild/base/text.h"
#include "gbuild/copy/content_hasher.h"
#include "gbuild/copy/source_names.h"

namespace gbuild::build {

namespace {

constexpr int max_links = 40;  // as Linux
constexpr size_t max_name = 255;
constexpr size_t max_path = 4095;

constexpr const char* unreadable_hint = "make it readable, or list it in .dockerignore";

// Runs `body`; a permission error that leaves it says what to do.
template <class Body>
decltype(auto) reading(Body&& body) {
    try {
        return std::forward<Body>(body)();
    } catch (Error& error) {
        if (error.kind() == ErrorKind::permission) error.hint(unreadable_hint);
        throw;
    }
}

struct RawName {
    std::string name;
    struct stat st;
};

// A directory's names in byte order, so that nothing depends on the file system's.
std::vector<RawName> read_directory(const RootedDir& root, const std::string& path) {
    UniqueFd fd = root.open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    std::unique_ptr<DIR, int (*)(DIR*)> stream(::fdopendir(fd.get()), ::closedir);
    if (!stream) throw_errno(fmt::format("cannot list {}", quoted(path)));
    int directory = fd.release();
    std::vector<RawName> names;
    for (;;) {
        errno = 0;
        const dirent* entry = ::readdir(stream.get());
        if (!entry) break;
        std::string_view name = entry->d_name;
        if (name == "." || name == "..") continue;
        RawName found{std::string(name), {}};
        if (::fstatat(directory, entry->d_name, &found.st, AT_SYMLINK_NOFOLLOW) == 0) {
            names.push_back(std::move(found));
        } else if (errno != ENOENT) {  // gone since: as if it had never been there
            throw_errno(fmt::format("cannot stat {}", quoted(join_path(path, name))));
        }
    }
    if (errno != 0) throw_errno(fmt::format("cannot list {}", quoted(path)));
    std::sort(names.begin(), names.end(), [](const RawName& a, const RawName& b) { return a.name < b.name; });
    return names;
}

// Of a directory that is only searched for what a negated rule might keep: nobody asked for it, so it may be
// unreadable.
std::vector<RawName> list_excluded(const RootedDir& root, const std::string& path) {
    try {
        return read_directory(root, path);
    } catch (const Error& error) {
        if (error.kind() != ErrorKind::permission) throw;
        return {};
    }
}

std::string read_link(const RootedDir& root, const std::string& path) {
    UniqueFd fd = root.open(path, O_PATH | O_NOFOLLOW);
    std::string target(4096, '\0');
    ssize_t length = ::readlinkat(fd.get(), "", target.data(), target.size());
    if (length < 0) throw_errno(fmt::format("cannot read the symbolic link {}", quoted(path)));
    target.resize(static_cast<size_t>(length));
    return target;
}

// A context's names as .dockerignore leaves them.
class ContextNames : public SourceNames {
  public:
    ContextNames(const RootedDir& root, const ContextRules& rules) : root_(root), rules_(rules) {}

    std::optional<Found> find(const std::string& path) const override {
        auto found = resolve(path);
        if (!found || !visible(found->path, found->type)) return std::nullopt;
        return found;
    }

    std::vector<Name> list(const std::string& directory) const override {
        std::vector<Name> names;
        for (RawName& raw : reading([&] { return read_directory(root_, directory); })) {
            tree::FileType type = tree::file_type(raw.st.st_mode);
            if (visible(join_path(directory, raw.name), type)) names.push_back({std::move(raw.name), type});
        }
        return names;
    }

    // The first symbolic link on the way along `path`; "" when there is none.
    std::string first_link(const std::string& path) const {
        for (size_t end = 0; end < path.size();) {
            end = std::min(path.find('/', end + 1), path.size());
            std::string part = path.substr(0, end);
            auto st = root_.lstat(part);
            if (st && S_ISLNK(st->st_mode)) return part;
        }
        return {};
    }

    // Symbolic links are followed by hand, because the ignore rules are about the path they lead to.
    std::optional<Found> resolve(const std::string& path) const {
        std::vector<std::string> done;
        std::vector<std::string> rest = split(path, '/');
        std::reverse(rest.begin(), rest.end());
        tree::FileType type = tree::FileType::directory;
        int links = 0;
        while (!rest.empty()) {
            std::string name = std::move(rest.back());
            rest.pop_back();
            if (name.empty() || name == ".") continue;
            if (type != tree::FileType::directory) return std::nullopt;
            if (name == "..") {
                if (!done.empty()) done.pop_back();
                continue;
            }
            if (name.size() > max_name) return std::nullopt;
            done.push_back(std::move(name));
            std::string at = join(done, "/");
            if (at.size() > max_path) return std::nullopt;
            auto st = root_.lstat(at);
            if (!st) return std::nullopt;
            type = tree::file_type(st->st_mode);
            if (type != tree::FileType::symlink) continue;
            if (++links > max_links || rules_.excluded(at)) return std::nullopt;
            follow(read_link(root_, at), done, rest);
            type = tree::FileType::directory;
        }
        return Found{join(done, "/"), type};
    }

  private:
    static void follow(const std::string& target, std::vector<std::string>& done, std::vector<std::string>& rest) {
        done.pop_back();
        if (target.starts_with('/')) done.clear();
        std::vector<std::string> parts = split(target, '/');
        rest.insert(rest.end(), parts.rbegin(), parts.rend());
    }

    bool visible(const std::string& path, tree::FileType type) const {
        if (path.empty() || !rules_.excluded(path)) return true;
        return type == tree::FileType::directory && rules_.may_reinclude() && keeps_something(path);
    }

    bool keeps_something(const std::string& directory) const {
        std::vector<std::string> pending = {directory};
        while (!pending.empty()) {
            std::string path = std::move(pending.back());
            pending.pop_back();
            for (const RawName& raw : list_excluded(root_, path)) {
                std::string below = join_path(path, raw.name);
                if (!rules_.excluded(below)) return true;
                if (S_ISDIR(raw.st.st_mode)) pending.push_back(std::move(below));
            }
        }
        return false;
    }

    const RootedDir& root_;
    const ContextRules& rules_;
};

bool is_socket(const UniqueFd& file) {
    struct stat st;
    return ::fstat(file.get(), &st) == 0 && S_ISSOCK(st.st_mode);
}

UniqueFd empty_file() {
    UniqueFd file(::memfd_create("empty", MFD_CLOEXEC));
    if (!file) throw_errno("cannot make an empty file in memory");
    return file;
}

bool has_capability(int file) { return ::fgetxattr(file, "security.capability", nullptr, 0) > 0; }

ContextEntry make_entry(const RootedDir& root, std::string shown, const std::string& real, const struct stat& st) {
    ContextEntry entry{std::move(shown), {}, S_ISSOCK(st.st_mode)};
    tree::Inode& inode = entry.inode;
    inode.type = entry.is_socket ? tree::FileType::regular : tree::file_type(st.st_mode);
    inode.mode = static_cast<uint16_t>(st.st_mode & 07777);
    if (inode.type == tree::FileType::regular) inode.size = static_cast<uint64_t>(st.st_size);
    if (inode.type == tree::FileType::symlink) inode.target = read_link(root, real);
    if (inode.type == tree::FileType::char_device || inode.type == tree::FileType::block_device) {
        inode.device_major = major(st.st_rdev);
        inode.device_minor = minor(st.st_rdev);
    }
    return entry;
}

// Everything below one directory, see ContextDir::children.
class Walk {
  public:
    Walk(const RootedDir& root, const ContextRules& rules, const Selector& select) :
        root_(root), rules_(rules), select_(select) {}

    std::vector<ContextEntry> run(const std::string& shown, const std::string& real) {
        shown_ = shown;
        real_ = real;
        pending_.push_back("");
        while (!pending_.empty()) {
            std::string directory = std::move(pending_.back());
            pending_.pop_back();
            visit(directory);
        }
        std::sort(taken_.begin(), taken_.end(),
                  [](const ContextEntry& a, const ContextEntry& b) { return a.path < b.path; });
        return std::move(taken_);
    }

  private:
    // `directory` and all paths below are relative to the directory walked.
    void visit(const std::string& directory) {
        for (const RawName& raw : list(directory)) {
            std::string path = join_path(directory, raw.name);
            bool is_directory = S_ISDIR(raw.st.st_mode);
            Selection selection = choose(path, tree::file_type(raw.st.st_mode));
            if (selection == Selection::prune || (selection == Selection::pass_over && !is_directory)) continue;
            ContextEntry entry = make_entry(root_, join_path(shown_, path), join_path(real_, path), raw.st);
            if (is_directory) pending_.push_back(path);
            if (selection == Selection::pass_over)
                passed_.emplace(path, std::move(entry));
            else
                take(path, std::move(entry));
        }
    }

    std::vector<RawName> list(const std::string& directory) {
        std::string real = join_path(real_, directory);
        if (!directory.empty() && rules_.excluded(real)) return list_excluded(root_, real);
        return reading([&] { return read_directory(root_, real); });
    }

    Selection choose(const std::string& path, tree::FileType type) const {
        bool excluded = rules_.excluded(join_path(real_, path));
        bool searched = type == tree::FileType::directory && rules_.may_reinclude();
        if (excluded && !searched) return Selection::prune;
        Selection selection = select_ ? select_(path, type) : Selection::take;
        return excluded && selection == Selection::take ? Selection::pass_over : selection;
    }

    void take(const std::string& path, ContextEntry entry) {
        taken_.push_back(std::move(entry));
        std::string_view above = path;
        while (!passed_.empty() && above.find('/') != std::string_view::npos) {
            above = above.substr(0, above.rfind('/'));
            auto passed = passed_.find(std::string(above));
            if (passed == passed_.end()) continue;
            taken_.push_back(std::move(passed->second));
            passed_.erase(passed);
        }
    }

    const RootedDir& root_;
    const ContextRules& rules_;
    const Selector& select_;
    std::string shown_, real_;
    std::vector<std::string> pending_;
    std::unordered_map<std::string, ContextEntry> passed_;
    std::vector<ContextEntry> taken_;
};

}  // namespace

bool ContextRules::is_own(std::string_view path) const {
    if (own_.empty()) return false;
    for (size_t end = path.find('/');; end = path.find('/', end + 1)) {
        if (own_.find(path.substr(0, end)) != own_.end()) return true;
        if (end == std::string_view::npos) return false;
    }
}

ContextDir::ContextDir(RootedDir root, ContextRules rules, std::string name) :
    root_(std::move(root)), rules_(std::move(rules)), name_(std::move(name)) {}

std::vector<ContextEntry> ContextDir::match(const std::string& pattern) const {
    auto entries = match_any(pattern);
    if (entries.empty()) throw nothing_matches(pattern);
    return entries;
}

std::vector<ContextEntry> ContextDir::match_any(const std::string& pattern) const {
    std::string cleaned = clean_source(pattern);
    std::vector<ContextEntry> entries;
    for (const std::string& path : matching_paths(ContextNames(root_, rules_), cleaned)) {
        auto entry = find(path);
        if (!entry) {
            throw Error(ErrorKind::dockerfile,
                        fmt::format("{} in {} is a symbolic link to nothing in it", quoted(path), name_));
        }
        entries.push_back(std::move(*entry));
    }
    if (entries.empty() && !has_wildcards(cleaned)) throw nothing_matches(pattern);
    return entries;
}

Error ContextDir::nothing_matches(const std::string& pattern) const {
    ContextNames names(root_, rules_);
    std::string cleaned = clean_source(pattern);
    ContextRules no_rules;
    if (auto all = matching_paths(ContextNames(root_, no_rules), cleaned); !all.empty()) {
        if (rules_.is_own(all.front())) {
            return Error(ErrorKind::dockerfile,
                         fmt::format("{} is written by this build, and so not part of {}", shown(pattern), name_))
                .hint("choose another place for the output with -o");
        }
        if (auto there = names.find(all.front())) return behind_link(pattern, all.front(), there->path);
        return Error(ErrorKind::dockerfile,
                     fmt::format("{} is excluded from {} by .dockerignore", shown(pattern), name_))
            .hint(fmt::format("to copy it all the same, end .dockerignore with the line !{}", printable(cleaned)));
    }
    std::string hint = hint_for_missing(names, cleaned);
    if (hint.empty() && pattern.find("..") != std::string::npos) hint = "a source is never outside of " + name_;
    Error error(ErrorKind::dockerfile, has_wildcards(cleaned)
                                           ? fmt::format("nothing in {} matches {}", name_, shown(pattern))
                                           : fmt::format("{} is not in {}", shown(pattern), name_));
    return hint.empty() ? error : error.hint(hint);
}

// What can be found, but not by a walk, which does not follow links: --parents walks.
Error ContextDir::behind_link(const std::string& pattern, const std::string& path, const std::string& real) const {
    std::string link = ContextNames(root_, rules_).first_link(path);
    return Error(ErrorKind::dockerfile, fmt::format("{} cannot be copied with its parents: {} in {} is a symbolic link",
                                                    shown(pattern), shown(link.empty() ? path : link), name_))
        .hint(fmt::format("name what it leads to: {}", printable(real)));
}

std::vector<ContextEntry> ContextDir::children(const std::string& path, const Selector& select) const {
    auto found = ContextNames(root_, rules_).find(clean_source(path));
    if (!found || found->type != tree::FileType::directory) {
        throw Error(ErrorKind::not_found, fmt::format("{} is not a directory of {}", quoted(path), name_));
    }
    return Walk(root_, rules_, select).run(clean_source(path), found->path);
}

std::optional<ContextEntry> ContextDir::find(const std::string& path) const {
    std::string cleaned = clean_source(path);
    auto found = ContextNames(root_, rules_).find(cleaned);
    if (!found) return std::nullopt;
    auto st = root_.lstat(found->path);
    if (!st) return std::nullopt;
    return make_entry(root_, cleaned, found->path, *st);
}

UniqueFd ContextDir::open(const std::string& path) const {
    if (is_socket(root_.open(path, O_PATH))) return empty_file();
    // O_NONBLOCK: a pipe put in the file's place must not hang the build.
    UniqueFd fd = reading([&] { return root_.open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY); });
    struct stat st;
    if (::fstat(fd.get(), &st) != 0) throw_errno(fmt::format("cannot stat {}", quoted(path)));
    if (!S_ISREG(st.st_mode)) {
        throw Error(ErrorKind::io, fmt::format("{} is no longer a regular file", quoted(path)));
    }
    return fd;
}

ContentSum ContextDir::sum_of(const std::string& path) const {
    {
        auto known = sums_->lock();
        if (auto found = known->find(path); found != known->end()) return found->second;
    }
    const UniqueFd file = open(path);
    ContentSum result =
        with_context([&] { return fmt::format("reading {}", quoted(path)); }, [&] { return sum_file(file.get()); });
    result.has_capability = has_capability(file.get());
    return sums_->lock()->emplace(path, result).first->second;
}

}  // namespace gbuild::build
