// From a parsed Dockerfile to the stages and steps that a build executes, with every value expanded. Pure: what it
// needs to know of base images is asked of a callback.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "gbuild/base/error.h"
#include "gbuild/base/events.h"
#include "gbuild/dockerfile/ast.h"
#include "gbuild/dockerfile/mount.h"
#include "gbuild/oci/image_config.h"
#include "gbuild/oci/platform.h"

namespace gbuild::plan {

// Where a stage starts.
struct ScratchBase {};
struct StageBase {
    int stage = 0;  // index into Plan::stages
};
struct ImageBase {
    std::string reference;  // as expanded: "debian:latest"
    oci::Platform platform;
};
struct NamedContextBase {
    std::string name;  // a key of PlanRequest::named_contexts
    oci::Platform platform;
};
using Base = std::variant<ScratchBase, StageBase, ImageBase, NamedContextBase>;

// Where COPY and ADD take files from.
struct ContextSource {};  // the build context
using CopySource = std::variant<ContextSource, StageBase, ImageBase, NamedContextBase>;

// A heredoc given as a source: a file of this name with these contents.
struct InlineFile {
    std::string name;
    std::string contents;
};

struct CopyStep {
    bool is_add = false;
    CopySource source;
    // Patterns, expanded; of ADD also URLs and repositories (plan/remote_source.h). Heredocs are not among them.
    std::vector<std::string> paths;
    std::vector<InlineFile> inline_files;
    std::string destination;           // absolute; ends in "/" when the Dockerfile's did (or was "." or "..")
    std::optional<std::string> chown;  // "user:group", resolved in the image at execution
    std::optional<std::string> chmod;  // octal or symbolic, validated
    std::vector<std::string> exclude;  // patterns
    bool parents = false;
    bool link = false;
    std::optional<bool> unpack;  // ADD: unset means: archives are unpacked
    std::string checksum;        // ADD of one URL: "sha256:…"; of one repository: a commit, or how it begins
    bool keep_git_dir = false;
    dockerfile::WordSpans spans;           // of `paths` and, last, of the destination
    std::optional<SourceSpan> chown_span;  // of the flag
};

struct WorkdirStep {
    std::string path;  // absolute, cleaned
};

// What RUN --mount shows a command. The command's result depends on, and the key of a step has to count:
//  - of every mount its type, target and read_only;
//  - bind: what lies at `path` of `from`: names, modes, owners and contents (build/mount_sources.h has a digest of it);
//  - cache: id, mode, uid, gid, `from` and `path`, but never what the cache holds;
//  - tmpfs: size;
//  - secret and ssh: id, env, mode, uid, gid and required, but never the secret's value nor the agent's socket.
// `sharing` does not count.
struct RunMount {
    dockerfile::MountType type = dockerfile::MountType::bind;
    // bind: always. cache: what it holds at first; unset means nothing.
    std::optional<CopySource> from;
    std::string path = "/";          // in `from`: absolute, cleaned
    std::string target;              // in the image: absolute, cleaned; "": a secret that is a variable only
    bool read_only = true;           // bind that is not: what is written is gone afterwards
    std::string id;                  // cache, secret, ssh
    std::optional<std::string> env;  // secret: the variable that gets the value
    bool required = false;           // secret, ssh: to have none is an error
    dockerfile::MountSharing sharing = dockerfile::MountSharing::shared;  // cache
    std::optional<uint64_t> size;                                         // tmpfs, bytes
    uint32_t mode = 0, uid = 0, gid = 0;  // secret: of the file; ssh: of the socket; cache: of the directory when new
    SourceSpan span;                      // of the flag
};

struct RunStep {
    std::vector<std::string> args;  // exec form as written, shell form with the shell in front
    std::vector<dockerfile::Heredoc> heredocs;
    bool shell_form = true;
    std::map<std::string, std::string> arg_environment;  // declared ARGs; they win over `config.env`
    std::map<std::string, std::string> proxies;          // given as build arguments; empty: none, whatever else says so
    std::vector<RunMount> mounts;
    std::string hostname;  // "": the builder's choice
    std::string network = "default";
    std::string security = "sandbox";
    std::optional<SourceSpan> security_span;  // of the flag
};

// ENV, LABEL, USER, …: only the configuration changes.
struct ConfigStep {};

struct Step {
    int number = 0;           // from 1, over all steps of the plan that are shown
    std::string instruction;  // "COPY"
    std::string text;         // the instruction as the Dockerfile has it, on one line
    std::string expanded;     // the same with values expanded
    SourceSpan span;          // of a base's trigger: of the image that FROM names
    bool is_trigger = false;  // `text` and `expanded` begin with "ONBUILD"
    std::variant<ConfigStep, CopyStep, WorkdirStep, RunStep> action;
    oci::ContainerConfig config;  // after this step
};

struct Stage {
    int index = 0;     // as the Dockerfile counts them, from 0
    std::string name;  // AS name, lower case; empty when unnamed
    SourceSpan span;   // of FROM
    std::string text;  // "FROM debian:latest AS base"
    int number = 0;    // FROM is a numbered step, too
    Base base;
    oci::Platform platform;
    oci::ImageConfig base_config;  // with a PATH, as docker gives every image one
    std::string author;            // MAINTAINER's, else the base's
    std::vector<Step> steps;

    const oci::ContainerConfig& config() const { return steps.empty() ? base_config.config : steps.back().config; }
};

struct Plan {
    // The stages the target needs, in Dockerfile order; StageBase::stage indexes this vector. The last one is the
    // target.
    std::vector<Stage> stages;
    std::vector<std::string> skipped;  // names or indexes of stages that nothing needs
    int total_steps = 0;               // numbered ones
    std::optional<int64_t> epoch;      // SOURCE_DATE_EPOCH as a build argument or an ARG before the first FROM gives it
    std::vector<Warning> warnings;     // unused build args and the like; each with a stable id
    // Values of proxy arguments and their parts: they may hold passwords, so Step::expanded and the renderers show
    // "***" instead.
    std::vector<std::string> hidden_values;
};

// Everything the target is made of, first step first: the steps of the stages it is built on, and its own.
std::vector<const Step*> steps_of_target(const Plan& plan);
// Where the target's image got what `instruction` sets ("USER"): the last such step of the target stage and of the
// stages it is built on. nullopt when that comes from elsewhere.
std::optional<SourceSpan> place_of(const Plan& plan, std::string_view instruction);
// The ENV that gave a variable the value it has in the target's image.
std::optional<SourceSpan> place_of_variable(const Plan& plan, std::string_view name);
// The VOLUME that named `volume` first, however it wrote the path.
std::optional<SourceSpan> place_of_volume(const Plan& plan, const std::string& volume);

struct PlanRequest {
    std::string target;                             // stage name or index; "": the last
    std::map<std::string, std::string> build_args;  // a null value has been looked up in the environment by the caller
    std::map<std::string, std::string> labels;      // --label, set on the target's config last
    oci::Platform platform;                         // --platform
    oci::Platform build_platform;                   // the host's
    std::set<std::string> named_contexts;           // --build-context names
    std::set<std::string> file_contexts;            // those that are files, not images
    std::set<std::string> empty_contexts;           // those that are scratch
};

// The configuration of a base that is not scratch and not a stage.
using BaseConfig = std::function<oci::ImageConfig(const Base&)>;

// Writes out the ONBUILD triggers that bases of the target's stages have, after the FROM that names the base. Returns
// whether there were any: they may copy from stages that had not been needed, or from images (needed_bases), so call it
// until there are none. Throws dockerfile at the FROM for a trigger that is no instruction.
bool add_triggers(dockerfile::Dockerfile& file, const PlanRequest& request, const BaseConfig& base_config);

// Throws dockerfile with the place, not_found for a target that is not there. Calls `base_config` once for each
// distinct base a needed FROM names, in Dockerfile order. Triggers have been added to `file`.
Plan make_plan(const dockerfile::Dockerfile& file, const PlanRequest& request, const BaseConfig& base_config);

struct NeededBase {
    Base base;
    SourceSpan span;   // where it is named first
    std::string hint;  // for when there is no such image: the stage that may have been meant; may be empty
};

// The distinct bases that make_plan would ask for, and the images and named contexts that COPY --from and mounts read,
// in Dockerfile order. Found without any base's configuration (FROM lines see global ARGs only, --from is not
// expanded), so that they can be fetched side by side.
std::vector<NeededBase> needed_bases(const dockerfile::Dockerfile& file, const PlanRequest& request);

// Whether a stage that the target needs has a RUN.
bool runs_commands(const dockerfile::Dockerfile& file, const PlanRequest& request);

}  // namespace gbuild::plan
