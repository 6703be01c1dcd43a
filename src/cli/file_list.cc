#include "gbuild/cli/file_list.h"

#include <ctime>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include "gbuild/base/error.h"
#include "gbuild/base/text.h"
#include "gbuild/cli/display.h"

namespace gbuild::cli {

namespace {

using tree::FileType;

char type_letter(FileType type) {
    switch (type) {
    case FileType::directory: return 'd';
    case FileType::regular: break;
    case FileType::symlink: return 'l';
    case FileType::char_device: return 'c';
    case FileType::block_device: return 'b';
    case FileType::fifo: return 'p';
    case FileType::socket: return 's';
    }
    return '-';
}

bool is_device(const tree::Inode& inode) {
    return inode.type == FileType::char_device || inode.type == FileType::block_device;
}

// The execute letter of one class, which a set-id or sticky bit replaces.
char execute_letter(bool execute, bool special, char letter) {
    if (!special) return execute ? 'x' : '-';
    return execute ? letter : static_cast<char>(letter - 'a' + 'A');
}

std::string minute_text(int64_t seconds) {
    std::tm utc{};
    auto time = static_cast<std::time_t>(seconds);
    if (!gmtime_r(&time, &utc)) return std::to_string(seconds);
    return fmt::format("{:%Y-%m-%d %H:%M}", utc);
}

}  // namespace

std::string mode_text(const tree::Inode& inode) {
    unsigned mode = inode.mode;
    auto bit = [mode](unsigned mask, char letter) { return (mode & mask) != 0 ? letter : '-'; };
    return {type_letter(inode.type),
            bit(0400, 'r'),
            bit(0200, 'w'),
            execute_letter((mode & 0100) != 0, (mode & 04000) != 0, 's'),
            bit(0040, 'r'),
            bit(0020, 'w'),
            execute_letter((mode & 0010) != 0, (mode & 02000) != 0, 's'),
            bit(0004, 'r'),
            bit(0002, 'w'),
            execute_letter((mode & 0001) != 0, (mode & 01000) != 0, 't')};
}

std::string file_line(const std::string& path, const tree::Inode& inode) {
    std::string size = inode.type == FileType::symlink ? std::to_string(inode.target.size())
                       : is_device(inode)              ? fmt::format("{}, {}", inode.device_major, inode.device_minor)
                                                       : std::to_string(inode.size);
    std::string line =
        fmt::format("{} {:<11} {:>11} {} /{}", mode_text(inode), fmt::format("{}/{}", inode.uid, inode.gid), size,
                    minute_text(inode.mtime), safe_text(path));
    if (inode.type == FileType::symlink) line += " -> " + safe_text(inode.target);
    return line + "\n";
}

Json file_json(const std::string& path, const tree::Inode& inode) {
    Json json{{"path", "/" + path},
              {"type", tree::type_name(inode.type)},
              {"mode", fmt::format("{:04o}", inode.mode)},
              {"uid", inode.uid},
              {"gid", inode.gid},
              {"size", inode.size},
              {"mtime", format_rfc3339(inode.mtime)}};
    if (inode.type == FileType::symlink) json["target"] = inode.target;
    if (is_device(inode)) json["device"] = Json{{"major", inode.device_major}, {"minor", inode.device_minor}};
    for (const auto& xattr : inode.xattrs) json["xattrs"].push_back(xattr.name);
    return json;
}

void list_files(const tree::Node& node, const std::string& path, Depth depth,
                const std::function<void(const std::string& path, const tree::Inode& inode)>& visit) {
    if (!node.is_directory()) return visit(path, *node.inode);
    for (const auto& [name, child] : node.children) {
        std::string child_path = path.empty() ? name : path + "/" + name;
        visit(child_path, *child->inode);
        if (depth == Depth::all && child->is_directory()) list_files(*child, child_path, depth, visit);
    }
}

FoundNode find_node(const tree::Tree& tree, const std::string& path, tree::FollowLast follow,
                    const std::string& image) {
    const tree::Node* node = tree.find(path, follow);
    if (!node) {
        throw Error(ErrorKind::not_found, fmt::format("there is no {} in {}", quoted(path), quoted(image)))
            .hint("gbuild ls -R lists what there is");
    }
    return {*node, tree.resolve(path, follow)};
}

}  // namespace gbuild::cli
