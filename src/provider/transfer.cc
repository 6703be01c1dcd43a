#include "gbuild/provider/transfer.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <vector>

#include <fmt/format.h>

#include "gbuild/base/atomic_file.h"
#include "gbuild/base/error.h"
#include "gbuild/base/rooted.h"
#include "gbuild/base/text.h"
#include "gbuild/golem/volumes.h"

namespace gbuild::provider {

namespace {

struct Place {
    std::string directory;  // the volume's, on this machine
    std::string path;       // in it
};

Place locate(const std::string& path, const Volumes& volumes) {
    const std::string clean = path.starts_with('/') ? golem::clean_volume(path) : "";
    const std::pair<const std::string, std::string>* best = nullptr;
    for (const auto& volume : volumes) {
        const bool inside = clean.starts_with(volume.first + "/");
        if (inside && (best == nullptr || best->first.size() < volume.first.size())) best = &volume;
    }
    if (best != nullptr) return {best->second, clean.substr(best->first.size() + 1)};
    std::vector<std::string> names;
    for (const auto& [volume, directory] : volumes) names.push_back(volume);
    throw Error(ErrorKind::unsupported,
                fmt::format("{} lies in no volume, and a provider transfers files nowhere else", quoted(path)))
        .hint(names.empty() ? "declare one in the Dockerfile: VOLUME /golem/work"
                            : fmt::format("the volumes are {}", join(names, ", ")));
}

void require_regular(const UniqueFd& file, const std::string& name) {
    struct stat status {};
    if (::fstat(file.get(), &status) != 0) throw_errno(fmt::format("cannot look at {}", quoted(name)));
    if (S_ISREG(status.st_mode)) return;
    throw Error(ErrorKind::unsupported, fmt::format("{} is not a regular file", quoted(name)))
        .hint("transfer a directory as an archive");
}

void copy(const UniqueFd& from, int to) {
    std::vector<std::byte> buffer(1 << 20);
    while (const size_t size = read_full(from.get(), buffer)) write_all(to, std::span(buffer).first(size));
}

void make_parents(const RootedDir& volume, const std::string& path) {
    for (size_t end = path.find('/'); end != std::string::npos; end = path.find('/', end + 1)) {
        const RootedDir::Parent parent = volume.open_parent(path.substr(0, end));
        if (::mkdirat(parent.directory.get(), parent.name.c_str(), 0755) != 0 && errno != EEXIST) {
            throw_errno(fmt::format("cannot create {} in a volume", quoted(path.substr(0, end))));
        }
    }
}

}  // namespace

void copy_in(const std::filesystem::path& file, const std::string& path, const Volumes& volumes) {
    const Place place = locate(path, volumes);
    const UniqueFd from = open_file(file, O_RDONLY | O_NONBLOCK);
    require_regular(from, file.native());
    const RootedDir volume(place.directory);
    make_parents(volume, place.path);
    const UniqueFd to = volume.open(place.path, O_WRONLY | O_CREAT | O_TRUNC | O_NONBLOCK, 0644);
    require_regular(to, path);
    copy(from, to.get());
}

void copy_out(const std::string& path, const std::filesystem::path& file, const Volumes& volumes) {
    const Place place = locate(path, volumes);
    const auto from = RootedDir(place.directory).try_open(place.path, O_RDONLY | O_NONBLOCK);
    if (!from) {
        throw Error(ErrorKind::not_found, fmt::format("there is no file {} in the machine", quoted(path)))
            .hint("the command did not write it");
    }
    require_regular(*from, path);
    AtomicFile to(file);
    copy(*from, to.fd());
    to.commit();
}

}  // namespace gbuild::provider
