#include <fcntl.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <memory>
#include <set>

#include <fmt/format.h>

#include "gbuild/base/byte_source.h"
#include "gbuild/base/error.h"
#include "gbuild/base/text.h"
#include "gbuild/layer/tar_stream.h"
#include "initramfs.h"

namespace gbuild::provider {

namespace {

namespace fs = std::filesystem;

constexpr uint64_t largest_module = 64u << 20;

// "9pnet-virtio.ko.xz" → "9pnet_virtio"; "" for what is no module.
std::string module_name(const std::string& file) {
    const size_t end = file.find(".ko");
    if (end == std::string::npos) return "";
    const std::string suffix = file.substr(end);
    if (suffix != ".ko" && suffix != ".ko.gz" && suffix != ".ko.xz" && suffix != ".ko.zst") return "";
    std::string name = file.substr(0, end);
    std::replace(name.begin(), name.end(), '-', '_');
    return name;
}

std::string read_module(const fs::path& path) {
    const auto source = layer::decompress_archive(std::make_unique<FileSource>(open_file(path, O_RDONLY)),
                                                  path.native(), largest_module);
    std::string contents;
    for (auto run = source->next(); !run.empty(); run = source->next()) contents += as_text(run);
    return contents;
}

// What is said of a module in its section ".modinfo": strings with a NUL behind each.
std::vector<std::string> needed_by(const std::string& contents) {
    using namespace std::string_view_literals;
    constexpr std::string_view mark = "\0depends="sv;
    const size_t at = contents.find(mark);
    if (at == std::string::npos) return {};
    const size_t begin = at + mark.size();
    const size_t end = contents.find('\0', begin);
    if (end == std::string::npos || end == begin) return {};
    return split(std::string_view(contents).substr(begin, end - begin), ',');
}

class ModuleSearch {
  public:
    explicit ModuleSearch(const std::string& directory) {
        std::error_code error;
        for (fs::recursive_directory_iterator at(directory, error), end; !error && at != end; at.increment(error)) {
            const std::string name = module_name(at->path().filename().native());
            if (!name.empty()) files_.emplace(name, at->path());
        }
        if (error) throw system_error(error.value(), fmt::format("cannot read {}", quoted(directory)));
    }

    void add(std::string name) {
        std::replace(name.begin(), name.end(), '-', '_');
        const auto file = files_.find(name);
        if (file == files_.end() || !seen_.insert(name).second) return;
        std::string contents = read_module(file->second);
        for (const std::string& needed : needed_by(contents)) add(needed);
        modules_.push_back({name, std::move(contents)});
    }

    std::vector<KernelModule> take() { return std::move(modules_); }

  private:
    std::map<std::string, fs::path> files_;
    std::set<std::string> seen_;
    std::vector<KernelModule> modules_;
};

}  // namespace

std::vector<KernelModule> find_modules(const std::string& directory, const std::vector<std::string>& names) {
    ModuleSearch search(directory);
    for (const std::string& name : names) search.add(name);
    return search.take();
}

}  // namespace gbuild::provider
