// Turns the instructions of one stage into steps.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gbuild/plan/plan.h"
#include "gbuild/plan/remote_source.h"
#include "sizes.h"
#include "stage_graph.h"
#include "variables.h"

namespace gbuild::plan {

inline constexpr std::string_view default_path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

inline constexpr size_t max_warnings = 1000;  // more help nobody

// What several stages share.
struct PlanContext {
    const dockerfile::Dockerfile& file;
    const PlanRequest& request;
    const StageGraph& graph;
    Plan& plan;
    PlanSize size = {};
};

class StagePlanner {
  public:
    // Starts with the ARGs of the stage it is built on, if it is built on one.
    StagePlanner(PlanContext& context, const SourceStage& source, Stage& stage, StageScope scope);

    void run();
    const StageScope& scope() const { return scope_; }

  private:
    using Handler = void (StagePlanner::*)(Step&);
    static Handler handler_for(std::string_view instruction);

    void arg(Step& step);
    void cmd(Step& step);
    void copy(Step& step);
    void entrypoint(Step& step);
    void env(Step& step);
    void expose(Step& step);
    void healthcheck(Step& step);
    void label(Step& step);
    void maintainer(Step& step);
    void onbuild(Step& step);
    void run_command(Step& step);
    void shell(Step& step);
    void stop_signal(Step& step);
    void user(Step& step);
    void volume(Step& step);
    void workdir(Step& step);

    void plan_step(size_t index);
    dockerfile::WordSpans spans_of_args() const;
    void copy_flags(CopyStep& copy, std::vector<dockerfile::Flag>& shown);
    void check_sources(const CopyStep& copy);
    std::optional<CopySource> origin_of_mount(size_t flag) const;
    RunMount plan_mount(const dockerfile::Mount& mount, const RunStep& run, const SourceSpan& span) const;
    void add_mount(RunStep& run, const dockerfile::Flag& flag, size_t number);
    std::string hostname() const;
    RemoteSource remote_source(const std::string& written, const std::string& path) const;
    void check_remote(const CopyStep& copy, const RemoteSource& source) const;
    void check_checksum(const CopyStep& copy);
    void show_without_logins(Step& step, const std::vector<dockerfile::Flag>& flags, std::vector<std::string> words);
    std::vector<std::string> with_shell(const std::vector<std::string>& args) const;
    std::vector<std::pair<std::string, std::string>> expand_pairs(Step& step);

    std::string word(std::string_view text) { return expansion_->word(text); }
    // The one argument, expanded; an error when nothing is left of it.
    std::string single(Step& step);
    std::string working_directory() const;
    // Throws dockerfile when `path`, which `written` stands for, is longer than any path can be.
    void check_length(const std::string& written, const std::string& path) const;
    void show(Step& step, const std::vector<dockerfile::Flag>& flags, const std::vector<std::string>& args);
    void show(Step& step, const std::vector<std::string>& args);
    void warn(const char* id, std::string message, std::string_view at, std::string hint);
    void warn_unset(const std::vector<std::string>& known);
    std::string unset_hint(const std::string& name, const std::vector<std::string>& known) const;
    [[noreturn]] void fail(std::string_view at, std::string message, std::string hint) const;

    PlanContext& context_;
    const SourceStage& source_;
    Stage& stage_;
    StageScope scope_;
    oci::ContainerConfig config_;
    const dockerfile::Instruction* instruction_ = nullptr;  // the one being planned, and what expands its text
    size_t index_ = 0;
    Expansion* expansion_ = nullptr;
    bool cmd_given_ = false;
    bool workdir_given_ = false;
};

// Replaces every value in `hidden` by "***".
std::string masked(std::string text, const std::vector<std::string>& hidden);

}  // namespace gbuild::plan
