#include "ssh_command.h"

#include <fmt/format.h>

#include "gbuild/base/error.h"
#include "gbuild/base/percent.h"
#include "gbuild/base/text.h"

namespace gbuild::git {

namespace {

[[noreturn]] void refuse(const std::string& what) {
    throw Error(ErrorKind::usage, fmt::format("the ssh address of the git repository {}", what))
        .hint("write ssh://[USER@]HOST[:PORT]/PATH or USER@HOST:PATH");
}

// "[::1]:22" or "host:22"
void split_port(SshAddress& address, const std::string& authority) {
    const size_t colon = authority.rfind(':');
    const bool has_port = colon != std::string::npos && (!authority.starts_with('[') || authority[colon - 1] == ']');
    address.host = percent_decoded(authority.substr(0, has_port ? colon : std::string::npos), Blank::literal_plus);
    if (has_port) address.port = authority.substr(colon + 1);
    if (address.host.starts_with('[') && address.host.ends_with(']')) {
        address.host = address.host.substr(1, address.host.size() - 2);
    }
}

SshAddress parse_url(std::string_view rest) {
    const size_t slash = rest.find('/');
    if (slash == std::string_view::npos) refuse("has no path");
    std::string authority(rest.substr(0, slash));
    SshAddress address;
    if (const size_t at = authority.rfind('@'); at != std::string::npos) {
        address.user = percent_decoded(std::string_view(authority).substr(0, at), Blank::literal_plus);
        authority.erase(0, at + 1);
    }
    split_port(address, authority);
    address.path = percent_decoded(rest.substr(slash), Blank::literal_plus);
    // A home directory is no name in the root.
    if (address.path.starts_with("/~")) address.path.erase(0, 1);
    return address;
}

SshAddress parse_short(const std::string& text) {
    const size_t at = text.find('@');
    const size_t colon = text.find(':');
    if (at == std::string::npos || colon == std::string::npos || colon < at) refuse("is none");
    return {text.substr(0, at), text.substr(at + 1, colon - at - 1), "", text.substr(colon + 1)};
}

void check(const SshAddress& address) {
    for (const std::string* part : {&address.user, &address.host, &address.path}) {
        if (part->starts_with('-')) refuse(fmt::format("has the part {}, which looks like an option", quoted(*part)));
        for (char c : *part) {
            if (static_cast<unsigned char>(c) < ' ' || c == '\x7f') refuse("has a control character in it");
        }
    }
    if (address.user.find(':') != std::string::npos) refuse("has a password, which ssh takes from nobody");
    if (address.host.empty() || address.host.find('@') != std::string::npos) refuse("has no host");
    if (address.path.empty() || address.path == "/") refuse("has no path");
    const auto port = parse_decimal(address.port);
    if (!address.port.empty() && (!port || *port == 0 || *port > 65535)) {
        refuse(fmt::format("has the port {}", quoted(address.port)));
    }
}

// For the shell at the other end.
std::string shell_quoted(std::string_view text) {
    std::string out = "'";
    for (char c : text) {
        if (c == '\'' || c == '!')
            out += fmt::format("'\\{}'", c);
        else
            out += c;
    }
    return out + "'";
}

// GIT_SSH_COMMAND is a line for the shell, as it is for git.
std::vector<std::string> ssh_program(const Environment& environment) {
    if (auto line = environment("GIT_SSH_COMMAND"); line && !line->empty()) {
        return {"sh", "-c", *line + " \"$@\"", *line};
    }
    if (auto program = environment("GIT_SSH"); program && !program->empty()) return {*program};
    return {"ssh"};
}

}  // namespace

SshAddress parse_ssh_address(const std::string& url) {
    constexpr std::string_view scheme = "ssh://";
    const bool is_url = equal_ignoring_case(std::string_view(url).substr(0, scheme.size()), scheme);
    SshAddress address = is_url ? parse_url(std::string_view(url).substr(scheme.size())) : parse_short(url);
    check(address);
    return address;
}

std::vector<std::string> ssh_command(const SshAddress& address, const Environment& environment) {
    std::vector<std::string> command = ssh_program(environment);
    const std::string variant = environment("GIT_SSH_VARIANT").value_or("ssh");
    if (variant == "ssh" || variant == "auto") {
        // Servers that went away are noticed after a minute.
        for (const char* option :
             {"BatchMode=yes", "ConnectTimeout=20", "ServerAliveInterval=15", "ServerAliveCountMax=4"}) {
            command.insert(command.end(), {"-o", option});
        }
        if (!address.port.empty()) command.insert(command.end(), {"-p", address.port});
    } else if (variant != "simple" || !address.port.empty()) {
        throw Error(ErrorKind::unsupported,
                    fmt::format("GIT_SSH_VARIANT is {}, which {}", quoted(variant),
                                variant == "simple" ? "cannot be given a port" : "gbuild does not know"))
            .hint("set it to \"ssh\", for a program that takes OpenSSH's options");
    }
    command.push_back(address.user.empty() ? address.host : fmt::format("{}@{}", address.user, address.host));
    command.push_back("git-upload-pack " + shell_quoted(address.path));
    return command;
}

}  // namespace gbuild::git
