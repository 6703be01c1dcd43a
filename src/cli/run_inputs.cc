#include "run_inputs.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include <fmt/format.h>

#include "gbuild/base/error.h"
#include "gbuild/base/fd.h"
#include "gbuild/base/text.h"

namespace gbuild::cli {

namespace {

constexpr size_t largest_secret = size_t{500} << 10;  // docker's

[[noreturn]] void bad_input(const char* option, const std::string& text, const std::string& problem,
                            const std::string& hint) {
    throw Error(ErrorKind::usage, fmt::format("{} {}: {}", option, quoted(text), problem)).hint(hint);
}

struct SecretOption {
    std::string id;
    std::optional<std::string> file, variable;
};

SecretOption parse_secret(const std::string& text) {
    constexpr const char* hint = "write --secret id=ID,src=FILE or --secret id=ID,env=VARIABLE";
    SecretOption secret;
    std::string type;
    for (const std::string& field : split(text, ',')) {
        const size_t equals = field.find('=');
        const std::string key = to_lower(field.substr(0, equals));
        if (equals == std::string::npos || equals + 1 == field.size()) {
            bad_input("--secret", text, fmt::format("{} has no value", quoted(field)), hint);
        }
        std::string value = field.substr(equals + 1);
        if (key == "id")
            secret.id = std::move(value);
        else if (key == "src" || key == "source")
            secret.file = std::move(value);
        else if (key == "env")
            secret.variable = std::move(value);
        else if (key == "type")
            type = to_lower(value);
        else
            bad_input("--secret", text, fmt::format("unknown key {}", quoted(key)), hint);
    }
    if (secret.id.empty()) bad_input("--secret", text, "an id is missing", hint);
    if (secret.file && secret.variable) bad_input("--secret", text, "a secret is a file or a variable, not both", hint);
    if (type == "env") {
        // As docker has it: src= names the variable then.
        if (!secret.variable) secret.variable = secret.file.value_or(secret.id);
        secret.file.reset();
    } else if (type == "file") {
        if (secret.variable) bad_input("--secret", text, "type=file does not go with env=", hint);
        if (!secret.file) secret.file = secret.id;
    } else if (!type.empty()) {
        bad_input("--secret", text, fmt::format("unknown type {}", quoted(type)), "the types are file and env");
    }
    return secret;
}

std::string read_secret(const std::string& id, const std::filesystem::path& path) {
    return with_context([&] { return fmt::format("reading the secret {}", quoted(id)); },
                        [&] {
                            const UniqueFd file = open_file(path, O_RDONLY);
                            struct stat status {};
                            if (::fstat(file.get(), &status) == 0 && S_ISDIR(status.st_mode)) {
                                throw Error(ErrorKind::usage, fmt::format("{} is a directory", quoted(path.native())))
                                    .hint("give a file with src=");
                            }
                            return read_text(file.get(), largest_secret, quoted(path.native()));
                        });
}

struct LimitName {
    const char* name;
    int resource;
};
// All that docker has but rttime, which ownership emulation uses for itself.
constexpr std::array limit_names = {LimitName{"core", RLIMIT_CORE},
                                    LimitName{"cpu", RLIMIT_CPU},
                                    LimitName{"data", RLIMIT_DATA},
                                    LimitName{"fsize", RLIMIT_FSIZE},
                                    LimitName{"locks", RLIMIT_LOCKS},
                                    LimitName{"memlock", RLIMIT_MEMLOCK},
                                    LimitName{"msgqueue", RLIMIT_MSGQUEUE},
                                    LimitName{"nice", RLIMIT_NICE},
                                    LimitName{"nofile", RLIMIT_NOFILE},
                                    LimitName{"nproc", RLIMIT_NPROC},
                                    LimitName{"rss", RLIMIT_RSS},
                                    LimitName{"rtprio", RLIMIT_RTPRIO},
                                    LimitName{"sigpending", RLIMIT_SIGPENDING},
                                    LimitName{"stack", RLIMIT_STACK}};

std::optional<uint64_t> parse_limit_value(const std::string& text) {
    if (text == "-1") return sandbox::ResourceLimit::unlimited;
    return parse_decimal(text);
}

bool is_address(const std::string& text) {
    std::array<unsigned char, sizeof(in6_addr)> bytes;
    return ::inet_pton(AF_INET, text.c_str(), bytes.data()) == 1 ||
           ::inet_pton(AF_INET6, text.c_str(), bytes.data()) == 1;
}

bool is_host_name(const std::string& text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
               c == '_';
    });
}

}  // namespace

void add_secret(std::map<std::string, std::string>& secrets, const std::string& text, const Console& console) {
    SecretOption secret = parse_secret(text);
    if (!secret.file && !secret.variable) {
        if (console.env(secret.id))
            secret.variable = secret.id;
        else
            secret.file = secret.id;
    }
    if (secret.file) {
        secrets[secret.id] = read_secret(secret.id, *secret.file);
        return;
    }
    auto value = console.env(*secret.variable);
    if (!value) {
        bad_input("--secret", text, fmt::format("the environment has no {}", quoted(*secret.variable)),
                  "set the variable, or give a file with src=FILE");
    }
    secrets[secret.id] = std::move(*value);
}

namespace {

// The paths of "--ssh ID=PATH[,PATH…]"; all of them are there.
std::vector<std::filesystem::path> agent_paths(const std::string& id, const std::string& text) {
    std::vector<std::filesystem::path> paths;
    for (const std::string& path : split(text, ',')) {
        struct stat status {};
        if (::stat(path.c_str(), &status) != 0) {
            throw system_error(errno, fmt::format("--ssh {}: cannot use the agent's socket or key", quoted(id)));
        }
        if (!S_ISSOCK(status.st_mode) && !S_ISREG(status.st_mode)) {
            throw Error(ErrorKind::unsupported,
                        fmt::format("--ssh {}: neither the socket of an ssh agent nor a file with a key", quoted(id)))
                .hint("write --ssh ID=SOCKET or --ssh ID=KEY[,KEY]");
        }
        if (S_ISSOCK(status.st_mode) && text.find(',') != std::string::npos) {
            bad_input("--ssh", id, "a socket stands beside other sockets or keys", "give one socket, or files of keys");
        }
        paths.push_back(std::filesystem::absolute(path));
    }
    return paths;
}

}  // namespace

void add_agent(std::map<std::string, std::filesystem::path>& agents, std::vector<std::shared_ptr<KeyAgent>>& started,
               const std::string& text, const Console& console) {
    const size_t equals = text.find('=');
    const std::string id = text.substr(0, equals);
    if (id.empty()) bad_input("--ssh", text, "an id is missing", "write --ssh default or --ssh ID=SOCKET");
    std::string path;
    if (equals != std::string::npos) {
        path = text.substr(equals + 1);
    } else if (auto socket = console.env("SSH_AUTH_SOCK"); socket && !socket->empty()) {
        path = *socket;
    } else {
        bad_input("--ssh", text, "SSH_AUTH_SOCK is not set",
                  "start an agent, or name its socket or a key: --ssh ID=SOCKET, --ssh ID=KEY");
    }
    const auto paths = agent_paths(id, path);
    if (std::filesystem::is_socket(paths.front())) {
        agents[id] = paths.front();
        return;
    }
    started.push_back(with_context([&] { return fmt::format("--ssh {}", printable(id)); },
                                   [&] { return std::make_shared<KeyAgent>(paths); }));
    agents[id] = started.back()->socket();
}

std::pair<std::string, std::string> parse_host(const std::string& text) {
    constexpr const char* hint = "write --add-host NAME=ADDRESS, for example registry=10.0.0.5";
    const size_t end = text.find_first_of("=:");
    const std::string name = text.substr(0, end);
    if (end == std::string::npos || !is_host_name(name)) bad_input("--add-host", text, "a name is missing", hint);
    std::string address = text.substr(end + 1);
    if (address == "host-gateway") {
        throw Error(ErrorKind::unsupported, "--add-host: there is no host-gateway")
            .hint("steps use the host's own network: give 127.0.0.1");
    }
    if (address.size() > 2 && address.front() == '[' && address.back() == ']') {
        address = address.substr(1, address.size() - 2);
    }
    if (!is_address(address)) bad_input("--add-host", text, fmt::format("{} is no address", quoted(address)), hint);
    return {name, address};
}

sandbox::ResourceLimit parse_limit(const std::string& text) {
    const size_t equals = text.find('=');
    const std::string name = to_lower(text.substr(0, equals));
    std::vector<std::string> names;
    const LimitName* known = nullptr;
    for (const LimitName& one : limit_names) {
        names.emplace_back(one.name);
        if (name == one.name) known = &one;
    }
    if (!known) bad_input("--ulimit", text, "no such limit", fmt::format("the limits are {}", join(names, ", ")));
    const std::string values = equals == std::string::npos ? "" : text.substr(equals + 1);
    const size_t colon = values.find(':');
    const auto soft = parse_limit_value(values.substr(0, colon));
    const auto hard = colon == std::string::npos ? soft : parse_limit_value(values.substr(colon + 1));
    if (!soft || !hard) bad_input("--ulimit", text, "numbers are missing", "write --ulimit TYPE=SOFT[:HARD]");
    if (*soft > *hard)
        bad_input("--ulimit", text, "the soft limit is above the hard one", "lower it, or raise the other");
    return {name, known->resource, *soft, *hard};
}

}  // namespace gbuild::cli
