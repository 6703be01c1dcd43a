// RUN and what it mounts.
#include <algorithm>

#include <fmt/format.h>

#include "gbuild/base/text.h"
#include "gbuild/plan/proxies.h"
#include "paths.h"
#include "stage_planner.h"

namespace gbuild::plan {

namespace {

using dockerfile::MountType;

constexpr size_t max_mounts = 100;

std::string last_component(const std::string& path) { return path.substr(path.rfind('/') + 1); }

// As BuildKit has them.
uint32_t default_mode(MountType type) {
    switch (type) {
    case MountType::secret: return 0400;
    case MountType::ssh: return 0600;
    default: return 0755;
    }
}

std::string secret_id(const dockerfile::Mount& mount) {
    if (!mount.id.empty()) return mount.id;
    return mount.source.empty() ? last_component(mount.target) : mount.source;
}

// A secret that is a variable is a file only where a place for that is named.
std::string secret_target(const dockerfile::Mount& mount, const std::string& id) {
    if (!mount.target.empty() || mount.env) return mount.target;
    return "/run/secrets/" + last_component(id);
}

std::string socket_target(const dockerfile::Mount& mount, size_t sockets_before) {
    return mount.target.empty() ? fmt::format("/run/buildkit/ssh_agent.{}", sockets_before) : mount.target;
}

size_t sockets_of(const std::vector<RunMount>& mounts) {
    size_t count = 0;
    for (const RunMount& mount : mounts) count += mount.type == MountType::ssh ? 1 : 0;
    return count;
}

}  // namespace

std::optional<CopySource> StagePlanner::origin_of_mount(size_t flag) const {
    for (const MountOrigin& origin : source_.mounts) {
        if (origin.instruction == index_ && origin.flag == flag) return origin.source;
    }
    return std::nullopt;
}

RunMount StagePlanner::plan_mount(const dockerfile::Mount& mount, const RunStep& run, const SourceSpan& span) const {
    RunMount result;
    result.type = mount.type;
    result.target = mount.target;
    result.read_only = mount.read_only;
    result.id = mount.id;
    result.env = mount.env;
    result.required = mount.required;
    result.sharing = mount.sharing;
    result.size = mount.size;
    result.mode = mount.mode.value_or(default_mode(mount.type));
    result.uid = mount.uid.value_or(0);
    result.gid = mount.gid.value_or(0);
    result.span = span;
    if (mount.type == MountType::secret) {
        result.id = secret_id(mount);
        result.target = secret_target(mount, result.id);
    } else {
        result.path = resolve_path("/", mount.source);
    }
    if (mount.type == MountType::ssh) {
        if (result.id.empty()) result.id = "default";
        result.target = socket_target(mount, sockets_of(run.mounts));
    }
    const bool only_variable = mount.type == MountType::secret && result.target.empty();
    if (!only_variable) result.target = resolve_path(working_directory(), result.target);
    if (mount.type == MountType::cache && result.id.empty()) result.id = result.target;
    return result;
}

void StagePlanner::add_mount(RunStep& run, const dockerfile::Flag& flag, size_t number) {
    auto refuse = [&](ErrorKind kind, std::string message, std::string hint) {
        throw Error(kind, std::move(message)).hint(std::move(hint)).at(flag.span);
    };
    if (run.mounts.size() >= max_mounts) {
        refuse(ErrorKind::limit, fmt::format("more than {} mounts in a RUN", max_mounts), "mount directories");
    }
    dockerfile::Mount mount;
    try {
        mount = dockerfile::parse_mount(flag.value, [this](std::string_view value) { return word(value); });
    } catch (const Error& error) {
        refuse(error.kind(), error.message(), error.hint());
    }
    RunMount planned = plan_mount(mount, run, flag.span);
    planned.from = origin_of_mount(number);
    if (mount.type == MountType::bind && !planned.from) planned.from = ContextSource{};
    if (planned.target == "/") {
        refuse(ErrorKind::dockerfile, "a mount cannot cover the root directory", "give target a directory below /");
    }
    if (std::max({planned.target.size(), planned.path.size(), planned.id.size()}) > max_path) {
        refuse(ErrorKind::dockerfile, fmt::format("a path in --mount has more than {} bytes", max_path),
               "use a shorter one");
    }
    run.mounts.push_back(std::move(planned));
}

// As docker has it, a build argument; it goes into /etc/hosts, too.
std::string StagePlanner::hostname() const {
    const std::string name = "BUILDKIT_SANDBOX_HOSTNAME";
    const auto given = context_.request.build_args.find(name);
    if (given == context_.request.build_args.end()) return "";
    constexpr size_t longest = 64;  // of sethostname(2)
    const std::string& value = given->second;
    const bool is_name = value.size() <= longest && std::all_of(value.begin(), value.end(), [](char c) {
                             return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                                    c == '-' || c == '.' || c == '_';
                         });
    if (is_name) return value;
    throw Error(ErrorKind::usage, fmt::format("--build-arg {}: {} is not a host's name", name, quoted(value)))
        .hint(fmt::format("use letters, digits, \"-\", \"_\" and \".\", {} at most", longest));
}

void StagePlanner::run_command(Step& step) {
    RunStep run;
    run.hostname = hostname();
    run.args = with_shell(instruction_->args);
    run.heredocs = instruction_->heredocs;
    run.shell_form = instruction_->form == dockerfile::Form::shell;
    run.arg_environment = scope_.environment();
    run.proxies = proxies_in_both_cases(context_.request.build_args);
    for (size_t number = 0; number < instruction_->flags.size(); number++) {
        const dockerfile::Flag& flag = instruction_->flags[number];
        if (flag.name == "mount") add_mount(run, flag, number);
        if (flag.name == "network") run.network = flag.value;
        if (flag.name != "security") continue;
        run.security = flag.value;
        run.security_span = flag.span;
    }
    step.action = std::move(run);
}

}  // namespace gbuild::plan
