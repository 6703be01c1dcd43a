#include "run_mounts.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include <fmt/format.h>

#include "gbuild/base/remove_tree.h"
#include "gbuild/base/text.h"

namespace gbuild::build {

namespace {

using dockerfile::MountSharing;
using dockerfile::MountType;
using sandbox::StepMount;

store::CacheUse use_of(MountSharing sharing, bool moves) {
    if (sharing == MountSharing::private_) return store::CacheUse::an_unused;
    // What is moved is in one place at a time.
    return sharing == MountSharing::locked || moves ? store::CacheUse::alone : store::CacheUse::shared;
}

// One step cannot wait for itself: the strictest of what its mounts of one cache ask for counts for all.
MountSharing stricter(MountSharing a, MountSharing b) {
    auto rank = [](MountSharing sharing) {
        return sharing == MountSharing::locked ? 2 : sharing == MountSharing::private_;
    };
    return rank(a) < rank(b) ? b : a;
}

bool is_at_or_below(std::string_view path, std::string_view directory) {
    return path.starts_with(directory) && (path.size() == directory.size() || path[directory.size()] == '/');
}

std::string place_in(const tree::Tree& tree, const std::string& target) {
    try {
        return tree.resolve(target, tree::FollowLast::yes);
    } catch (const Error&) {
        return target.substr(1);  // links in a circle: mounting will fail, and say so
    }
}

void set_variable(std::vector<std::string>& environment, const std::string& name, const std::string& value) {
    const std::string start = name + "=";
    std::erase_if(environment, [&](const std::string& entry) { return entry.starts_with(start); });
    environment.push_back(start + value);
}

bool has_variable_named(const std::vector<std::string>& environment, const std::string& name) {
    return std::any_of(environment.begin(), environment.end(),
                       [&](const std::string& entry) { return entry.starts_with(name + "="); });
}

// Parents first; otherwise as written.
std::vector<const plan::RunMount*> in_order(const std::vector<plan::RunMount>& mounts) {
    std::vector<const plan::RunMount*> order;
    order.reserve(mounts.size());
    for (const plan::RunMount& mount : mounts) order.push_back(&mount);
    auto depth = [](const plan::RunMount* mount) {
        return std::count(mount->target.begin(), mount->target.end(), '/');
    };
    std::stable_sort(order.begin(), order.end(), [&](const auto* a, const auto* b) { return depth(a) < depth(b); });
    return order;
}

}  // namespace

RunMounts::RunMounts(const RunMountsJob& job) :
    job_(job), moves_(job.disk.sandbox.isolation() == sandbox::Isolation::chroot) {
    take_caches();
    for (const plan::RunMount* mount : in_order(job_.mounts)) {
        try {
            ready_.push_back(prepare(*mount));
        } catch (Error& error) {
            if (!error.span()) error.at(mount->span);
            throw;
        }
    }
}

RunMounts::~RunMounts() {
    for (const std::string& directory : temporary_) {
        try {
            remove_tree(directory);
        } catch (const Error&) {
            // It goes with the directory that all of them are in.
        }
    }
}

std::string RunMounts::temporary_directory() { return temporary_.emplace_back(job_.disk.make_directory()); }

RunMounts::Ready RunMounts::prepare(const plan::RunMount& mount) {
    require_possible(mount);
    switch (mount.type) {
    case MountType::bind: return bind(mount);
    case MountType::cache: return cache(mount);
    case MountType::secret: return secret(mount);
    case MountType::ssh: return agent(mount);
    case MountType::tmpfs: break;
    }
    return memory(mount);
}

RunMounts::Ready RunMounts::memory(const plan::RunMount& mount) {
    Ready ready;
    StepMount& shown = ready.mount.emplace();
    shown.target = mount.target;
    if (moves_) {
        shown.layers = {temporary_directory()};
        if (::chmod(shown.layers.front().c_str(), 01777) != 0) throw_errno("cannot set the mode of a directory");
        return ready;
    }
    shown.kind = StepMount::Kind::tmpfs;
    shown.read_only = mount.read_only;
    shown.size = mount.size;
    return ready;
}

// Without mounts there is no file that is in memory alone, and no limit for a directory.
void RunMounts::require_possible(const plan::RunMount& mount) const {
    const bool file = mount.type == MountType::secret && !mount.target.empty();
    if (!moves_ || (!file && !mount.size)) return;
    constexpr const char* hint = "give the container CAP_SYS_ADMIN, or run gbuild as an ordinary user";
    throw Error(ErrorKind::unsupported,
                fmt::format("RUN --mount=type={} needs more than chroot, which can mount nothing",
                            file ? "secret" : "tmpfs with a size"))
        .hint(file ? fmt::format("{}; or have the secret as a variable: env=NAME", hint) : hint);
}

// Without overlayfs what is written can only be discarded with a copy of everything.
RunMounts::Ready RunMounts::bind(const plan::RunMount& mount) {
    const bool copied = moves_ || (!mount.read_only && !job_.disk.sandbox.has_overlay());
    const MountSource source =
        copied ? job_.sources.private_source(*mount.from, mount.path) : job_.sources.source(*mount.from, mount.path);
    Ready ready;
    StepMount& shown = ready.mount.emplace();
    shown.target = mount.target;
    shown.read_only = mount.read_only;
    shown.layers = source.layers;
    shown.path = source.path;
    ready.owners = source.owners;
    ready.has_devices = source.has_devices;
    if (copied) temporary_.push_back(source.layers.front());
    if (copied || (mount.read_only && source.layers.size() == 1)) return ready;
    shown.point = temporary_directory();
    if (mount.read_only) return ready;
    shown.upper = temporary_directory();
    shown.work = temporary_directory();
    // The mount shows the attributes of its highest layer.
    tree::Tree top;
    top.apply({{tree::EntryKind::inode, "", "", source.root}});
    layer::copy_root_attributes(top, RootedDir(shown.upper), extraction_options(job_.disk.sandbox, job_.disk.contents));
    return ready;
}

std::string RunMounts::cache_key(const plan::RunMount& mount) {
    std::string key = fmt::format("1 {}\n{}\n", mount.id, job_.disk.sandbox.owner_form());
    if (mount.from) return key + job_.sources.digest(*mount.from, mount.path).text();
    return key + fmt::format("{:o} {} {}", mount.mode, mount.uid, mount.gid);
}

void RunMounts::fill_cache(const plan::RunMount& mount, const std::filesystem::path& directory) {
    if (mount.from) return job_.sources.write(*mount.from, mount.path, directory);
    tree::Inode inode;
    inode.mode = static_cast<uint16_t>(mount.mode & 07777);
    inode.uid = mount.uid;
    inode.gid = mount.gid;
    inode.mtime = job_.epoch;
    tree::Tree top;
    top.apply({{tree::EntryKind::inode, "", "", inode}});
    layer::copy_root_attributes(top, RootedDir(directory), extraction_options(job_.disk.sandbox, job_.disk.contents));
}

// All steps take locks in the order of their keys, so that no two wait for each other.
void RunMounts::take_caches() {
    struct Wanted {
        const plan::RunMount* mount;
        MountSharing sharing;
    };
    std::map<std::string, Wanted> wanted;
    for (const plan::RunMount& mount : job_.mounts) {
        if (mount.type != MountType::cache) continue;
        try {
            const std::string& key = keys_[&mount] = cache_key(mount);
            auto [place, added] = wanted.try_emplace(key, Wanted{&mount, mount.sharing});
            if (!added) place->second.sharing = stricter(place->second.sharing, mount.sharing);
        } catch (Error& error) {
            throw std::move(error).at(mount.span);
        }
    }
    for (const auto& [key, one] : wanted) {
        try {
            caches_.emplace(key, take_cache(key, *one.mount, one.sharing));
        } catch (Error& error) {
            throw std::move(error).at(one.mount->span);
        }
    }
}

store::Cache RunMounts::take_cache(const std::string& key, const plan::RunMount& mount, MountSharing sharing) {
    auto fill = [&](const std::filesystem::path& directory) { fill_cache(mount, directory); };
    auto waiting = [&] {
        job_.env.events.emit(
            Notice{fmt::format("waiting for the cache {}, which another step uses", quoted(mount.id))});
    };
    // A command of a cache's making leaves what it likes in such a directory.
    const std::string name = job_.scope.empty() ? key : key + " after " + job_.scope;
    auto take = [&](store::CacheUse use) { return job_.env.store.cache(name, use, fill, waiting, job_.env.stop); };
    const store::CacheUse use = use_of(sharing, moves_);
    if (use == store::CacheUse::an_unused) {
        store::Cache cache = take(use);
        if (job_.renews(cache.files.native())) renew(cache, mount);
        return cache;
    }
    if (job_.renews(key)) renew(take(store::CacheUse::alone), mount);
    return take(use);
}

// Of one that nobody else uses.
void RunMounts::renew(const store::Cache& cache, const plan::RunMount& mount) {
    remove_tree(cache.files);
    if (::mkdir(cache.files.c_str(), 0755) != 0 || ::chmod(cache.files.c_str(), 0755) != 0) {
        throw_errno(fmt::format("cannot create {}", quoted(cache.files.native())));
    }
    fill_cache(mount, cache.files);
}

RunMounts::Ready RunMounts::cache(const plan::RunMount& mount) {
    Ready ready;
    StepMount& shown = ready.mount.emplace();
    shown.target = mount.target;
    shown.read_only = mount.read_only;
    shown.layers = {caches_.at(keys_.at(&mount)).files.native()};
    return ready;
}

RunMounts::Ready RunMounts::secret(const plan::RunMount& mount) const {
    Ready ready;
    const auto found = job_.options.secrets.find(mount.id);
    if (found == job_.options.secrets.end()) {
        if (!mount.required) return ready;
        throw Error(ErrorKind::not_found, fmt::format("the secret {} was not given", quoted(mount.id)))
            .hint(fmt::format("give it with --secret id={0},src=FILE or --secret id={0},env=VARIABLE",
                              printable(mount.id)));
    }
    if (mount.env) {
        if (found->second.find('\0') != std::string::npos) {
            throw Error(ErrorKind::unsupported,
                        fmt::format("the secret {} holds a zero byte, which no variable can", quoted(mount.id)))
                .hint("mount it as a file, without env=");
        }
        ready.variables.emplace_back(*mount.env, found->second);
    }
    if (mount.target.empty()) return ready;
    StepMount& shown = ready.mount.emplace();
    shown.kind = StepMount::Kind::file;
    shown.target = mount.target;
    shown.read_only = true;
    shown.contents = found->second;
    shown.mode = mount.mode & 07777;
    shown.uid = mount.uid;
    shown.gid = mount.gid;
    return ready;
}

RunMounts::Ready RunMounts::agent(const plan::RunMount& mount) {
    Ready ready;
    const auto found = job_.options.agents.find(mount.id);
    if (found == job_.options.agents.end()) {
        if (!mount.required) return ready;
        throw Error(ErrorKind::not_found, fmt::format("the ssh agent {} was not given", quoted(mount.id)))
            .hint(fmt::format("start an ssh agent, and give it with --ssh {}", printable(mount.id)));
    }
    const std::string directory = temporary_directory();
    forwarders_.emplace_back(directory, found->second);
    const std::string socket = directory + "/" + SshForwarder::socket_name;
    if (::chmod(socket.c_str(), mount.mode & 0777) != 0) throw_errno("cannot set the mode of a socket");
    if (job_.disk.sandbox.records_owners()) {
        if (mount.uid != 0 || mount.gid != 0) ready.owners.push_back({"", {mount.uid, mount.gid}});
    } else if (::lchown(socket.c_str(), mount.uid, mount.gid) != 0) {
        throw_errno(fmt::format("cannot give a socket to {}:{}", mount.uid, mount.gid));
    }
    StepMount& shown = ready.mount.emplace();
    shown.target = mount.target;
    shown.layers = {directory};
    shown.path = SshForwarder::socket_name;
    ready.variables.emplace_back("SSH_AUTH_SOCK", mount.target);
    return ready;
}

bool RunMounts::is_hidden(const std::string& path) const {
    return std::any_of(places_.begin(), places_.end(),
                       [&](const std::string& place) { return is_at_or_below(path, place); });
}

void RunMounts::add_to(sandbox::Step& step) {
    for (const Ready& ready : ready_) {
        for (const auto& [name, value] : ready.variables) {
            // An agent that ENV names is meant.
            if (name == "SSH_AUTH_SOCK" && has_variable_named(step.environment, name)) continue;
            set_variable(step.environment, name, value);
        }
        if (!ready.mount) continue;
        places_.push_back(place_in(job_.tree, ready.mount->target));
        step.mounts.push_back(*ready.mount);
        step.mounts.back().target = "/" + places_.back();
        if (moves_) step.mounts.back().point = temporary_directory();
        step.has_devices = step.has_devices || ready.has_devices;
    }
    std::vector<PathRecord> shown;
    for (PathRecord& record : step.owners) (is_hidden(record.path) ? hidden_ : shown).push_back(std::move(record));
    size_t number = 0;
    for (const Ready& ready : ready_) {
        if (!ready.mount) continue;
        const std::string& place = places_[number++];
        std::erase_if(shown, [&](const PathRecord& record) { return is_at_or_below(record.path, place); });
        for (const PathRecord& record : ready.owners) {
            shown.push_back({record.path.empty() ? place : place + "/" + record.path, record.owner});
        }
    }
    step.owners = std::move(shown);
}

void RunMounts::take_out_of(sandbox::FinalOwners& owners) const {
    if (places_.empty()) return;
    std::erase_if(owners.paths, [&](const PathRecord& record) { return is_hidden(record.path); });
    owners.paths.insert(owners.paths.end(), hidden_.begin(), hidden_.end());
}

}  // namespace gbuild::build
