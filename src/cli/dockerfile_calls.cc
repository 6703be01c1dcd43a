#include "gbuild/cli/dockerfile_calls.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "gbuild/base/error.h"
#include "gbuild/base/text.h"
#include "gbuild/cli/display.h"
#include "gbuild/dockerfile/mount.h"

namespace gbuild::cli {

namespace {

using dockerfile::Dockerfile;
using dockerfile::Instruction;

// A stage with its instructions.
struct Stage {
    TargetInfo info;
    std::vector<const Instruction*> steps;
};

// What a comment right above `line` says of `name`.
std::string description_of(const Dockerfile& file, int line, const std::string& name) {
    if (line < 2 || static_cast<size_t>(line) > file.lines.size() + 1) return {};
    std::string_view text = trim(file.lines[static_cast<size_t>(line) - 2]);
    if (!text.starts_with('#')) return {};
    text = trim(text.substr(1));
    const std::string_view first = text.substr(0, text.find(' '));
    return equal_ignoring_case(first, name) ? std::string(trim(text.substr(first.size()))) : std::string();
}

std::vector<Stage> stages_of(const Dockerfile& file) {
    std::vector<Stage> stages;
    for (const Instruction& step : file.instructions) {
        if (step.name == "FROM") {
            Stage stage;
            stage.info.base = step.args.empty() ? "" : step.args[0];
            stage.info.name = step.args.size() == 3 ? step.args[2] : std::to_string(stages.size());
            stage.info.description = description_of(file, step.first_line, stage.info.name);
            stages.push_back(std::move(stage));
        } else if (!stages.empty()) {
            stages.back().steps.push_back(&step);
        }
    }
    if (!stages.empty()) stages.back().info.is_default = true;
    return stages;
}

std::optional<size_t> find_stage(const std::vector<Stage>& stages, const std::string& name, size_t before) {
    for (size_t i = 0; i < std::min(before, stages.size()); i++) {
        if (equal_ignoring_case(stages[i].info.name, name) || name == std::to_string(i)) return i;
    }
    return std::nullopt;
}

// "from" of RUN --mount; empty where the value cannot be read.
std::optional<dockerfile::Mount> mount_of(const dockerfile::Flag& flag) {
    if (flag.name != "mount") return std::nullopt;
    try {
        return dockerfile::parse_mount(flag.value);
    } catch (const Error&) {
        // A build tells what is wrong with it.
        return std::nullopt;
    }
}

// The stages that `stage` is made of, itself included.
std::set<size_t> parts_of(const std::vector<Stage>& stages, size_t stage) {
    std::set<size_t> parts;
    std::vector<size_t> open{stage};
    while (!open.empty()) {
        const size_t index = open.back();
        open.pop_back();
        if (!parts.insert(index).second) continue;
        auto add = [&](const std::string& name) {
            if (auto found = find_stage(stages, name, index)) open.push_back(*found);
        };
        add(stages[index].info.base);
        for (const Instruction* step : stages[index].steps) {
            if (const auto* from = step->flag("from")) add(from->value);
            for (const auto& flag : step->flags) {
                if (const auto mount = mount_of(flag); mount && !mount->from.empty()) add(mount->from);
            }
        }
    }
    return parts;
}

class OutlineMaker {
  public:
    OutlineMaker(const Dockerfile& file, const std::map<std::string, std::string>& build_args, OutlineInfo& outline) :
        file_(file), build_args_(build_args), outline_(outline) {}

    void add(const Instruction& step) {
        if (step.name == "ARG") {
            for (const std::string& word : step.args) add_arg(step, word);
        }
        for (const auto& flag : step.flags) {
            const auto mount = mount_of(flag);
            if (!mount) continue;
            if (mount->type == dockerfile::MountType::secret) add_mount(outline_.secrets, *mount);
            if (mount->type == dockerfile::MountType::ssh) add_mount(outline_.ssh, *mount);
        }
    }

  private:
    void add_arg(const Instruction& step, const std::string& word) {
        const size_t equals = word.find('=');
        ParameterInfo arg{word.substr(0, equals), "", description_of(file_, step.first_line, word.substr(0, equals))};
        if (equals != std::string::npos) arg.value = word.substr(equals + 1);
        if (auto given = build_args_.find(arg.name); given != build_args_.end()) arg.value = given->second;
        const auto known = std::find_if(outline_.args.begin(), outline_.args.end(),
                                        [&](const ParameterInfo& one) { return one.name == arg.name; });
        if (known == outline_.args.end()) return outline_.args.push_back(std::move(arg));
        if (known->value.empty()) known->value = std::move(arg.value);
        if (known->description.empty()) known->description = std::move(arg.description);
    }
    static void add_mount(std::vector<ParameterInfo>& list, const dockerfile::Mount& mount) {
        const std::string name = mount.id.empty() ? "default" : mount.id;
        const auto known =
            std::find_if(list.begin(), list.end(), [&](const ParameterInfo& one) { return one.name == name; });
        if (known == list.end()) return list.push_back({name, "", "", mount.required});
        known->required = known->required || mount.required;
    }

    const Dockerfile& file_;
    const std::map<std::string, std::string>& build_args_;
    OutlineInfo& outline_;
};

std::string parameters_text(const std::string& title, const std::vector<ParameterInfo>& list) {
    if (list.empty()) return {};
    std::vector<std::vector<std::string>> rows{{title, "REQUIRED"}};
    for (const ParameterInfo& one : list) rows.push_back({safe_text(one.name), one.required ? "yes" : "no"});
    return "\n" + format_table(rows);
}

Json parameters_json(const std::vector<ParameterInfo>& list) {
    Json json = Json::array();
    for (const ParameterInfo& one : list) json.push_back({{"name", one.name}, {"required", one.required}});
    return json;
}

Json target_json(const TargetInfo& target) {
    Json json{{"name", target.name}, {"base", target.base}, {"default", target.is_default}};
    if (!target.description.empty()) json["description"] = target.description;
    return json;
}

}  // namespace

std::vector<TargetInfo> targets_of(const Dockerfile& file) {
    std::vector<TargetInfo> targets;
    for (Stage& stage : stages_of(file)) targets.push_back(std::move(stage.info));
    return targets;
}

std::string targets_text(const std::vector<TargetInfo>& targets) {
    std::vector<std::vector<std::string>> rows{{"TARGET", "BASE", "DESCRIPTION"}};
    for (const TargetInfo& target : targets) {
        rows.push_back({safe_text(target.name) + (target.is_default ? " (default)" : ""), safe_text(target.base),
                        safe_text(target.description)});
    }
    return format_table(rows);
}

Json targets_json(const std::vector<TargetInfo>& targets) {
    Json list = Json::array();
    for (const TargetInfo& target : targets) list.push_back(target_json(target));
    return {{"targets", list}};
}

OutlineInfo outline_of(const Dockerfile& file, const std::string& target,
                       const std::map<std::string, std::string>& build_args) {
    const std::vector<Stage> stages = stages_of(file);
    const auto index = target.empty() && !stages.empty() ? std::optional(stages.size() - 1)
                                                         : find_stage(stages, target, stages.size());
    if (!index) {
        std::vector<std::string> names;
        names.reserve(stages.size());
        for (const Stage& stage : stages) names.push_back(stage.info.name);
        throw Error(ErrorKind::not_found, fmt::format("no stage is called {}", quoted(target)))
            .hint(fmt::format("the stages are {}", join(names, ", ")));
    }
    OutlineInfo outline;
    outline.target = stages[*index].info;
    OutlineMaker maker(file, build_args, outline);
    for (const Instruction& step : file.instructions) {
        if (step.name == "FROM") break;
        maker.add(step);
    }
    for (size_t part : parts_of(stages, *index)) {
        for (const Instruction* step : stages[part].steps) maker.add(*step);
    }
    return outline;
}

std::string outline_text(const OutlineInfo& outline) {
    std::string text = fmt::format("TARGET: {}\n", safe_text(outline.target.name));
    if (!outline.target.description.empty()) {
        text += fmt::format("DESCRIPTION: {}\n", safe_text(outline.target.description));
    }
    if (!outline.args.empty()) {
        std::vector<std::vector<std::string>> rows{{"BUILD ARG", "VALUE", "DESCRIPTION"}};
        for (const ParameterInfo& arg : outline.args) {
            rows.push_back({safe_text(arg.name), safe_text(arg.value), safe_text(arg.description)});
        }
        text += "\n" + format_table(rows);
    }
    return text + parameters_text("SECRET", outline.secrets) + parameters_text("SSH", outline.ssh);
}

Json outline_json(const OutlineInfo& outline) {
    Json args = Json::array();
    for (const ParameterInfo& arg : outline.args) {
        Json one{{"name", arg.name}, {"value", arg.value}};
        if (!arg.description.empty()) one["description"] = arg.description;
        args.push_back(std::move(one));
    }
    Json json = target_json(outline.target);
    json["args"] = args;
    json["secrets"] = parameters_json(outline.secrets);
    json["ssh"] = parameters_json(outline.ssh);
    return json;
}

}  // namespace gbuild::cli
