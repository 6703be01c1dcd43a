#include "gbuild/plan/render.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "gbuild/base/text.h"
#include "gbuild/plan/proxies.h"
#include "gbuild/plan/remote_source.h"
#include "stage_planner.h"
#include "variables.h"

namespace gbuild::plan {

namespace {

using Json = nlohmann::ordered_json;

class Renderer {
  public:
    Renderer(const Plan& plan, const StepNotes& notes) : plan_(plan), notes_(notes) {}

    std::string text() const {
        std::string out;
        for (size_t i = 0; i < plan_.stages.size(); i++) {
            const Stage& stage = plan_.stages[i];
            out += fmt::format("{:>3}  {}  [{}]\n", stage.number, shown(stage.text), shown(stage_name(stage)));
            out += fmt::format("     from {}\n", shown(source_text(stage.base)));
            for (size_t j = 0; j < stage.steps.size(); j++) {
                add_step(out, stage.steps[j]);
                if (const auto note = note_of(i, j)) add_note(out, *note);
            }
        }
        if (!plan_.skipped.empty()) out += fmt::format("not needed: {}\n", shown(join(plan_.skipped, ", ")));
        return out;
    }

    Json json() const {
        Json stages = Json::array(), warnings = Json::array();
        for (size_t i = 0; i < plan_.stages.size(); i++) stages.push_back(stage_json(i));
        for (const Warning& warning : plan_.warnings) {
            Json entry = {{"id", warning.id}, {"message", masked_text(warning.message)}, {"hint", warning.hint}};
            if (warning.span) entry["line"] = warning.span->line;
            warnings.push_back(std::move(entry));
        }
        return {
            {"stages", stages}, {"skipped", plan_.skipped}, {"totalSteps", plan_.total_steps}, {"warnings", warnings}};
    }

  private:
    std::string masked_text(const std::string& text) const { return masked(text, plan_.hidden_values); }
    std::string shown(const std::string& text) const { return printable(masked_text(text)); }

    std::vector<std::string> masked_list(std::vector<std::string> list) const {
        for (std::string& text : list) text = masked_text(text);
        return list;
    }

    static std::string stage_name(const Stage& stage) {
        return stage.name.empty() ? fmt::format("stage {}", stage.index) : stage.name;
    }

    template <class Source>
    std::string source_text(const Source& source) const {
        return std::visit([this](const auto& one) { return this->describe_source(one); }, source);
    }
    std::string describe_source(const ScratchBase&) const { return "scratch"; }
    std::string describe_source(const ContextSource&) const { return "the build context"; }
    std::string describe_source(const StageBase& base) const {
        const Stage& stage = plan_.stages[static_cast<size_t>(base.stage)];
        return stage.name.empty() ? stage_name(stage) : "stage " + stage.name;
    }
    std::string describe_source(const ImageBase& base) const {
        return fmt::format("image {} ({})", base.reference, base.platform.text());
    }
    std::string describe_source(const NamedContextBase& base) const { return "named context " + base.name; }

    // "bind (read only): stage build, /out -> /in"
    std::string mount_text(const RunMount& mount) const {
        using dockerfile::MountType;
        std::string text(dockerfile::mount_type_name(mount.type));
        if (mount.read_only && (mount.from || mount.type == MountType::cache)) text += " (read only)";
        text += ": ";
        if (mount.type == MountType::cache) text += fmt::format("{} ({})", mount.id, sharing_name(mount));
        if (mount.type == MountType::secret || mount.type == MountType::ssh) text += mount.id;
        if (mount.type == MountType::cache && mount.from) text += ", at first ";
        if (mount.from) text += fmt::format("{}, {}", source_text(*mount.from), mount.path);
        if (mount.env) text += fmt::format(" -> ${}", *mount.env);
        if (mount.target.empty()) return text;
        return mount.type == MountType::tmpfs ? text + mount.target : text + " -> " + mount.target;
    }
    static std::string_view sharing_name(const RunMount& mount) {
        return dockerfile::mount_sharing_name(mount.sharing);
    }

    void add_step(std::string& out, const Step& step) const {
        out += fmt::format("{:>3}    {}\n", step.number, shown(step.expanded));
        if (const auto* copy = std::get_if<CopyStep>(&step.action)) {
            out += fmt::format("         {} -> {}\n", shown(source_text(copy->source)), shown(copy->destination));
        }
        const auto* run = std::get_if<RunStep>(&step.action);
        if (!run) return;
        for (const RunMount& mount : run->mounts) out += fmt::format("         {}\n", shown(mount_text(mount)));
    }

    std::optional<StepNote> note_of(size_t stage, size_t step) const {
        return notes_ ? notes_(stage, step) : std::nullopt;
    }
    void add_note(std::string& out, const StepNote& note) const {
        const std::string reason = note.reason.empty() ? "" : ": " + shown(note.reason);
        out += fmt::format("         {}{}\n", note.state, reason);
    }

    Json source_json(const ScratchBase&) const { return {{"kind", "scratch"}}; }
    Json source_json(const ContextSource&) const { return {{"kind", "context"}}; }
    Json source_json(const StageBase& base) const { return {{"kind", "stage"}, {"stage", base.stage}}; }
    Json source_json(const ImageBase& base) const {
        return {{"kind", "image"}, {"reference", masked_text(base.reference)}, {"platform", base.platform.text()}};
    }
    Json source_json(const NamedContextBase& base) const { return {{"kind", "named-context"}, {"name", base.name}}; }

    Json action_json(const ConfigStep&) const { return {{"kind", "config"}}; }
    Json action_json(const WorkdirStep& step) const { return {{"kind", "workdir"}, {"path", masked_text(step.path)}}; }
    Json action_json(const CopyStep& step) const {
        Json files = Json::array();
        for (const InlineFile& file : step.inline_files) {
            files.push_back({{"name", file.name}, {"contents", masked_text(file.contents)}});
        }
        std::vector<std::string> paths = step.paths;
        for (std::string& path : paths) path = step.is_add ? without_login(path) : path;
        Json json = {{"kind", step.is_add ? "add" : "copy"},
                     {"source", std::visit([this](const auto& one) { return source_json(one); }, step.source)},
                     {"paths", masked_list(paths)},
                     {"inlineFiles", files},
                     {"destination", masked_text(step.destination)},
                     {"exclude", masked_list(step.exclude)},
                     {"parents", step.parents},
                     {"link", step.link}};
        if (step.chown) json["chown"] = masked_text(*step.chown);
        if (step.chmod) json["chmod"] = *step.chmod;
        if (step.unpack) json["unpack"] = *step.unpack;
        if (!step.checksum.empty()) json["checksum"] = step.checksum;
        return json;
    }
    Json mount_json(const RunMount& mount) const {
        using dockerfile::MountType;
        Json json = {{"type", dockerfile::mount_type_name(mount.type)}};
        if (mount.from) {
            json["from"] = std::visit([this](const auto& one) { return source_json(one); }, *mount.from);
            json["source"] = masked_text(mount.path);
        }
        if (!mount.target.empty()) json["target"] = masked_text(mount.target);
        json["readOnly"] = mount.read_only;
        if (!mount.id.empty()) json["id"] = masked_text(mount.id);
        if (mount.env) json["env"] = masked_text(*mount.env);
        if (mount.type == MountType::cache) json["sharing"] = sharing_name(mount);
        if (mount.size) json["size"] = *mount.size;
        if (mount.type == MountType::bind || mount.type == MountType::tmpfs) return json;
        json["mode"] = fmt::format("{:04o}", mount.mode);
        json["uid"] = mount.uid;
        json["gid"] = mount.gid;
        if (mount.type != MountType::cache) json["required"] = mount.required;
        return json;
    }
    Json action_json(const RunStep& step) const {
        Json environment = Json::object();
        for (const auto& [name, value] : step.arg_environment) {
            environment[name] = is_proxy_name(name) ? "***" : masked_text(value);
        }
        Json mounts = Json::array();
        for (const RunMount& mount : step.mounts) mounts.push_back(mount_json(mount));
        return {{"kind", "run"},
                {"args", masked_list(step.args)},
                {"form", step.shell_form ? "shell" : "exec"},
                {"argEnvironment", environment},
                {"mounts", mounts},
                {"network", step.network},
                {"security", step.security}};
    }

    Json step_json(const Step& step) const {
        return {{"number", step.number},
                {"instruction", step.instruction},
                {"line", step.span.line},
                {"text", masked_text(step.text)},
                {"expanded", step.expanded},
                {"action", std::visit([this](const auto& one) { return action_json(one); }, step.action)}};
    }

    Json config_json(const oci::ContainerConfig& config) const {
        Json json = {{"env", masked_list(config.env)},
                     {"volumes", config.volumes},
                     {"workingDir", masked_text(config.working_dir)},
                     {"user", masked_text(config.user)},
                     {"exposedPorts", config.exposed_ports}};
        Json labels = Json::object();
        for (const auto& [name, value] : config.labels) labels[masked_text(name)] = masked_text(value);
        json["labels"] = labels;
        if (config.entrypoint) json["entrypoint"] = masked_list(*config.entrypoint);
        if (config.cmd) json["cmd"] = masked_list(*config.cmd);
        if (config.shell) json["shell"] = masked_list(*config.shell);
        if (!config.stop_signal.empty()) json["stopSignal"] = config.stop_signal;
        if (config.healthcheck) json["healthcheck"] = masked_list(config.healthcheck->test);
        return json;
    }

    Json stage_json(size_t index) const {
        const Stage& stage = plan_.stages[index];
        Json steps = Json::array();
        for (size_t j = 0; j < stage.steps.size(); j++) {
            steps.push_back(step_json(stage.steps[j]));
            const auto note = note_of(index, j);
            if (note) steps.back()["result"] = {{"state", note->state}, {"reason", masked_text(note->reason)}};
        }
        return {{"index", stage.index},
                {"name", stage.name},
                {"number", stage.number},
                {"line", stage.span.line},
                {"text", masked_text(stage.text)},
                {"base", std::visit([this](const auto& one) { return source_json(one); }, stage.base)},
                {"platform", stage.platform.text()},
                {"steps", steps},
                {"config", config_json(stage.config())}};
    }

    const Plan& plan_;
    const StepNotes& notes_;
};

}  // namespace

std::string to_text(const Plan& plan, const StepNotes& notes) { return Renderer(plan, notes).text(); }

std::string to_json(const Plan& plan, const StepNotes& notes) {
    return Renderer(plan, notes).json().dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace gbuild::plan
