#include "stage_graph.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "gbuild/base/text.h"
#include "gbuild/dockerfile/mount.h"
#include "gbuild/dockerfile/suggest.h"
#include "gbuild/oci/reference.h"
#include "triggers.h"

namespace gbuild::plan {

namespace {

constexpr size_t max_stages = 1000;

[[noreturn]] void fail_at(SourceSpan span, std::string message, std::string hint) {
    throw Error(ErrorKind::dockerfile, std::move(message)).hint(std::move(hint)).at(std::move(span));
}

// How docker compares names of images and of named contexts: "debian" is "docker.io/library/debian:latest".
std::string comparable(const std::string& name) {
    std::string familiar = name;
    try {
        familiar = oci::Reference::parse(name).familiar();
    } catch (const Error&) {
        // A context may have a name that no image can have.
    }
    constexpr std::string_view latest = ":latest";
    if (familiar.size() > latest.size() &&
        familiar.compare(familiar.size() - latest.size(), latest.size(), latest) == 0) {
        familiar.resize(familiar.size() - latest.size());
    }
    return familiar;
}

// Images that go by a plain name, so that one like a stage's name may well be meant.
bool is_common_image(std::string_view name) {
    constexpr std::array<std::string_view, 36> images = {
        "almalinux", "alpine", "archlinux", "bash",   "busybox", "caddy", "centos", "composer", "debian",
        "deno",      "docker", "elixir",    "erlang", "fedora",  "gcc",   "golang", "gradle",   "haproxy",
        "httpd",     "julia",  "mariadb",   "maven",  "mongo",   "mysql", "nginx",  "node",     "openjdk",
        "perl",      "php",    "postgres",  "python", "redis",   "ruby",  "rust",   "swift",    "ubuntu"};
    return std::find(images.begin(), images.end(), name) != images.end();
}

}  // namespace

StageGraph::StageGraph(const dockerfile::Dockerfile& file, const PlanRequest& request) :
    file_(file), request_(request), globals_(file, request) {
    for (size_t i = 0; i < file.instructions.size(); i++) {
        if (file.instructions[i].name == "FROM") froms_.push_back(i);
    }
    if (froms_.size() > max_stages) {
        throw Error(ErrorKind::limit, fmt::format("more than {} stages", max_stages))
            .at(file.instructions[froms_[max_stages]].span);
    }
    for (size_t from : froms_) add_stage(from);
    collect_needed();
}

void StageGraph::add_stage(size_t from) {
    const auto& instructions = file_.instructions;
    SourceStage stage;
    stage.index = size();
    stage.from = from;
    stage.end = from + 1;
    while (stage.end < instructions.size() && instructions[stage.end].name != "FROM") stage.end++;
    if (instructions[from].args.size() == 3) stage.name = to_lower(instructions[from].args[2]);
    resolve_platform(instructions[from], stage);
    stage.base = resolve_base(instructions[from], stage);
    if (stage.replaced) stage.end = stage.from + 1;
    for (size_t i = stage.from + 1; i < stage.end; i++) {
        naming_trigger(instructions[i], [&] { resolve_sources(i, stage); });
    }
    stages_.push_back(std::move(stage));
}

void StageGraph::resolve_platform(const dockerfile::Instruction& from, SourceStage& stage) {
    stage.platform = request_.platform;
    const dockerfile::Flag* flag = from.flag("platform");
    if (!flag) return;
    Expansion expansion(file_, from, [this](std::string_view name) { return globals_.get(name); });
    std::string text = expansion.word(flag->value);
    auto unset = expansion.unset_names();
    if (text.empty()) {
        fail_at(flag->span, "--platform is empty after expansion",
                unset.empty() ? "give os/architecture, such as linux/amd64" : unset_hint(unset[0]));
    }
    try {
        stage.platform = oci::Platform::parse(text);
    } catch (const Error& error) {
        fail_at(flag->span, error.message(), unset.empty() ? error.hint() : unset_hint(unset[0]));
    }
}

Base StageGraph::base_of_context(const std::string& name, const oci::Platform& platform) const {
    if (request_.empty_contexts.contains(name)) return ScratchBase{};
    return NamedContextBase{name, platform};
}

Base StageGraph::resolve_base(const dockerfile::Instruction& from, SourceStage& stage) {
    Expansion expansion(file_, from, [this](std::string_view name) { return globals_.get(name); });
    std::string name = expansion.word(from.args[0]);
    stage.unset = expansion.unset_names();
    SourceSpan span = file_.span_of(from, from.args[0]);
    if (name.empty()) {
        fail_at(span, fmt::format("FROM has no image: {} is empty", printable(from.args[0])),
                stage.unset.empty() ? "name an image, or scratch" : unset_hint(stage.unset[0]));
    }
    if (!stage.name.empty()) {
        if (auto context = named_context(stage.name)) {
            stage.replaced = true;
            return base_of_context(*context, stage.platform);
        }
    }
    if (const SourceStage* earlier = find_stage(name, stage.index)) {
        stage.needs.insert(earlier->index);
        if (!from.flag("platform")) stage.platform = earlier->platform;
        return StageBase{earlier->index};
    }
    if (name == "scratch") return ScratchBase{};
    if (auto context = named_context(name)) return base_of_context(*context, stage.platform);
    note_misspelt(name, span, stage);
    try {
        oci::Reference::parse(name);
    } catch (const Error& error) {
        fail_at(span, error.message(), stage.unset.empty() ? error.hint() : unset_hint(stage.unset[0]));
    }
    return ImageBase{name, stage.platform};
}

void StageGraph::resolve_sources(size_t index, SourceStage& stage) {
    const auto& instruction = file_.instructions[index];
    if (const dockerfile::Flag* from = instruction.flag("from")) {
        stage.sources.emplace(index, resolve_source(instruction, from->value, from->span, stage));
    }
    if (instruction.name != "RUN") return;
    for (size_t number = 0; number < instruction.flags.size(); number++) {
        const dockerfile::Flag& flag = instruction.flags[number];
        if (flag.name != "mount") continue;
        std::string from = dockerfile::parse_mount(flag.value).from;
        if (from.empty()) continue;
        stage.mounts.push_back({index, number, resolve_source(instruction, from, flag.span, stage), flag.span});
    }
}

CopySource StageGraph::resolve_source(const dockerfile::Instruction& instruction, const std::string& name,
                                      const SourceSpan& span, SourceStage& stage) {
    if (auto index = parse_decimal(name)) return resolve_index(*index, span, stage);
    if (auto context = named_context(name)) {
        if (request_.empty_contexts.contains(*context)) {
            fail_at(span,
                    fmt::format("the build context {} is scratch: there is nothing to copy from it", quoted(name)),
                    "name a stage or an image");
        }
        return NamedContextBase{*context, request_.platform};
    }
    if (const SourceStage* earlier = find_stage(name, stage.index)) {
        stage.needs.insert(earlier->index);
        return StageBase{earlier->index};
    }
    if (equal_ignoring_case(name, stage.name)) {
        fail_at(span, fmt::format("the stage {} cannot copy from itself", quoted(name)), "copy from an earlier stage");
    }
    for (size_t from : froms_) {
        const auto& later = file_.instructions[from];
        if (from <= stage.from || later.args.size() != 3 || !equal_ignoring_case(later.args[2], name)) continue;
        fail_at(span, fmt::format("the stage {} is defined later, in line {}", quoted(name), later.first_line),
                fmt::format("move that stage above this {}", instruction.name));
    }
    if (name == "scratch") {
        fail_at(span, "scratch is empty: there is nothing to copy from it", "name a stage or an image");
    }
    try {
        oci::Reference::parse(name);
    } catch (const Error& error) {
        std::vector<std::string> names;
        for (const SourceStage& earlier : stages_) names.push_back(earlier.name);
        fail_at(span, fmt::format("{} is no stage, and no image: {}", quoted(name), error.message()),
                dockerfile::suggest(name, names, "", error.hint()));
    }
    note_misspelt(name, span, stage);
    return ImageBase{name, request_.platform};
}

// What has a tag, a digest, a host or a directory is meant as an image.
void StageGraph::note_misspelt(const std::string& name, const SourceSpan& span, SourceStage& stage) const {
    constexpr size_t most = 100;
    if (name.find_first_of("./:@") != std::string::npos || is_common_image(name) || stage.misspelt.size() >= most)
        return;
    std::vector<std::string> names;
    for (const SourceStage& earlier : stages_) {
        if (!earlier.name.empty()) names.push_back(earlier.name);
    }
    std::string hint = dockerfile::suggest(name, names, "", "");
    if (!hint.empty()) stage.misspelt.push_back({name, span, std::move(hint)});
}

std::string StageGraph::unset_hint(const std::string& name) const {
    const bool in_stage =
        std::any_of(file_.instructions.begin(), file_.instructions.end(), [&](const auto& instruction) {
            return instruction.name == "ARG" &&
                   std::any_of(instruction.args.begin(), instruction.args.end(),
                               [&](const std::string& arg) { return arg.substr(0, arg.find('=')) == name; });
        });
    if (in_stage) return fmt::format("FROM sees only ARGs before the first FROM: give ARG {} a default there", name);
    std::vector<std::string> names;
    for (const auto& [known, value] : globals_.values()) names.push_back(known);
    return dockerfile::suggest(
        name, names, "",
        fmt::format("{} is not set: give --build-arg {}=VALUE, or ARG {}=VALUE before the first FROM", name, name,
                    name));
}

CopySource StageGraph::resolve_index(uint64_t index, const SourceSpan& span, SourceStage& stage) const {
    if (index >= static_cast<uint64_t>(stage.index)) {
        std::string hint = stage.index == 0 ? "this is stage 0: there is none before it"
                                            : fmt::format("stages 0 to {} are above this line", stage.index - 1);
        fail_at(span, fmt::format("there is no stage {} before this one", index), hint);
    }
    stage.needs.insert(static_cast<int>(index));
    return StageBase{static_cast<int>(index)};
}

std::optional<std::string> StageGraph::named_context(const std::string& name) const {
    if (request_.named_contexts.empty() || equal_ignoring_case(name, "scratch") ||
        equal_ignoring_case(name, "context")) {
        return std::nullopt;
    }
    if (request_.named_contexts.count(name)) return name;
    for (const std::string& context : request_.named_contexts) {
        if (comparable(context) == comparable(name)) return context;
    }
    return std::nullopt;
}

const SourceStage* StageGraph::find_stage(const std::string& name, int before) const {
    for (int i = before; i-- > 0;) {
        if (!stage(i).name.empty() && equal_ignoring_case(stage(i).name, name)) return &stage(i);
    }
    return nullptr;
}

int StageGraph::find_target() const {
    const std::string& target = request_.target;
    if (target.empty()) return size() - 1;
    if (const SourceStage* found = find_stage(target, size())) return found->index;
    auto index = parse_decimal(target);
    if (index && *index < stages_.size()) return static_cast<int>(*index);
    std::vector<std::string> names, shown;
    for (const SourceStage& stage : stages_) {
        if (!stage.name.empty()) names.push_back(stage.name);
        shown.push_back(stage.name.empty() ? fmt::format("{} (without a name)", stage.index) : stage.name);
    }
    std::string known = fmt::format("its stages are {}", join(shown, ", "));
    if (size() == 1)
        known = names.empty() ? "it has one stage, which has no name: leave --target out"
                              : fmt::format("its only stage is {}", names[0]);
    throw Error(ErrorKind::not_found, fmt::format("{} has no stage {}", quoted(file_.file), quoted(target)))
        .hint(dockerfile::suggest(target, names, "", known));
}

void StageGraph::collect_needed() {
    std::set<int> needed = {find_target()};
    // What a stage needs has a lower number, so one pass downwards sees everything.
    for (int i = *needed.begin(); i >= 0; i--) {
        if (needed.count(i)) needed.insert(stage(i).needs.begin(), stage(i).needs.end());
    }
    needed_.assign(needed.begin(), needed.end());
}

}  // namespace gbuild::plan
