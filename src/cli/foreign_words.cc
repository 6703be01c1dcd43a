#include "gbuild/cli/foreign_words.h"

#include <algorithm>

#include <fmt/format.h>

#include "gbuild/base/text.h"
#include "gbuild/cli/command.h"

namespace gbuild::cli {

namespace {

using TypedWords = std::span<const std::string>;

// Programs whose commands gbuild has without the program's name.
constexpr std::string_view programs[] = {"docker", "podman",   "buildah", "nerdctl",
                                         "buildx", "buildctl", "img",     "gvmkit-build"};

// Groups of commands that mean the command behind them.
constexpr std::string_view groups[] = {"image", "builder", "container", "system", "manifest"};

struct ForeignCommand {
    std::string_view words;    // of the group and the command
    std::string_view command;  // of gbuild that does it, with its options; empty: none does
    std::string_view reason;   // why none does, and what helps
};

constexpr std::string_view no_containers = "gbuild keeps no containers";

// A command that gbuild has in this build of it goes before what the row says.
constexpr ForeignCommand foreign_commands[] = {
    {"bud", "build", ""},
    {"build-using-dockerfile", "build", ""},
    {"b", "build", ""},
    {"bake", "", "one build has one target; write gbuild build --target STAGE for each"},
    {"buildimage", "build", ""},
    {"make", "build", ""},
    {"image ls", "images", ""},
    {"image list", "images", ""},
    {"list", "images", ""},
    {"image", "images", ""},
    {"dir", "ls IMAGE", ""},
    {"image rm", "rmi", ""},
    {"image remove", "rmi", ""},
    {"rm", "rmi", ""},
    {"remove", "rmi", ""},
    {"untag", "rmi", ""},
    {"delete", "rmi", ""},
    {"image inspect", "inspect", ""},
    {"info", "doctor", ""},
    {"show", "inspect", ""},
    {"image tag", "tag", ""},
    {"name", "tag", ""},
    {"image prune", "prune", ""},
    {"builder prune", "prune", ""},
    {"system prune", "prune", ""},
    {"clean", "prune", ""},
    {"gc", "prune", ""},
    {"image build", "build", ""},
    {"builder build", "build", ""},
    {"system df", "cache ls", ""},
    {"df", "cache ls", ""},
    {"builder du", "cache ls", ""},
    {"image du", "du", ""},
    {"system info", "doctor", ""},
    {"image history", "history", ""},
    {"lint", "check", ""},
    {"hadolint", "check", ""},
    {"validate", "check", ""},
    {"dockerfile", "check", ""},
    {"save", "build -o type=docker,dest=FILE", ""},
    {"image save", "build -o type=docker,dest=FILE", ""},
    {"export", "extract IMAGE -o DIR", ""},
    {"cp", "extract IMAGE PATH -o DIR", ""},
    {"container cp", "extract IMAGE PATH -o DIR", ""},
    {"mount", "extract IMAGE -o DIR", ""},
    {"image mount", "extract IMAGE -o DIR", ""},
    {"unmount", "", "gbuild mounts no images; gbuild extract copies files out of them"},
    {"umount", "", "gbuild mounts no images; gbuild extract copies files out of them"},
    {"load", "build", "an archive of docker's is a base: --build-context NAME=docker-archive://FILE, and FROM NAME"},
    {"image load", "build",
     "an archive of docker's is a base: --build-context NAME=docker-archive://FILE, and FROM NAME"},
    {"import", "build", "a Dockerfile with FROM scratch and ADD FILE.tar / makes an image of an archive"},
    {"image import", "build", "a Dockerfile with FROM scratch and ADD FILE.tar / makes an image of an archive"},
    {"from", "convert IMAGE", ""},
    {"image pull", "pull", ""},
    {"image push", "push", ""},
    {"push-to", "push", ""},
    {"upload", "push", ""},
    {"publish", "push", ""},
    {"copy", "", "write -o type=oci,dest=FILE, and copy that with skopeo"},
    {"search", "", "gbuild does not search registries"},
    {"container run", "run", ""},
    {"exec", "run", ""},
    {"container exec", "run", ""},
    {"ps", "", no_containers},
    {"container ls", "", no_containers},
    {"container", "", no_containers},
    {"create", "", no_containers},
    {"start", "", no_containers},
    {"stop", "", no_containers},
    {"kill", "", no_containers},
    {"logs", "", no_containers},
    {"top", "", no_containers},
    {"commit", "", "an image is made of its Dockerfile alone; write the change as a step"},
    {"config", "", "an image is configured by its Dockerfile"},
    {"volume", "", "volumes of an image are what VOLUME says in its Dockerfile"},
    {"network", "", "gbuild has no networks; build --network chooses what steps reach"},
    {"compose", "", "gbuild builds one image at a time"},
    {"context", "", "gbuild works on this machine only"},
    {"swarm", "", "gbuild works on this machine only"},
    {"sign", "", "sign the .gvmi, for example with gpg --detach-sign"},
    {"trust", "", "sign the .gvmi, for example with gpg --detach-sign"},
    {"scan", "", "extract the files with gbuild extract, and scan those"},
    {"scout", "", "extract the files with gbuild extract, and scan those"},
    {"sbom", "", "extract the files with gbuild extract, and scan those"},
    {"verify", "build --verify", ""},
    {"test", "", "gbuild check reads a Dockerfile, and gbuild build --verify builds twice and compares"},
    {"inspect-image", "inspect", ""},
    {"files", "ls -R IMAGE", ""},
    {"tree", "ls -R IMAGE", ""},
    {"find", "ls -R IMAGE", ""},
    {"compare", "diff", ""},
    {"unpack", "extract", ""},
    {"init", "", "write a Dockerfile; gbuild check reads it, and gbuild build builds it"},
    {"create-builder", "", "gbuild builds by itself, without a builder"},
    {"use", "", "gbuild builds by itself, without a builder"},
    {"completions", "completion", ""},
    {"env", "doctor", ""},
    {"status", "doctor", ""},
    {"update", "", "gbuild does not update itself"},
    {"upgrade", "", "gbuild does not update itself"},
    {"man", "", "man gbuild shows the manual; gbuild COMMAND --help tells a command's options"},
};

const ForeignCommand* find_foreign(const std::string& words) {
    const auto found = std::find_if(std::begin(foreign_commands), std::end(foreign_commands),
                                    [&](const ForeignCommand& one) { return one.words == words; });
    return found == std::end(foreign_commands) ? nullptr : found;
}

bool is_command(std::string_view text) { return find_command(text.substr(0, text.find(' '))) != nullptr; }

// What is found under `words`, where a row may name a command that another row is about.
std::optional<std::string> hint_of(const std::string& words) {
    const ForeignCommand* row = find_foreign(words);
    if (row == nullptr) return std::nullopt;
    if (!row->reason.empty()) return std::string(row->reason);
    if (is_command(row->command)) return fmt::format("write gbuild {}", row->command);
    return hint_of(std::string(row->command));
}

bool is_one_of(const std::string& word, std::span<const std::string_view> words) {
    return std::find(words.begin(), words.end(), word) != words.end();
}

std::optional<std::string> hint_for(TypedWords words) {
    const std::string first = to_lower(words.front());
    const std::string second = words.size() > 1 ? to_lower(words[1]) : "";
    if (is_one_of(first, programs) && words.size() > 1) {
        if (first == "docker" && is_one_of(second, programs)) return hint_for(words.subspan(1));
        if (find_command(second) != nullptr) return fmt::format("write gbuild {}, without {}", second, first);
        if (auto hint = hint_for(words.subspan(1))) return hint;
    }
    if (!second.empty()) {
        if (auto hint = hint_of(first + " " + second)) return hint;
        if (is_one_of(first, groups) && find_command(second) != nullptr) return fmt::format("write gbuild {}", second);
        if (is_one_of(first, groups) && find_foreign(second) != nullptr) return hint_of(second);
    }
    if (is_one_of(first, programs)) return "gbuild does the building itself: write gbuild build";
    return hint_of(first);
}

}  // namespace

std::optional<std::string> foreign_command_hint(std::span<const std::string> words) {
    return words.empty() ? std::nullopt : hint_for(words);
}

}  // namespace gbuild::cli
