#include "gbuild/tree/inode.h"

#include <fmt/format.h>

#include "gbuild/base/error.h"

namespace gbuild::tree {

mode_t format_bits(FileType type) {
    switch (type) {
    case FileType::directory: return S_IFDIR;
    case FileType::regular: return S_IFREG;
    case FileType::symlink: return S_IFLNK;
    case FileType::char_device: return S_IFCHR;
    case FileType::block_device: return S_IFBLK;
    case FileType::fifo: return S_IFIFO;
    case FileType::socket: return S_IFSOCK;
    }
    throw Error(ErrorKind::internal, fmt::format("file type {} is unknown", static_cast<int>(type)));
}

FileType file_type(mode_t mode) {
    switch (mode & S_IFMT) {
    case S_IFDIR: return FileType::directory;
    case S_IFREG: return FileType::regular;
    case S_IFLNK: return FileType::symlink;
    case S_IFCHR: return FileType::char_device;
    case S_IFBLK: return FileType::block_device;
    case S_IFIFO: return FileType::fifo;
    case S_IFSOCK: return FileType::socket;
    default: throw Error(ErrorKind::internal, fmt::format("mode {:#o} has no file type", mode));
    }
}

std::string_view type_name(FileType type) {
    switch (type) {
    case FileType::directory: return "directory";
    case FileType::regular: break;
    case FileType::symlink: return "symlink";
    case FileType::char_device: return "char-device";
    case FileType::block_device: return "block-device";
    case FileType::fifo: return "fifo";
    case FileType::socket: return "socket";
    }
    return "file";
}

}  // namespace gbuild::tree
