#include <algorithm>

#include <fmt/format.h>

#include "gbuild/base/text.h"
#include "gbuild/cli/build_settings.h"
#include "gbuild/plan/proxies.h"
#include "run_inputs.h"

namespace gbuild::cli {

namespace {

// "90", "90s", "15m", "2h".
std::optional<std::chrono::seconds> parse_duration(std::string_view text) {
    uint64_t unit = 1;
    if (!text.empty() && (text.back() == 's' || text.back() == 'm' || text.back() == 'h')) {
        unit = text.back() == 's' ? 1 : text.back() == 'm' ? 60 : 3600;
        text.remove_suffix(1);
    }
    constexpr uint64_t longest = uint64_t{365} * 24 * 3600;
    auto number = parse_decimal(text);
    if (!number || *number == 0 || *number > longest / unit) return std::nullopt;
    return std::chrono::seconds(*number * unit);
}

[[noreturn]] void refuse(const char* option, const std::string& value, const char* wanted) {
    throw Error(ErrorKind::usage, fmt::format("{} {}: not {}", option, quoted(value), wanted));
}

}  // namespace

void RunSettings::declare(OptionSet& options) {
    options.group("How RUN is executed");
    options.choice("--isolation", {"auto", "root", "subid", "single", "chroot"}, isolation,
                   "how steps get their own files and owners; gbuild doctor tells what works here",
                   {"default", "oci", "rootless"});  // docker's and buildah's
    options.choice("--network", {"default", "none", "host"}, network,
                   "network of the steps; default and host: this machine's",
                   {"bridge", "private", "slirp4netns", "pasta"});  // of others, with the network reached through them
    options.list("--allow", "security.insecure", allow, "permit RUN --security=insecure");
    options.value("--timeout", "TIME", timeout, "how long a step may take: seconds, or 15m, 2h (default: no limit)");
    options.value("-m,--memory", "SIZE", memory,
                  "memory a step may use, for example 2G, where control groups allow that");
    options.list(
        "--secret", "id=ID[,src=FILE|,env=VARIABLE]", secrets,
        "a secret for RUN --mount=type=secret; without src and env the variable or file called ID; repeatable");
    options.list("--ssh", "default|ID[=SOCKET|KEY,…]", agents,
                 "an ssh agent, or files of keys without passphrases, for RUN --mount=type=ssh and, as default, git "
                 "over ssh (default: $SSH_AUTH_SOCK); repeatable");
    options.list("--add-host", "NAME=ADDRESS", hosts, "a line for the steps' /etc/hosts; repeatable");
    options.list("--ulimit", "TYPE=SOFT[:HARD]", limits,
                 "a limit for the steps' processes, for example nofile=1024; repeatable");
    options.value("--shm-size", "SIZE", shm_size, "size of the steps' /dev/shm (default: 64M)");
    options.value("--pids", "N", pids, "processes a step may have, where control groups allow that");
}

std::vector<std::string> RunSettings::notices() const {
    for (const std::string& list : allow) {
        const std::vector<std::string> words = split(list, ',');
        if (std::find(words.begin(), words.end(), "network.host") == words.end()) continue;
        return {"ignoring --allow network.host: steps may use the machine's network unless --network none is given"};
    }
    return {};
}

void RunSettings::apply(build::BuildOptions& build, const Console& console) {
    build::RunOptions& run = build.run;
    const bool any = isolation == "auto" || isolation == "default" || isolation == "oci" || isolation == "rootless";
    if (!any) run.isolation = sandbox::parse_isolation(isolation);
    if (network == "none") run.network = sandbox::Network::none;
    for (const std::string& list : allow) {
        for (const std::string& entitlement : split(list, ',')) {
            if (entitlement == "network.host") continue;  // as it is anyway; notices() tells
            if (entitlement != "security.insecure") refuse("--allow", entitlement, "security.insecure");
            run.allow_insecure = true;
        }
    }
    if (!timeout.empty()) {
        auto time = parse_duration(timeout);
        if (!time) refuse("--timeout", timeout, "a time such as 90, 15m or 2h");
        run.timeout = *time;
    }
    if (!memory.empty()) {
        run.memory = parse_size(memory);
        if (!run.memory || *run.memory == 0) refuse("--memory", memory, "a size such as 512M or 2G");
    }
    if (!pids.empty()) {
        run.pids = parse_decimal(pids);
        if (!run.pids || *run.pids == 0) refuse("--pids", pids, "a number of processes");
    }
    if (!shm_size.empty()) {
        auto size = parse_size(shm_size);
        if (!size || *size == 0) refuse("--shm-size", shm_size, "a size such as 64M or 1G");
        run.shm_size = *size;
    }
    for (const std::string& text : secrets) add_secret(run.secrets, text, console);
    for (const std::string& text : agents) add_agent(run.agents, key_agents, text, console);
    for (const std::string& text : hosts) run.hosts.push_back(parse_host(text));
    for (const std::string& text : limits) run.limits.push_back(parse_limit(text));
    for (const plan::ProxyName& proxy : plan::proxy_names) {
        for (std::string_view name : {proxy.lower, proxy.upper}) {
            if (auto value = console.env(std::string(name))) run.proxies[std::string(name)] = *value;
        }
    }
}

}  // namespace gbuild::cli
