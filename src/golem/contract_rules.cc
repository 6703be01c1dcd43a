#include "gbuild/golem/contract_rules.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "gbuild/base/error.h"

namespace gbuild::golem {

namespace {

constexpr bool by_dockerfile = true, by_image = false;  // what shows it
constexpr std::string_view all_runtimes = "all";

constexpr auto contract_table = std::to_array<ContractRule>({
    {"content-masked", Weight::warning, by_dockerfile, "files where the VM mounts something of its own",
     "the VM mounts its own /dev, /proc, /sys and /tmp over them", all_runtimes,
     "put files that the program needs elsewhere"},
    {"entrypoint-no-slash", Weight::warning, by_dockerfile, "an ENTRYPOINT or a CMD whose program has no slash",
     "the VM does not search PATH and cannot start it", all_runtimes, "write the program's full path"},
    {"entrypoint-not-run", Weight::note, by_dockerfile, "an ENTRYPOINT, or a CMD that starts a program",
     "a provider starts nothing unless the requestor asks for it, which golem-js cannot do", all_runtimes,
     "let the requestor start the program, or start the image with its entrypoint"},
    {"env-not-passed", Weight::warning, by_dockerfile, "variables that ENV sets",
     "the runtimes 0.5.0 to 0.5.2 start programs with an empty environment", "0.5.0 to 0.5.2",
     "write full paths, or build with --env-profile and start commands with sh -lc"},
    {"expose-no-effect", Weight::note, by_dockerfile, "EXPOSE has no effect in a Golem VM",
     "a Golem VM has no ports to publish", all_runtimes, "the requestor chooses the network"},
    {"healthcheck-no-effect", Weight::note, by_dockerfile, "HEALTHCHECK has no effect in a Golem VM",
     "nobody runs health checks in a Golem VM", all_runtimes, "let the requestor run the command"},
    {"image-in-image", Weight::warning, by_image, "an image in the image",
     "the VM has no use for it, and every provider has to fetch it", all_runtimes,
     "if COPY took an earlier build's output along, add the line *.gvmi to .dockerignore"},
    {"image-large", Weight::warning, by_image, "a file in the working directory that may be too large to be changed",
     "all changes outside volumes share 128 MiB of RAM up to runtime 0.4.2, and half of the VM's memory since 0.5.0",
     all_runtimes, "this is fine for a file that is only read; otherwise work on a copy in a volume"},
    {"no-volume", Weight::warning, by_dockerfile, "an image without a volume",
     "no file can be sent to it or fetched from it", all_runtimes,
     "add a line such as VOLUME /golem/input /golem/output"},
    {"onbuild-no-effect", Weight::note, by_dockerfile, "ONBUILD has no effect on a .gvmi",
     "nothing is built on a .gvmi", all_runtimes, "remove it, or name another --target"},
    {"secret-in-image", Weight::warning, by_dockerfile, "a private key or a password in the image",
     "every provider that runs the image gets all of its files", all_runtimes,
     "remove them in the step that makes them, or show them to it with RUN --mount=type=secret"},
    {"stop-signal-no-effect", Weight::note, by_dockerfile, "STOPSIGNAL has no effect in a Golem VM",
     "a Golem VM is switched off without a signal", all_runtimes,
     "have the requestor end the program, if it must end in order"},
    {"user-not-root", Weight::warning, by_dockerfile, "a USER other than root, whom only --vm-user image keeps",
     "a user other than root can write to no volume, and none of its commands starts where a provider offers a GPU",
     all_runtimes, "let the program that is started change to another user, or build with --vm-user image"},
    {"var-no-directory", Weight::error, by_image, "a file with contents at /var or /var/tmp",
     "the VM makes files of its own in /var/tmp, and switches itself off where it cannot", all_runtimes,
     "remove it in the step that makes it"},
    {"volume-behind-link", Weight::error, by_image, "a symbolic link on the way to a volume",
     "the VM follows none on the way to a volume, and does not start", all_runtimes,
     "write the path that the link leads to"},
    {"volume-content", Weight::warning, by_dockerfile, "what the image has under a volume is hidden by it",
     "a provider mounts an empty directory over each volume", all_runtimes,
     "put these files elsewhere and copy them at run time"},
    {"volume-masked", Weight::error, by_dockerfile, "a volume where the VM mounts something of its own",
     "the VM mounts its own /dev, /proc and /sys over it", all_runtimes,
     "choose another path, for example /golem/work"},
    {"volume-nested", Weight::warning, by_dockerfile, "a volume inside another one",
     "the VM mounts volumes in any order, and the inner one may vanish below the outer one", all_runtimes,
     "put them side by side, or keep the outer one alone"},
    {"volume-system-directory", Weight::warning, by_dockerfile, "a volume hides a directory that the system needs",
     "a provider mounts an empty directory over it, and programs in the image need what is there", all_runtimes,
     "choose another path, for example /golem/work"},
    {"volumes-too-many", Weight::error, by_dockerfile, "more volumes than the VM has room for",
     "the VM has room for 25 and does not start with more", all_runtimes, "make one of several that lie side by side"},
    {"workdir-masked", Weight::error, by_dockerfile, "a working directory that is not there in the VM",
     "the VM mounts its own /dev, /proc, /sys and /tmp, and no command can start in a directory that they hide",
     all_runtimes, "choose another WORKDIR, for example /golem/work"},
    {"zstd-unmountable", Weight::warning, by_image, "an image compressed with zstd",
     "the kernel of providers (5.10.29) is built without zstd for squashfs", all_runtimes,
     "use gzip, unless no provider is to see the image"},
});

}  // namespace

std::span<const ContractRule> contract_rules() { return contract_table; }

const ContractRule& contract_rule(std::string_view id) {
    const auto found = std::lower_bound(contract_table.begin(), contract_table.end(), id,
                                        [](const ContractRule& rule, auto wanted) { return rule.id < wanted; });
    if (found == contract_table.end() || found->id != id)
        throw Error(ErrorKind::internal, fmt::format("no rule of the contract is named {}", id));
    return *found;
}

Warning contract_warning(std::string_view id, const std::string& found, std::string remedy) {
    const ContractRule& rule = contract_rule(id);
    return {std::string(id), fmt::format("{}: {}", found, rule.vm), std::nullopt,
            remedy.empty() ? std::string(rule.remedy) : std::move(remedy)};
}

}  // namespace gbuild::golem
