#include "gbuild/provider/command.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include <fmt/format.h>

#include "gbuild/base/text.h"

namespace gbuild::provider {

namespace {

// What is not "uid:gid" in numbers makes root of it, silently.
void set_user(StartRequest& request, const std::string& user) {
    const std::vector<std::string> parts = split(user, ':');
    if (parts.size() != 2) return;
    const auto uid = parse_decimal(parts[0]), gid = parse_decimal(parts[1]);
    if (!uid || !gid || *uid > UINT32_MAX || *gid > UINT32_MAX) return;
    request.uid = static_cast<uint32_t>(*uid);
    request.gid = static_cast<uint32_t>(*gid);
}

std::string base_name(const std::string& path) { return path.substr(path.rfind('/') + 1); }

std::string reason_of(const StartRequest& request, const Started& started) {
    const uint64_t stage = started.failure & wire::failure_stage;
    std::string error = ::strerror(started.error_number);
    if (stage == wire::failure_directory) {
        return fmt::format("the working directory {} cannot be entered: {}", quoted(request.directory), error);
    }
    if (stage == wire::failure_identity) return fmt::format("the process cannot be set up: {}", error);
    const bool is_there = (started.failure & wire::failure_program_exists) != 0;
    if (is_there && started.error_number == ENOENT) {
        return "it is there, but the interpreter or dynamic linker that it names is not";
    }
    return error;
}

std::string remedy_for(const StartRequest& request, const Started& started) {
    if ((started.failure & wire::failure_stage) == wire::failure_directory) {
        return "what the image has in /tmp, /dev, /proc and /sys, or below a volume, is not to be seen on a provider";
    }
    if (started.error_number == ENOEXEC)
        return "a script needs #!INTERPRETER in its first line, or run it with /bin/sh";
    if (request.program.find('/') == std::string::npos) {
        return "no PATH is searched on a provider: give the whole path, or run /bin/sh -c 'COMMAND'";
    }
    return "a provider reports this with exit code 9 and no output";
}

constexpr std::array<std::string_view, 4> network_failures = {
    "Network is unreachable", "Temporary failure in name resolution", "Could not resolve", "bad address"};

}  // namespace

StartRequest command_request(const MachineSettings& settings, const std::vector<std::string>& words) {
    StartRequest request;
    request.program = words.at(0);
    request.arguments = words;
    if (settings.runtime == Runtime::v0_4) request.environment = settings.config.env;
    if (!trim(settings.config.working_dir).empty()) request.directory = settings.config.working_dir;
    set_user(request, settings.config.user);
    return request;
}

StartRequest entrypoint_request(const MachineSettings& settings) {
    std::vector<std::string> words = settings.config.entrypoint.value_or(std::vector<std::string>());
    const auto& command = settings.config.cmd;
    if (command) words.insert(words.end(), command->begin(), command->end());
    if (words.empty()) {
        throw Error(ErrorKind::not_found, "the image has neither ENTRYPOINT nor CMD")
            .hint("give a command: gbuild run IMAGE -- COMMAND");
    }
    StartRequest request = command_request(settings, words);
    request.arguments.front() = base_name(words.front());
    request.entrypoint = true;
    return request;
}

Error start_failure(const StartRequest& request, const Started& started) {
    return Error(ErrorKind::io,
                 fmt::format("{} cannot be started: {}", quoted(request.program), reason_of(request, started)))
        .hint(remedy_for(request, started));
}

void OutputTail::add(std::string_view bytes) {
    constexpr size_t kept = 4096;
    text_ += bytes;
    if (text_.size() > 2 * kept) text_.erase(0, text_.size() - kept);
}

std::vector<std::string> hints_on_failure(const MachineSettings& settings, const Ended& ended, const OutputTail& tail,
                                          std::optional<uint64_t> space) {
    constexpr uint64_t hardly_any = 256u << 10;
    std::vector<std::string> hints;
    if (ended.exit_code() == 0) return hints;
    if (space && *space < hardly_any) {
        hints.push_back(fmt::format("no space is left in the root: on a provider it is memory, {} with --memory {} and "
                                    "runtime {}; write large files to a volume",
                                    human_size(root_size(settings)), human_size(settings.memory),
                                    settings.runtime == Runtime::v0_4 ? "0.4" : "0.5"));
    }
    const bool needs_network = std::any_of(network_failures.begin(), network_failures.end(),
                                           [&](std::string_view text) { return tail.has(text); });
    if (needs_network && !settings.outbound) {
        hints.push_back("a provider's VM has no network unless the requestor's manifest asks for it; --outbound stands "
                        "for that here");
    }
    const bool root = settings.config.user.empty() || settings.config.user == "0:0";
    if (tail.has("Permission denied") && !root && !settings.volumes.empty()) {
        hints.push_back(
            fmt::format("commands of this image run as {}, and on a provider only root can write to volumes",
                        settings.config.user));
    }
    if (ended.exit_code() == 127 && settings.runtime == Runtime::v0_5 && !settings.config.env.empty()) {
        hints.push_back("runtime 0.5 starts commands without the image's ENV, PATH included; give whole paths, or set "
                        "what is needed in the command (--runtime-version 0.4 passes it on)");
    }
    return hints;
}

}  // namespace gbuild::provider
