#include "base_shell.h"

#include <algorithm>
#include <array>

#include "gbuild/base/text.h"

namespace gbuild::check {

namespace {

template <size_t N>
bool contains(const std::array<std::string_view, N>& names, std::string_view name) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

template <size_t N>
bool mentions(std::string_view text, const std::array<std::string_view, N>& parts) {
    return std::any_of(parts.begin(), parts.end(),
                       [&](std::string_view part) { return text.find(part) != std::string_view::npos; });
}

constexpr std::array<std::string_view, 2> busybox_marks = {"alpine", "busybox"};
constexpr std::array<std::string_view, 10> debian_marks = {"debian", "ubuntu", "bookworm", "bullseye", "buster",
                                                           "trixie", "jammy",  "noble",    "focal",    "slim"};
constexpr std::array<std::string_view, 8> bash_marks = {"fedora", "centos", "rocky", "alma",
                                                        "suse",   "ubi",    "rhel",  "oraclelinux"};

// docker's own images that are built on Debian or Ubuntu unless their tag says otherwise.
constexpr std::array<std::string_view, 27> on_debian = {
    "buildpack-deps", "cassandra", "drupal",   "eclipse-temurin", "elasticsearch", "elixir",
    "erlang",         "gcc",       "golang",   "gradle",          "haskell",       "httpd",
    "julia",          "mariadb",   "maven",    "mongo",           "nginx",         "node",
    "perl",           "php",       "postgres", "python",          "rabbitmq",      "redis",
    "ruby",           "rust",      "tomcat"};
constexpr std::array<std::string_view, 5> with_bash = {"amazonlinux", "archlinux", "leap", "tumbleweed", "photon"};

}  // namespace

BaseShell base_shell(std::string_view reference) {
    const std::string text = to_lower(reference.substr(0, reference.find('@')));
    const size_t slash = text.rfind('/') + 1;  // 0 when there is none
    const size_t colon = std::min(text.find(':', slash), text.size());
    const std::string name = text.substr(slash, colon - slash);
    const std::string tag = colon == text.size() ? "" : text.substr(colon + 1);
    // A tag says more than a name: python:3.12-alpine.
    for (const std::string& part : {tag, name}) {
        if (mentions(part, busybox_marks)) return BaseShell::busybox;
        if (mentions(part, bash_marks)) return BaseShell::bash;
        if (mentions(part, debian_marks)) return BaseShell::dash;
    }
    if (contains(with_bash, name)) return BaseShell::bash;
    return contains(on_debian, name) ? BaseShell::dash : BaseShell::unknown;
}

}  // namespace gbuild::check
