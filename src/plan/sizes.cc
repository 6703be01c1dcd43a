#include "sizes.h"

#include "gbuild/oci/manifest.h"

namespace gbuild::plan {

namespace {

constexpr size_t max_plan_size = size_t{256} << 20;

[[noreturn]] void fail_too_large(const SourceSpan& span) {
    throw Error(ErrorKind::limit, "the configuration of the image grows too large")
        .hint("set fewer and shorter variables, labels, commands, volumes and ports")
        .at(span);
}

template <class Texts>
size_t sum_of(const Texts& texts) {
    size_t sum = 0;
    for (const std::string& text : texts) sum += size_of(text);
    return sum;
}

size_t sum_of(const std::optional<std::vector<std::string>>& texts) { return texts ? sum_of(*texts) : 0; }

size_t sum_of(const std::map<std::string, std::string>& pairs) {
    size_t sum = 0;
    for (const auto& [name, value] : pairs) sum += size_of(name) + size_of(value);
    return sum;
}

size_t held_by(const ConfigStep&) { return 0; }
size_t held_by(const WorkdirStep& step) { return size_of(step.path); }
size_t held_by(const CopyStep& step) {
    size_t sum = sum_of(step.paths) + sum_of(step.exclude) + size_of(step.destination);
    for (const InlineFile& file : step.inline_files) sum += size_of(file.name) + size_of(file.contents);
    return sum;
}
size_t held_by(const RunStep& step) {
    size_t sum = sum_of(step.args) + sum_of(step.arg_environment);
    for (const RunMount& mount : step.mounts) {
        sum += sizeof mount + mount.path.size() + mount.target.size() + mount.id.size();
    }
    for (const dockerfile::Heredoc& heredoc : step.heredocs) sum += size_of(heredoc.contents);
    return sum;
}

}  // namespace

size_t size_of(const std::string& text) {
    constexpr size_t container_cost = 64;
    return text.size() + container_cost;
}

size_t size_of(const oci::ContainerConfig& config) {
    return sum_of(config.env) + sum_of(config.labels) + sum_of(config.volumes) + sum_of(config.exposed_ports) +
           sum_of(config.on_build) + sum_of(config.entrypoint) + sum_of(config.cmd) + sum_of(config.shell) +
           (config.healthcheck ? sum_of(config.healthcheck->test) : 0) + size_of(config.user) +
           size_of(config.working_dir) + size_of(config.stop_signal);
}

size_t size_of(const Step& step) {
    return size_of(step.text) + size_of(step.expanded) +
           std::visit([](const auto& action) { return held_by(action); }, step.action);
}

void PlanSize::add(const oci::ContainerConfig& config, size_t rest, const SourceSpan& span) {
    const size_t size = size_of(config);
    if (size > oci::max_config_size) fail_too_large(span);
    sum_ += size + rest;
    if (sum_ > max_plan_size) fail_too_large(span);
}

}  // namespace gbuild::plan
