#include "gbuild/bases/extracted_check.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <random>
#include <vector>

#include <fmt/format.h>

#include "gbuild/base/content_run.h"
#include "gbuild/base/error.h"
#include "gbuild/base/fd.h"
#include "gbuild/base/paths.h"
#include "gbuild/base/rooted.h"
#include "gbuild/base/text.h"

namespace gbuild::build {

namespace {

constexpr size_t sample_size = 16;
constexpr uint64_t largest_in_sample = 1u << 20;

std::string named(const std::string& path, const char* what) { return fmt::format("{} {}", quoted("/" + path), what); }

bool has_contents(int fd, const tree::Inode& inode, pack::ContentReader& contents) {
    if (inode.content.empty()) return true;
    std::vector<std::byte> found;
    uint64_t at = 0;
    bool same = true;
    const auto compare = [&](std::span<const std::byte> run) {
        found.resize(run.size());
        same = same && pread_full(fd, found, at) == run.size() && std::equal(run.begin(), run.end(), found.begin());
        at += run.size();
    };
    contents.read(inode.content, [&](const ContentRun& run) { pass_bytes(run, compare); });
    return same;
}

// Devices, pipes and sockets may be recorded as something else.
std::optional<std::string> check_node(const std::string& path, const tree::Inode& inode, const RootedDir& directory,
                                      pack::ContentReader& contents) {
    const auto status = directory.lstat(path);
    if (!status) return named(path, "is missing");
    switch (inode.type) {
    case tree::FileType::directory:
        return S_ISDIR(status->st_mode) ? std::nullopt : std::optional(named(path, "is no directory"));
    case tree::FileType::symlink: {
        if (!S_ISLNK(status->st_mode)) return named(path, "is no symbolic link");
        const RootedDir::Parent parent = directory.open_parent(path);
        std::string target(inode.target.size() + 1, '\0');
        const ssize_t length = ::readlinkat(parent.directory.get(), parent.name.c_str(), target.data(), target.size());
        if (length < 0) throw_errno(fmt::format("cannot read the link {}", quoted(path)));
        target.resize(static_cast<size_t>(length));
        return target == inode.target ? std::nullopt : std::optional(named(path, "leads elsewhere"));
    }
    case tree::FileType::regular: {
        if (!S_ISREG(status->st_mode)) return named(path, "is no regular file");
        if (static_cast<uint64_t>(status->st_size) != inode.size) return named(path, "has another size");
        const UniqueFd file = directory.open(path, O_RDONLY | O_NOFOLLOW);
        return has_contents(file.get(), inode, contents) ? std::nullopt
                                                         : std::optional(named(path, "has other contents"));
    }
    default: return std::nullopt;
    }
}

// Below a directory that both have.
std::optional<std::string> surplus_in(const std::string& path, const tree::Node& node,
                                      const std::filesystem::path& directory) {
    std::error_code error;
    std::filesystem::directory_iterator entry(directory / path, error), end;
    for (; !error && entry != end; entry.increment(error)) {
        const std::string name = entry->path().filename().native();
        if (!node.children.contains(name)) return named(join_path(path, name), "is in no layer");
    }
    if (error && error != std::errc::permission_denied) {
        throw system_error(error.value(), fmt::format("cannot list {}", quoted(path)));
    }
    return std::nullopt;
}

std::optional<std::string> check_if_readable(const std::string& path, const tree::Inode& inode,
                                             const RootedDir& directory, pack::ContentReader& contents) {
    try {
        return check_node(path, inode, directory, contents);
    } catch (const Error& error) {
        if (error.kind() != ErrorKind::permission) throw;
        return std::nullopt;
    }
}

}  // namespace

std::optional<std::string> difference_from(const tree::Tree& tree, pack::ContentReader& contents,
                                           const std::filesystem::path& directory) {
    const RootedDir root(directory);
    std::optional<std::string> found;
    tree.walk([&](const std::string& path, const tree::Node& node) {
        if (!found) found = check_if_readable(path, *node.inode, root, contents);
        if (!found && node.is_directory()) found = surplus_in(path, node, directory);
    });
    return found;
}

std::optional<std::string> sampled_difference_from(const tree::Tree& tree, pack::ContentReader& contents,
                                                   const std::filesystem::path& directory) {
    // Each file is as likely to be among them as any other, however many there are (reservoir sampling).
    std::vector<std::pair<std::string, const tree::Node*>> sample;
    std::minstd_rand random{std::random_device()()};
    size_t seen = 0;
    tree.walk([&](const std::string& path, const tree::Node& node) {
        if (node.inode->type != tree::FileType::regular || node.inode->size > largest_in_sample) return;
        seen++;
        if (sample.size() < sample_size) {
            sample.emplace_back(path, &node);
        } else if (const size_t place = random() % seen; place < sample_size) {
            sample[place] = {path, &node};
        }
    });
    const RootedDir root(directory);
    for (const auto& [path, node] : sample) {
        if (auto difference = check_if_readable(path, *node->inode, root, contents)) return difference;
    }
    return std::nullopt;
}

}  // namespace gbuild::build
