#include "gbuild/steps/step_keys.h"

#include <algorithm>

#include <fmt/format.h>

#include "gbuild/base/binary.h"
#include "gbuild/base/text.h"
#include "gbuild/copy/copy_selection.h"
#include "gbuild/copy/mounted_entries.h"
#include "gbuild/steps/step_change.h"

namespace gbuild::build {

namespace {

std::string list_text(const std::vector<std::string>& list) {
    BinaryWriter out;
    for (const std::string& text : list) out.text(text);
    return std::string(as_text(out.bytes()));
}

std::string optional_text(const std::optional<std::string>& text) { return text ? "=" + *text : ""; }

void add_environment(StepKey& key, const std::vector<std::string>& entries) {
    std::vector<std::string> names;
    for (const std::string& entry : entries) {
        const size_t equals = std::min(entry.find('='), entry.size());
        names.push_back(entry.substr(0, equals));
        key.add("ENV " + names.back(), entry.substr(equals));
    }
    key.add("the order of ENV", list_text(names));
}

class KeyMaker {
  public:
    KeyMaker(const plan::Stage& stage, const StageResults& results, const KeyInputs& inputs,
             const MountContents& contents) :
        stage_(stage), results_(results), inputs_(inputs), contents_(contents) {}

    // False when a stage's result is not known.
    bool add(const plan::WorkdirStep& step, const oci::ContainerConfig& config) {
        key_.add("the directory", step.path);
        key_.add("USER", config.user);
        return true;
    }

    bool add(const plan::RunStep& step, const oci::ContainerConfig& config) {
        key_.add("the command", list_text(step.args));
        key_.add("the form", step.shell_form ? "shell" : "exec");
        BinaryWriter heredocs;
        for (const dockerfile::Heredoc& heredoc : step.heredocs) {
            heredocs.text(heredoc.name);
            heredocs.text(heredoc.contents);
        }
        key_.add("the heredocs", as_text(heredocs.bytes()));
        add_environment(key_, config.env);
        for (const auto& [name, value] : step.arg_environment) key_.add("ARG " + name, value);
        key_.add("USER", config.user);
        key_.add("WORKDIR", config.working_dir);
        key_.add("VOLUME", list_text({config.volumes.begin(), config.volumes.end()}));
        const bool none =
            step.network == "none" || (step.network == "default" && inputs_.run.network == sandbox::Network::none);
        key_.add("the network", none ? "none" : "host");
        key_.add("the security mode", step.security);
        if (!step.hostname.empty()) key_.add("the host's name", step.hostname);
        key_.add("the platform", stage_.platform.text());
        add_run_options();
        for (size_t i = 0; i < step.mounts.size(); i++) {
            if (!add_mount(step.mounts[i], fmt::format("mount {}", i + 1))) return false;
        }
        return true;
    }

    bool add(const plan::CopyStep& step, const oci::ContainerConfig&) {
        key_.add("the instruction", step.is_add ? "ADD" : "COPY");
        std::vector<std::string> names;  // of what is elsewhere: without secrets; its contents count below
        for (const std::string& path : step.paths) {
            const auto remote = step.is_add ? plan::parse_remote_source(path) : std::nullopt;
            names.push_back(remote ? plan::shown(*remote) : path);
        }
        key_.add("the sources' names", list_text(names));
        key_.add("the destination", step.destination);
        key_.add("--chown", optional_text(step.chown));
        key_.add("--chmod", optional_text(step.chmod));
        key_.add("--exclude", list_text(step.exclude));
        key_.add("--parents", step.parents ? "yes" : "no");
        key_.add("--link", step.link ? "yes" : "no");
        key_.add("--unpack", !step.unpack ? "" : *step.unpack ? "yes" : "no");
        for (size_t i = 0; i < step.inline_files.size(); i++) {
            const plan::InlineFile& file = step.inline_files[i];
            key_.add(fmt::format("heredoc {} {}", i + 1, file.name), file.contents);
        }
        if (step.paths.empty()) return true;
        return std::visit([&](const auto& source) { return add_source(source, step); }, step.source);
    }

    bool add(const plan::ConfigStep&, const oci::ContainerConfig&) {
        throw Error(ErrorKind::internal, "a step that changes no files has no key");
    }

    StepKey take(const Digest& before, bool on_its_own) {
        if (!on_its_own) key_.add("the steps before", before.text());
        key_.add("the timestamp", std::to_string(inputs_.epoch));
        key_.add("the packing options", inputs_.packing.key());
        return std::move(key_);
    }

  private:
    void add_run_options() {
        const RunOptions& run = inputs_.run;
        BinaryWriter hosts, limits;
        for (const auto& [name, address] : run.hosts) {
            hosts.text(name);
            hosts.text(address);
        }
        for (const sandbox::ResourceLimit& limit : run.limits) {
            limits.text(limit.name);
            limits.number(limit.soft);
            limits.number(limit.hard);
        }
        key_.add("--add-host", as_text(hosts.bytes()));
        key_.add("--ulimit", as_text(limits.bytes()));
        key_.add("--shm-size", std::to_string(run.shm_size));
    }

    // What a cache holds, a secret's value and an agent's keys are none of the key's business.
    bool add_mount(const plan::RunMount& mount, const std::string& name) {
        key_.add(name,
                 fmt::format("{} {} {} {} {} {:o} {} {}", static_cast<int>(mount.type), mount.read_only, mount.required,
                             mount.size.has_value(), mount.size.value_or(0), mount.mode, mount.uid, mount.gid) +
                     list_text({mount.target, mount.path, mount.id, optional_text(mount.env)}));
        if (!mount.from) return true;
        if (const ContextDir* directory = directory_of(*mount.from)) {
            add_files(mount, name, *directory);
            return true;
        }
        if (contents_) {
            key_.add("the files of " + name, contents_(mount).text());
            return true;
        }
        const auto result = result_of_source(*mount.from);
        if (result) key_.add("what " + name + " shows", result->text());
        return result.has_value();
    }
    void add_files(const plan::RunMount& mount, const std::string& name, const ContextDir& directory) {
        for (const ContextEntry& entry : mounted_entries(directory, mount.path)) {
            const SourceItem item{entry.path, entry.inode, nullptr};
            std::string text;
            add_file(text, 0, item, directory);
            key_.add(fmt::format("{} of {}", name_of(item), name), text);
        }
    }
    std::optional<Digest> result_of_source(const plan::CopySource& source) const {
        if (const auto* stage = std::get_if<plan::StageBase>(&source)) {
            return results_(static_cast<size_t>(stage->stage));
        }
        if (const auto* image = std::get_if<plan::ImageBase>(&source)) return result_of(inputs_.bases.at(*image));
        return result_of(inputs_.bases.at(std::get<plan::NamedContextBase>(source)));
    }
    const ContextDir* directory_of(const plan::CopySource& source) const {
        if (std::holds_alternative<plan::ContextSource>(source)) return inputs_.context;
        const auto* named = std::get_if<plan::NamedContextBase>(&source);
        const auto found = named ? inputs_.directories.find(named->name) : inputs_.directories.end();
        return found == inputs_.directories.end() ? nullptr : found->second.get();
    }

    bool add_source(const plan::ContextSource&, const plan::CopyStep& step) {
        add_files(step, inputs_.context);
        return true;
    }
    bool add_source(const plan::StageBase& source, const plan::CopyStep&) {
        const auto index = static_cast<size_t>(source.stage);
        const auto result = results_(index);
        if (!result) return false;
        const plan::Stage& stage = inputs_.plan.stages.at(index);
        key_.add("stage " + (stage.name.empty() ? std::to_string(stage.index) : stage.name), result->text());
        return true;
    }
    bool add_source(const plan::ImageBase& source, const plan::CopyStep&) {
        key_.add("image " + source.reference, result_of(inputs_.bases.at(source)).text());
        return true;
    }
    bool add_source(const plan::NamedContextBase& source, const plan::CopyStep& step) {
        auto directory = inputs_.directories.find(source.name);
        if (directory != inputs_.directories.end())
            add_files(step, directory->second.get());
        else
            key_.add("build context " + source.name, result_of(inputs_.bases.at(source)).text());
        return true;
    }

    // `directory` may be null when all sources are elsewhere.
    void add_files(const plan::CopyStep& step, const ContextDir* directory) {
        const auto view = directory ? view_of(*directory) : nullptr;
        const auto fetch = [&](const plan::RemoteSource& source) { return inputs_.sources.files(source, step); };
        std::map<std::string, std::string> files;  // one may be selected more than once
        for (const SelectedSource& source : select_sources(step, view.get(), fetch).sources) {
            std::string where;
            if (source.remote) {
                where = fmt::format(" of {}", plan::shown(*plan::parse_remote_source(step.paths[source.pattern])));
                BinaryWriter out;
                out.text(source.remote->name);
                out.number(std::min(source.remote->modified.value_or(inputs_.epoch), inputs_.epoch));
                files[name_of(source.item) + where] += as_text(out.bytes());
            }
            add_file(files[name_of(source.item) + where], source.pattern, source.item, *source.directory);
            for (const SourceItem& item : source.below) {
                add_file(files[name_of(item) + where], source.pattern, item, *source.directory);
            }
        }
        for (const auto& [name, text] : files) key_.add(name, text);
    }

    static std::string name_of(const SourceItem& item) { return "file " + (item.path.empty() ? "." : item.path); }

    static void add_file(std::string& text, size_t pattern, const SourceItem& item, const ContextDir& directory) {
        const tree::Inode& inode = item.inode;
        BinaryWriter out;
        out.varint(pattern);
        out.number(static_cast<uint8_t>(inode.type));
        out.number(inode.mode);
        out.number(inode.device_major);
        out.number(inode.device_minor);
        out.text(inode.target);
        if (inode.type == tree::FileType::regular) {
            const ContentSum content = directory.sum_of(item.path);
            out.varint(content.size);
            out.raw(content.sum);
        }
        text += as_text(out.bytes());
    }

    const plan::Stage& stage_;
    const StageResults& results_;
    const KeyInputs& inputs_;
    const MountContents& contents_;
    StepKey key_;
};

// COPY --link looks at nothing below it, but for the names of users.
bool stands_alone(const plan::Step& step) {
    const auto* copy = std::get_if<plan::CopyStep>(&step.action);
    if (!copy || !copy->link) return false;
    return !copy->chown || copy->chown->find_first_not_of("0123456789:") == std::string::npos;
}

}  // namespace

bool has_result(const plan::Step& step) { return !std::holds_alternative<plan::ConfigStep>(step.action); }

std::optional<StepKey> key_of(const plan::Stage& stage, const plan::Step& step, const oci::ContainerConfig& config,
                              const Digest& before, const StageResults& results, const KeyInputs& inputs,
                              const MountContents& contents) {
    KeyMaker maker(stage, results, inputs, contents);
    const bool known = std::visit([&](const auto& action) { return maker.add(action, config); }, step.action);
    if (!known) return std::nullopt;
    return maker.take(before, stands_alone(step));
}

Digest result_of(const BaseImage& image) { return image_result(image.config.diff_ids); }

}  // namespace gbuild::build
