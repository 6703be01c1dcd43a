#include "gbuild/golem/contract_rules.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "gbuild/base/error.h"

namespace gbuild::golem {

namespace {

constexpr auto note = Weight::note;
constexpr auto warning = Weight::warning;
constexpr auto error = Weight::error;
constexpr bool file = true, image = false;  // what shows it
constexpr std::string_view all = "all";

constexpr auto rules = std::to_array<ContractRule>({
    {"content-masked", warning, file, "files where the VM mounts something of its own",
     "the VM mounts its own /dev, /proc, /sys and /tmp over them", all, "put files that the program needs elsewhere"},
    {"entrypoint-no-slash", warning, file, "an ENTRYPOINT or a CMD whose program has no slash",
     "the VM does not search PATH and cannot start it", all, "write the program's full path"},
    {"entrypoint-not-run", note, file, "an ENTRYPOINT, or a CMD that starts a program",
     "a provider starts nothing unless the requestor asks for it, which golem-js cannot do", all,
     "let the requestor start the program, or start the image with its entrypoint"},
    {"env-not-passed", warning, file, "variables that ENV sets",
     "the runtimes 0.5.0 to 0.5.2 start programs with an empty environment", "0.5.0 to 0.5.2",
     "write full paths, or build with --env-profile and start commands with sh -lc"},
    {"expose-no-effect", note, file, "EXPOSE has no effect in a Golem VM", "a Golem VM has no ports to publish", all,
     "the requestor chooses the network"},
    {"healthcheck-no-effect", note, file, "HEALTHCHECK has no effect in a Golem VM",
     "nobody runs health checks in a Golem VM", all, "let the requestor run the command"},
    {"image-in-image", warning, image, "an image in the image",
     "the VM has no use for it, and every provider has to fetch it", all,
     "if COPY took an earlier build's output along, add the line *.gvmi to .dockerignore"},
    {"image-large", warning, image, "a file in the working directory that may be too large to be changed",
     "all changes outside volumes share 128 MiB of RAM up to runtime 0.4.2, and half of the VM's memory since 0.5.0",
     all, "this is fine for a file that is only read; otherwise work on a copy in a volume"},
    {"no-volume", warning, file, "an image without a volume", "no file can be sent to it or fetched from it", all,
     "add a line such as VOLUME /golem/input /golem/output"},
    {"onbuild-no-effect", note, file, "ONBUILD has no effect on a .gvmi", "nothing is built on a .gvmi", all,
     "remove it, or name another --target"},
    {"secret-in-image", warning, file, "a private key or a password in the image",
     "every provider that runs the image gets all of its files", all,
     "remove them in the step that makes them, or show them to it with RUN --mount=type=secret"},
    {"stop-signal-no-effect", note, file, "STOPSIGNAL has no effect in a Golem VM",
     "a Golem VM is switched off without a signal", all, "have the requestor end the program, if it must end in order"},
    {"user-not-root", warning, file, "a USER other than root, whom only --vm-user image keeps",
     "a user other than root can write to no volume, and none of its commands starts where a provider offers a GPU",
     all, "let the program that is started change to another user, or build with --vm-user image"},
    {"var-no-directory", error, image, "a file with contents at /var or /var/tmp",
     "the VM makes files of its own in /var/tmp, and switches itself off where it cannot", all,
     "remove it in the step that makes it"},
    {"volume-behind-link", error, image, "a symbolic link on the way to a volume",
     "the VM follows none on the way to a volume, and does not start", all, "write the path that the link leads to"},
    {"volume-content", warning, file, "what the image has under a volume is hidden by it",
     "a provider mounts an empty directory over each volume", all,
     "put these files elsewhere and copy them at run time"},
    {"volume-masked", error, file, "a volume where the VM mounts something of its own",
     "the VM mounts its own /dev, /proc and /sys over it", all, "choose another path, for example /golem/work"},
    {"volume-nested", warning, file, "a volume inside another one",
     "the VM mounts volumes in any order, and the inner one may vanish below the outer one", all,
     "put them side by side, or keep the outer one alone"},
    {"volume-system-directory", warning, file, "a volume hides a directory that the system needs",
     "a provider mounts an empty directory over it, and programs in the image need what is there", all,
     "choose another path, for example /golem/work"},
    {"volumes-too-many", error, file, "more volumes than the VM has room for",
     "the VM has room for 25 and does not start with more", all, "make one of several that lie side by side"},
    {"workdir-masked", error, file, "a working directory that is not there in the VM",
     "the VM mounts its own /dev, /proc, /sys and /tmp, and no command can start in a directory that they hide", all,
     "choose another WORKDIR, for example /golem/work"},
    {"zstd-unmountable", warning, image, "an image compressed with zstd",
     "the kernel of providers (5.10.29) is built without zstd for squashfs", all,
     "use gzip, unless no provider is to see the image"},
});

}  // namespace

std::span<const ContractRule> contract_rules() { return rules; }

const ContractRule& contract_rule(std::string_view id) {
    const auto found = std::lower_bound(rules.begin(), rules.end(), id,
                                        [](const ContractRule& rule, auto wanted) { return rule.id < wanted; });
    if (found == rules.end() || found->id != id)
        throw Error(ErrorKind::internal, fmt::format("no rule of the contract is named {}", id));
    return *found;
}

Warning contract_warning(std::string_view id, const std::string& found, std::string remedy) {
    const ContractRule& rule = contract_rule(id);
    return {std::string(id), fmt::format("{}: {}", found, rule.vm), std::nullopt,
            remedy.empty() ? std::string(rule.remedy) : std::move(remedy)};
}

}  // namespace gbuild::golem
