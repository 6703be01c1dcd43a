#include "golem_rules.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "gbuild/base/text.h"
#include "gbuild/golem/contract_rules.h"
#include "gbuild/golem/vm_contract.h"
#include "gbuild/golem/volumes.h"
#include "gbuild/tree/tree.h"

namespace gbuild::check {

namespace {

// An empty directory in place of one of these leaves a system that cannot run.
constexpr std::array<std::string_view, 14> system_directories = {
    "/bin", "/boot", "/etc", "/lib", "/lib32", "/lib64", "/libx32", "/run", "/sbin", "/usr", "/var"};
constexpr std::array<std::string_view, 4> masked_directories = {"/dev", "/proc", "/sys", "/tmp"};

bool is_at_or_below(std::string_view path, std::string_view directory) {
    while (directory.size() > 1 && directory.ends_with('/')) directory.remove_suffix(1);
    return path.starts_with(directory) && (path.size() == directory.size() || path[directory.size()] == '/');
}

class GolemRules {
  public:
    GolemRules(const Outline& outline, const plan::Plan& plan, Report& report) :
        outline_(outline), plan_(plan), report_(report), config_(plan.stages.back().config()) {
        for (const plan::Stage* stage = &plan.stages.back();;) {
            for (auto step = stage->steps.rbegin(); step != stage->steps.rend(); ++step) steps_.push_back(&*step);
            const auto* below = std::get_if<plan::StageBase>(&stage->base);
            if (!below) break;
            stage = &plan.stages[static_cast<size_t>(below->stage)];
        }
        std::reverse(steps_.begin(), steps_.end());
    }

    void run() {
        contract();
        for (const auto& volume : config_.volumes) system_directory(volume);
        for (size_t i = 0; i < steps_.size(); i++) {
            if (const auto* copy = std::get_if<plan::CopyStep>(&steps_[i]->action)) destination(i, *copy);
            no_effect(*steps_[i]);
        }
        user();
    }

  private:
    void add(std::string_view id, const std::string& found, std::optional<SourceSpan> place,
             std::optional<Severity> severity = std::nullopt) {
        Warning warning = golem::contract_warning(id, found);
        warning.span = std::move(place);
        report_.add(warning, severity);
    }

    // The build's own warnings, as far as they can be told without any file.
    void contract() {
        const golem::Places places = [&](std::string_view instruction, const std::string& volume) {
            if (instruction == "VOLUME") return plan::place_of_volume(plan_, volume);
            return instruction == "ENV" ? plan::place_of_variable(plan_, volume) : plan::place_of(plan_, instruction);
        };
        too_many_volumes();
        for (Warning warning : golem::check_contract(tree::Tree(), config_, places)) {
            if (!warning.span) warning.span = plan_.stages.back().span;
            if (warning.id == "no-volume" && !outline_.knows_base(outline_.target))
                warning.hint += ", unless the base image has one";
            report_.add(warning, severity_of(warning));
        }
    }

    // A program that nobody may ever ask the VM to start, and variables without which programs are still found.
    std::optional<Severity> severity_of(const Warning& warning) const {
        const bool by_cmd = warning.id == "entrypoint-no-slash" && (!config_.entrypoint || config_.entrypoint->empty());
        const bool not_path = warning.id == "env-not-passed" && !plan::place_of_variable(plan_, "PATH");
        return by_cmd || not_path ? std::optional(Severity::info) : std::nullopt;
    }

    void too_many_volumes() {
        const size_t count = golem::clean_volumes(config_.volumes).size();
        if (count <= golem::max_volumes) return;
        add("volumes-too-many", fmt::format("the image has {} volumes", count), plan::place_of(plan_, "VOLUME"));
    }

    void system_directory(const std::string& volume) {
        const auto found = std::find_if(system_directories.begin(), system_directories.end(),
                                        [&](auto directory) { return is_at_or_below(directory, volume); });
        if (found == system_directories.end()) return;
        add("volume-system-directory", fmt::format("the volume {} hides the system's own {}", quoted(volume), *found),
            plan::place_of_volume(plan_, volume));
    }

    void destination(size_t index, const plan::CopyStep& copy) {
        const plan::Step& step = *steps_[index];
        const std::optional<SourceSpan> known = copy.spans.at(copy.paths.size());
        const SourceSpan span = known ? *known : step.span;
        for (const auto& volume : config_.volumes) {
            if (!is_at_or_below(copy.destination, volume)) continue;
            add("volume-content",
                fmt::format("the volume {} hides what this {} puts there", quoted(volume), step.instruction), span);
            return;
        }
        for (std::string_view directory : masked_directories) {
            if (!is_at_or_below(copy.destination, directory)) continue;
            // Files that a later RUN needs are often put into /tmp.
            const bool used = std::any_of(steps_.begin() + static_cast<std::ptrdiff_t>(index), steps_.end(),
                                          [](const plan::Step* later) { return later->instruction == "RUN"; });
            add("content-masked", fmt::format("files below {} cannot be seen", directory), span,
                used ? std::optional(Severity::info) : std::nullopt);
            return;
        }
    }

    void no_effect(const plan::Step& step) {
        static constexpr std::array<std::pair<std::string_view, std::string_view>, 4> effects = {{
            {"EXPOSE", "expose-no-effect"},
            {"HEALTHCHECK", "healthcheck-no-effect"},
            {"STOPSIGNAL", "stop-signal-no-effect"},
            {"ONBUILD", "onbuild-no-effect"},
        }};
        for (const auto& [instruction, id] : effects) {
            if (instruction == step.instruction) add(id, fmt::format("{} has no effect", instruction), step.span);
        }
    }

    void user() {
        const std::string& user = config_.user;
        const std::string_view name = std::string_view(user).substr(0, user.find(':'));
        const auto place = plan::place_of(plan_, "USER");
        if (name.empty() || !place) return;
        const bool is_root = name == "root" || parse_decimal(name) == 0u;
        if (is_root) {
            report_.add("last-user-root", "the image runs as root", place,
                        "this is usual in a VM; otherwise name another USER below");
        } else if (!parse_decimal(name)) {
            report_.add("user-named",
                        fmt::format("USER {} is looked up in the image's /etc/passwd when it is built", quoted(name)),
                        place, "a number such as USER 1000:1000 does not depend on that file");
        }
    }

    const Outline& outline_;
    const plan::Plan& plan_;
    Report& report_;
    const oci::ContainerConfig& config_;
    std::vector<const plan::Step*> steps_;  // of the target and what it is built on, in order
};

}  // namespace

void check_golem(const Outline& outline, const plan::Plan& plan, Report& report) {
    GolemRules(outline, plan, report).run();
}

}  // namespace gbuild::check
