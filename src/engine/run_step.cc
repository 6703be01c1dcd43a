#include "run_step.h"

#include <signal.h>
#include <string.h>

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "gbuild/base/fd.h"
#include "gbuild/base/text.h"
#include "gbuild/plan/proxies.h"

namespace gbuild::build {

namespace {

constexpr size_t resolv_conf_cap = 1 << 20;

std::string hosts_file(const RunOptions& options, const std::string& hostname) {
    std::string text = "127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n";
    text += fmt::format("127.0.1.1 {}\n", hostname);
    for (const auto& [name, address] : options.hosts) text += fmt::format("{}\t{}\n", address, name);
    return text;
}

std::string text_or_empty(const char* path) {
    try {
        return read_text_file(path, resolv_conf_cap);
    } catch (const Error&) {
        return "";
    }
}

bool has_only_local_stub(const std::string& resolv_conf) {
    bool any = false;
    for (const std::string& line : split(resolv_conf, '\n')) {
        if (line.rfind("nameserver", 0) != 0) continue;
        if (trim(line.substr(10)) != "127.0.0.53") return false;
        any = true;
    }
    return any;
}

// Of systemd-resolved's stub, which other network namespaces do not reach, the servers behind it.
std::string resolv_conf() {
    std::string text = text_or_empty("/etc/resolv.conf");
    if (!has_only_local_stub(text)) return text;
    std::string real = text_or_empty("/run/systemd/resolve/resolv.conf");
    return real.empty() ? text : real;
}

// Where `path` really is in the image; "" where nothing can be mounted.
std::string mount_place(const tree::Tree& tree, const std::string& path) {
    try {
        std::string place = tree.resolve(path, tree::FollowLast::yes);
        const tree::Node* node = tree.find(place, tree::FollowLast::no);
        const bool elsewhere =
            place.rfind("proc/", 0) == 0 || place.rfind("sys/", 0) == 0 || place.rfind("dev/", 0) == 0;
        return elsewhere || (node && node->is_directory()) ? "" : place;
    } catch (const Error&) {
        return "";
    }
}

void inject(sandbox::Step& step, const tree::Tree& tree, const std::string& path, std::string contents) {
    std::string place = mount_place(tree, path);
    if (!place.empty()) step.files.push_back({std::move(place), std::move(contents)});
}

// The groups are docker's: the user's own is among them; who names a group means that one alone, and an account has
// those that list it, whether it was called by name or by number.
void set_user(sandbox::Step& step, const std::string& user, const tree::Accounts& accounts) {
    const tree::Owner owner =
        user.empty() ? tree::Owner() : tree::resolve_owner(user, accounts, tree::LoneUser::primary_group);
    step.identity.uid = owner.uid;
    step.identity.gid = owner.gid;
    step.identity.groups = {owner.gid};
    if (user.find(':') != std::string::npos) return;
    auto account = tree::find_user(accounts.passwd, user);
    if (!account) account = tree::find_user(accounts.passwd, owner.uid);
    if (!account) return;
    for (uint32_t gid : tree::groups_of(accounts.group, account->name)) {
        if (gid != owner.gid) step.identity.groups.push_back(gid);
    }
}

class StepEnvironment {
  public:
    explicit StepEnvironment(std::vector<std::string> entries) : entries_(std::move(entries)) {}
    bool has(std::string_view name) const { return find(name) != entries_.size(); }
    void set(std::string_view name, std::string_view value) {
        std::string entry = fmt::format("{}={}", name, value);
        if (const size_t at = find(name); at < entries_.size())
            entries_[at] = std::move(entry);
        else
            entries_.push_back(std::move(entry));
    }
    void set_missing(std::string_view name, std::string_view value) {
        if (!has(name)) set(name, value);
    }
    std::vector<std::string> take() { return std::move(entries_); }

  private:
    size_t find(std::string_view name) const {
        const auto found = std::find_if(entries_.begin(), entries_.end(), [&](const std::string& entry) {
            return entry.size() > name.size() && entry[name.size()] == '=' && entry.starts_with(name);
        });
        return static_cast<size_t>(found - entries_.begin());
    }
    std::vector<std::string> entries_;
};

// A build argument wins over everything, as BuildKit has it; this machine's own proxies count where nothing else names
// one. Whoever knows one case only is served, too.
void add_proxies(StepEnvironment& environment, const RunRequest& request) {
    const auto& given = request.step.proxies;
    const auto& own = request.options.proxies;
    for (const plan::ProxyName& proxy : plan::proxy_names) {
        const std::string lower(proxy.lower), upper(proxy.upper);
        const bool is_named = environment.has(lower) || environment.has(upper);
        if (const auto value = given.find(lower); value != given.end()) {
            if (value->second.empty()) continue;
            environment.set(lower, value->second);
            environment.set(upper, value->second);
        } else if (!is_named && (own.contains(lower) || own.contains(upper))) {
            environment.set(lower, own.contains(lower) ? own.at(lower) : own.at(upper));
            environment.set(upper, own.contains(upper) ? own.at(upper) : own.at(lower));
        }
    }
}

std::vector<std::string> environment(const RunRequest& request, uint32_t uid) {
    StepEnvironment result(request.config.env);
    for (const auto& [name, value] : request.step.arg_environment) result.set(name, value);
    add_proxies(result, request);
    result.set_missing("SOURCE_DATE_EPOCH", std::to_string(request.epoch));
    const auto user = tree::find_user(request.accounts.passwd, uid);
    result.set_missing("HOME", user && !user->home.empty() ? user->home : "/");
    return result.take();
}

// MAX_ARG_STRLEN, with the NUL at the end: no longer string reaches a program.
constexpr size_t longest_string = 128u << 10;

// Those that know ". FILE".
bool is_posix_shell(const std::vector<std::string>& command) {
    constexpr std::array<std::string_view, 8> shells = {"sh", "ash", "dash", "bash", "ksh", "mksh", "yash", "zsh"};
    auto name = [](std::string_view path) { return path.substr(path.rfind('/') + 1); };
    if (command.size() < 3 || !command[command.size() - 2].starts_with('-')) return false;
    std::string_view shell = name(command[0]);
    if (shell == "busybox") shell = command[1];
    return std::find(shells.begin(), shells.end(), shell) != shells.end();
}

// A command that is too long for an argument is read from a file, by the same shell with the same options.
void shorten_command(sandbox::Step& step, const plan::RunStep& run) {
    if (!run.shell_form || step.command.back().size() < longest_string || !is_posix_shell(step.command)) return;
    step.scripts.push_back({"script", std::move(step.command.back())});
    step.command.back() = ". /dev/pipes/script";
}

void check_lengths(const sandbox::Step& step) {
    for (const std::string& argument : step.command) {
        if (argument.size() < longest_string) continue;
        throw Error(ErrorKind::limit,
                    fmt::format("an argument of the command has {} bytes, and Linux passes no more than {} on",
                                argument.size(), longest_string - 1))
            .hint("put the text into a file with COPY, and have the command read that");
    }
    for (const std::string& entry : step.environment) {
        if (entry.size() < longest_string) continue;
        throw Error(ErrorKind::limit,
                    fmt::format("the variable {} and its value have {} bytes, and Linux passes no more than {} on",
                                quoted(entry.substr(0, entry.find('='))), entry.size(), longest_string - 1))
            .hint("put the value into a file with COPY, and have the command read that");
    }
}

// A heredoc that is all of a RUN is a script: run by what its first line names, else by the shell. In `RUN cmd <<EOF`
// the shell reads the heredoc, as it was written.
void set_command(sandbox::Step& step, const plan::RunStep& run) {
    step.command = run.args;
    if (!run.shell_form || run.heredocs.empty()) return;
    std::string& text = step.command.back();
    const dockerfile::Heredoc& first = run.heredocs.front();
    if (!first.is_script) {
        for (const dockerfile::Heredoc& heredoc : run.heredocs) text += "\n" + heredoc.contents + heredoc.name;
    } else if (first.contents.rfind("#!", 0) == 0) {
        step.scripts.push_back({first.name, first.contents});
        step.command = {"/dev/pipes/" + first.name};
    } else {
        text = first.contents;
    }
}

std::string how_it_ended(const sandbox::StepResult& result, const RunOptions& options) {
    using End = sandbox::StepResult::End;
    if (result.end == End::timed_out) return fmt::format("did not end within {} s", options.timeout.count());
    if (result.end == End::killed) {
        const char* name = ::sigabbrev_np(result.code);
        return fmt::format("was killed by SIG{}", name ? name : std::to_string(result.code).c_str());
    }
    if (!result.problem.empty()) return fmt::format("could not be started: {}", result.problem);
    return fmt::format("failed with exit code {}", result.code);
}

// The signal that ended the command, or, as shells tell it, a command of the command.
int fatal_signal(const sandbox::StepResult& result) {
    if (result.end == sandbox::StepResult::End::killed) return result.code;
    const bool told = result.end == sandbox::StepResult::End::exited && result.problem.empty() && result.code > 128;
    return told ? result.code - 128 : 0;
}

std::string hint_for(const sandbox::StepResult& result, const plan::RunStep& step, const RunOptions& options) {
    using End = sandbox::StepResult::End;
    if (result.end == End::timed_out) return "give it more time with --timeout, or see what it waits for";
    if (result.end == End::killed && result.code == SIGKILL) {
        return options.memory ? "it may have needed more memory than --memory allows" : "was memory short?";
    }
    if (fatal_signal(result) == SIGXFSZ) {
        return "a file became larger than the limit on the size of files allows: raise it with ulimit -f before the "
               "build, "
               "or with --ulimit fsize=BYTES";
    }
    if (fatal_signal(result) == SIGXCPU) {
        return "it took more processor time than allowed: raise the limit with ulimit -t before the build, or with "
               "--ulimit "
               "cpu=SECONDS";
    }
    if (!result.problem.empty() && result.code == 127) {
        return step.shell_form
                   ? "the image has no such shell: use the exec form, RUN [\"program\", \"argument\"], or SHELL"
                   : "the program has to be in the image; a path without a slash is looked up in PATH";
    }
    return "";
}

}  // namespace

sandbox::Step make_step(const RunRequest& request) {
    const plan::RunStep& run = request.step;
    sandbox::Step step;
    if (run.security == "insecure") {
        if (!request.options.allow_insecure) {
            Error refused(ErrorKind::unsupported, "RUN --security=insecure gives a command all rights that gbuild has");
            refused.hint("allow it with --allow security.insecure, if the Dockerfile is to be trusted");
            if (run.security_span) refused.at(*run.security_span);
            throw refused;
        }
        step.all_capabilities = true;
    }
    set_command(step, run);
    shorten_command(step, run);
    set_user(step, request.config.user, request.accounts);
    step.environment = environment(request, step.identity.uid);
    check_lengths(step);
    step.directory = request.config.working_dir.empty() ? "/" : request.config.working_dir;
    step.network = run.network == "none"   ? sandbox::Network::none
                   : run.network == "host" ? sandbox::Network::host
                                           : request.options.network;
    if (!run.hostname.empty()) step.hostname = run.hostname;
    inject(step, request.tree, "etc/hosts", hosts_file(request.options, step.hostname));
    if (step.network == sandbox::Network::host) inject(step, request.tree, "etc/resolv.conf", resolv_conf());
    step.timeout = request.options.timeout;
    step.limits = request.options.limits;
    step.shm_size = request.options.shm_size;
    return step;
}

std::string command_line(const plan::RunStep& step) { return join(step.args, " "); }

Error step_failure(const plan::RunStep& step, const sandbox::StepResult& result, const RunOptions& options,
                   const std::vector<std::string>& last_lines) {
    constexpr size_t longest = 200;
    std::string command = command_line(step);
    if (command.size() > longest) command = command.substr(0, longest) + "…";
    Error error(ErrorKind::step_failed, fmt::format("{} {}", quoted(command), how_it_ended(result, options)));
    error.hint(hint_for(result, step, options));
    error.output(last_lines);
    return error;
}

}  // namespace gbuild::build
