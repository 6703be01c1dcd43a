// What a directory shows to somebody who knows nothing of layers, records or trees, and what a tree would show them.
#pragma once

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <vector>

#include "workshop.h"

namespace gbuild::layer {

// A line for every name, and one for every name that is another of a file above.
class PlainWalk {
  public:
    static std::string of_directory(const fs::path& top) {
        PlainWalk walk;
        walk.add_directory(top, "");
        return walk.text_;
    }

    static std::string of_tree(const tree::Tree& tree, const FileContents& contents) {
        PlainWalk walk;
        tree.walk([&](const std::string& path, const tree::Node& node) {
            const tree::Inode& inode = *node.inode;
            std::string text = inode.target;
            if (inode.size > 0) contents.read(inode, [&](const ContentRun& run) { text += as_text(run.bytes); });
            const mode_t mode = tree::format_bits(inode.type) | inode.mode;
            walk.add(path, mode, inode.mtime, text);
            if (!inode.is_directory()) walk.add_link(path, reinterpret_cast<uintptr_t>(&inode));
        });
        return walk.text_;
    }

    // Lines of `shown` that `expected` lacks, and the reverse; overlayfs breaks links, so that those may be fewer.
    static std::string differences(const std::string& shown, const std::string& expected) {
        const std::vector<std::string> have = lines(shown), want = lines(expected);
        std::string text;
        for (const std::string& line : have) {
            if (!std::binary_search(want.begin(), want.end(), line)) text += "only shown: " + line + "\n";
        }
        for (const std::string& line : want) {
            const bool link = line.find(" is also ") != std::string::npos;
            if (!link && !std::binary_search(have.begin(), have.end(), line)) text += "not shown: " + line + "\n";
        }
        return text;
    }

  private:
    void add_directory(const fs::path& directory, const std::string& path) {
        add_entry(directory, path);
        std::vector<std::string> names;
        for (const auto& entry : fs::directory_iterator(directory)) names.push_back(entry.path().filename().native());
        std::sort(names.begin(), names.end());
        for (const std::string& name : names) {
            const std::string below = path.empty() ? name : path + "/" + name;
            if (fs::is_directory(fs::symlink_status(directory / name))) {
                add_directory(directory / name, below);
            } else {
                add_entry(directory / name, below);
            }
        }
    }

    void add_entry(const fs::path& file, const std::string& path) {
        struct stat status {};
        if (::lstat(file.c_str(), &status) != 0) throw std::runtime_error("lstat " + path);
        std::string text;
        if (S_ISLNK(status.st_mode)) text = fs::read_symlink(file).native();
        if (S_ISREG(status.st_mode)) {
            std::ifstream stream(file, std::ios::binary);
            text.assign(std::istreambuf_iterator<char>(stream), {});
        }
        add(path, status.st_mode, std::min<int64_t>(status.st_mtim.tv_sec, latest), text);
        if (!S_ISDIR(status.st_mode)) add_link(path, status.st_ino);
    }

    void add(const std::string& path, mode_t mode, int64_t mtime, const std::string& text) {
        text_ += fmt::format("{} {:o} {} {}", escaped(path), mode, mtime, escaped(text)) + "\n";
    }

    void add_link(const std::string& path, uintptr_t number) {
        const auto [first, fresh] = first_names_.try_emplace(number, path);
        if (!fresh) text_ += escaped(path) + " is also " + escaped(first->second) + "\n";
    }

    static std::string escaped(const std::string& text) {
        std::string result = "'";
        for (char c : text) result += c == '\n' ? std::string("\\n") : std::string(1, c);
        return result + "'";
    }

    static std::vector<std::string> lines(const std::string& text) {
        std::vector<std::string> result;
        for (size_t at = 0; at < text.size();) {
            const size_t end = text.find('\n', at);
            result.push_back(text.substr(at, end - at));
            at = end + 1;
        }
        std::sort(result.begin(), result.end());
        return result;
    }

    std::string text_;
    std::map<uintptr_t, std::string> first_names_;
};

}  // namespace gbuild::layer
