#include "gbuild/cli/machine_facts.h"

#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>

#include <fmt/format.h>

#include "gbuild/base/error.h"
#include "gbuild/base/fd.h"
#include "gbuild/base/text.h"
#include "gbuild/sandbox/cgroup.h"

namespace gbuild::cli {

namespace {

namespace fs = std::filesystem;

// A small file of /proc or /sys; "" where it cannot be read.
std::string file_text(const char* path) {
    try {
        return std::string(trim(read_text_file(path, 1 << 16)));
    } catch (const Error&) {
        return {};
    }
}

bool is_there(const char* path) { return ::access(path, F_OK) == 0; }

MachineFact container_fact(const EnvironmentLookup& environment) {
    std::string kind;
    if (environment("KUBERNETES_SERVICE_HOST"))
        kind = "a pod of Kubernetes";
    else if (is_there("/run/.containerenv"))
        kind = "a container of podman";
    else if (is_there("/.dockerenv"))
        kind = "a container of docker";
    else if (auto name = environment("container"); name && !name->empty())
        kind = fmt::format("a container of {}", printable(*name));
    else if (is_there("/run/systemd/container"))
        kind = fmt::format("a container of {}", printable(file_text("/run/systemd/container")));
    return {"container", kind.empty() ? "none found" : kind, FactState::fine, "", ""};
}

MachineFact apparmor_fact() {
    MachineFact fact{"apparmor", "not in use", FactState::fine, "", ""};
    if (file_text("/sys/module/apparmor/parameters/enabled") != "Y") return fact;
    const std::string profile = file_text("/proc/self/attr/apparmor/current");
    fact.value = fmt::format("this process is {}", profile.empty() ? "unconfined" : printable(profile));
    const bool restricted = file_text("/proc/sys/kernel/apparmor_restrict_unprivileged_userns") == "1";
    // Root is not restricted, nor is who has a profile that grants it.
    if (!restricted || ::geteuid() == 0 || profile.find("gbuild") != std::string::npos) return fact;
    fact.state = FactState::missing;
    fact.matter = "programs without a profile get no user namespaces, which RUN takes for a user";
    fact.remedy = "sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0, or install gbuild's package, which "
                  "has a profile";
    return fact;
}

MachineFact cgroup_fact() {
    MachineFact fact{"cgroups", "steps can be limited", FactState::fine, "", ""};
    try {
        constexpr uint64_t any = uint64_t{1} << 40;
        const sandbox::Cgroup tried(sandbox::Limits{any, 1'000'000});
    } catch (const Error& error) {
        fact.state = FactState::missing;
        fact.value = error.message();
        fact.matter = "--memory and --pids have no effect";
        fact.remedy =
            ::geteuid() == 0
                ? "systemd-run --scope -p Delegate=yes gbuild …, or docker run --cgroupns private --privileged …"
                : "systemd-run --user --scope -p Delegate=yes gbuild …";
    }
    return fact;
}

MachineFact kvm_fact() {
    MachineFact fact{"kvm", "/dev/kvm can be used", FactState::fine, "", ""};
    if (::access("/dev/kvm", R_OK | W_OK) == 0) return fact;
    fact.state = FactState::missing;
    fact.matter = "virtual machines are slow here, or do not start";
    if (is_there("/dev/kvm")) {
        fact.value = "/dev/kvm is not for this user";
        fact.remedy = "sudo usermod -aG kvm $USER, and log in anew; in a container, docker run --device /dev/kvm …";
    } else {
        fact.value = "there is no /dev/kvm";
        fact.remedy = "sudo modprobe kvm_intel or kvm_amd; in a virtual machine, allow nested virtualization; in a "
                      "container, docker run --device /dev/kvm …";
    }
    return fact;
}

std::optional<fs::path> find_program(const std::string& name, const EnvironmentLookup& environment) {
    for (const std::string& directory : split(environment("PATH").value_or("/usr/bin:/bin"), ':')) {
        const fs::path file = fs::path(directory) / name;
        std::error_code ignored;
        if (fs::is_regular_file(file, ignored) && ::access(file.c_str(), X_OK) == 0) return file;
    }
    return std::nullopt;
}

MachineFact qemu_fact(const EnvironmentLookup& environment) {
    if (auto file = find_program("qemu-system-x86_64", environment))
        return {"qemu", file->native(), FactState::fine, "", ""};
    return {"qemu", "qemu-system-x86_64 is not installed", FactState::missing,
            "images cannot be started as a provider does", "sudo apt-get install qemu-system-x86"};
}

MachineFact fuse_fact() {
    if (::access("/dev/fuse", R_OK | W_OK) == 0) return {"fuse", "/dev/fuse can be used", FactState::fine, "", ""};
    // gbuild does without; those who mount an image by other programs want to know.
    return {"fuse", is_there("/dev/fuse") ? "/dev/fuse is not for this user" : "there is no /dev/fuse",
            FactState::missing, "squashfuse cannot mount images; gbuild itself does not need it",
            "sudo modprobe fuse; in a container, docker run --device /dev/fuse …"};
}

MachineFact disk_fact(const fs::path& store) {
    constexpr uint64_t scant = uint64_t{2} << 30;
    struct statvfs status {};
    if (::statvfs(store.c_str(), &status) != 0) return {"disk", "unknown", FactState::fine, "", ""};
    const uint64_t free = static_cast<uint64_t>(status.f_bavail) * status.f_frsize;
    MachineFact fact{"disk", fmt::format("{} free where the store is", human_size(free)), FactState::fine, "", ""};
    if (free >= scant) return fact;
    fact.state = FactState::missing;
    fact.matter = "larger builds may find no space";
    fact.remedy = "gbuild prune --all, or GBUILD_ROOT=/elsewhere gbuild …";
    return fact;
}

// "MemAvailable:    1234 kB"
std::optional<uint64_t> available_memory() {
    for (const std::string& line : split(file_text("/proc/meminfo"), '\n')) {
        if (!line.starts_with("MemAvailable:")) continue;
        const std::string_view rest = trim(std::string_view(line).substr(line.find(':') + 1));
        const auto kilobytes = parse_decimal(rest.substr(0, rest.find(' ')));
        if (kilobytes) return *kilobytes * 1024;
    }
    return std::nullopt;
}

MachineFact memory_fact() {
    constexpr uint64_t scant = uint64_t{512} << 20;
    auto available = available_memory();
    if (!available) return {"memory", "unknown", FactState::fine, "", ""};
    // A container's own limit, where its groups are what it sees.
    const auto limit = parse_decimal(file_text("/sys/fs/cgroup/memory.max"));
    const auto used = parse_decimal(file_text("/sys/fs/cgroup/memory.current"));
    if (limit && used) available = std::min(*available, *limit - std::min(*limit, *used));
    MachineFact fact{"memory", fmt::format("{} available", human_size(*available)), FactState::fine, "", ""};
    if (*available >= scant) return fact;
    fact.state = FactState::missing;
    fact.matter = "compressing with many threads may find no memory";
    fact.remedy = "gbuild build --jobs 1 …";
    return fact;
}

}  // namespace

std::string ci_system(const EnvironmentLookup& environment) {
    struct System {
        const char* variable;
        const char* name;
    };
    constexpr System systems[] = {{"GITHUB_ACTIONS", "GitHub Actions"},
                                  {"GITLAB_CI", "GitLab CI"},
                                  {"FORGEJO_ACTIONS", "Forgejo Actions"},
                                  {"GITEA_ACTIONS", "Gitea Actions"},
                                  {"CIRCLECI", "CircleCI"},
                                  {"JENKINS_URL", "Jenkins"},
                                  {"BUILDKITE", "Buildkite"},
                                  {"TF_BUILD", "Azure Pipelines"},
                                  {"BITBUCKET_BUILD_NUMBER", "Bitbucket Pipelines"},
                                  {"TRAVIS", "Travis CI"},
                                  {"DRONE", "Drone"},
                                  {"TEAMCITY_VERSION", "TeamCity"},
                                  {"CODEBUILD_BUILD_ID", "AWS CodeBuild"},
                                  {"CI", "one that sets CI"}};
    for (const System& system : systems) {
        const std::string value = environment(system.variable).value_or("");
        if (!value.empty() && value != "false" && value != "0") return system.name;
    }
    return {};
}

std::vector<MachineFact> machine_facts(const fs::path& store, const EnvironmentLookup& environment) {
    const std::string ci = ci_system(environment);
    return {container_fact(environment),
            {"ci", ci.empty() ? "none found" : ci, FactState::fine, "", ""},
            apparmor_fact(),
            cgroup_fact(),
            kvm_fact(),
            qemu_fact(environment),
            fuse_fact(),
            disk_fact(store),
            memory_fact()};
}

std::string machine_facts_text(const std::vector<MachineFact>& facts) {
    std::string text;
    for (const MachineFact& fact : facts) {
        text += fmt::format("{} {:<10} {}\n", fact.state == FactState::fine ? "  " : "no", fact.name, fact.value);
        if (fact.state == FactState::fine) continue;
        text += fmt::format("              so: {}\n              type: {}\n", fact.matter, fact.remedy);
    }
    return text;
}

Json machine_facts_json(const std::vector<MachineFact>& facts) {
    Json list = Json::array();
    for (const MachineFact& fact : facts) {
        Json one{{"name", fact.name}, {"value", fact.value}, {"fine", fact.state == FactState::fine}};
        if (fact.state != FactState::fine) one.update(Json{{"matter", fact.matter}, {"remedy", fact.remedy}});
        list.push_back(std::move(one));
    }
    return list;
}

}  // namespace gbuild::cli
