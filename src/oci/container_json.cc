#include "gbuild/oci/container_json.h"

#include "gbuild/base/text.h"

namespace gbuild::oci {

namespace {

using nlohmann::json;

constexpr size_t max_list = 10'000;

std::string read_string(const JsonValue& object, std::string_view key) {
    auto value = object.get(key);
    return value ? value->string() : std::string();
}

// Docker has also written a lone string where it means a list of one.
std::optional<std::vector<std::string>> read_command(const JsonValue& object, std::string_view key) {
    auto value = object.get(key);
    if (!value) return std::nullopt;
    if (value->is_string()) return std::vector{value->string()};
    return value->strings(max_list);
}

std::set<std::string> read_set(const JsonValue& object, std::string_view key) {
    std::set<std::string> result;
    auto value = object.get(key);
    if (!value) return result;
    for (auto& [name, ignored] : value->members()) result.insert(name);
    return result;
}

void read_env(const JsonValue& object, ContainerConfig& config) {
    auto value = object.get("Env");
    if (!value) return;
    for (const auto& element : value->elements(max_list)) {
        std::string_view entry = element.string();
        size_t equals = entry.find('=');
        if (entry.empty() || equals == 0) element.fail("has no variable name");
        config.set_env(entry.substr(0, equals), equals == std::string_view::npos ? "" : entry.substr(equals + 1));
    }
}

std::optional<Healthcheck> read_healthcheck(const JsonValue& object) {
    auto value = object.get("Healthcheck");
    if (!value) return std::nullopt;
    Healthcheck check;
    if (auto test = value->get("Test")) check.test = test->strings(max_list);
    auto number = [&](std::string_view key) {
        auto member = value->get(key);
        return member ? member->integer() : 0;
    };
    check.interval = number("Interval");
    check.timeout = number("Timeout");
    check.start_period = number("StartPeriod");
    check.start_interval = number("StartInterval");
    check.retries = number("Retries");
    return check;
}

json healthcheck_json(const Healthcheck& check) {
    json object = json::object();
    if (!check.test.empty()) object["Test"] = check.test;
    if (check.interval != 0) object["Interval"] = check.interval;
    if (check.timeout != 0) object["Timeout"] = check.timeout;
    if (check.start_period != 0) object["StartPeriod"] = check.start_period;
    if (check.start_interval != 0) object["StartInterval"] = check.start_interval;
    if (check.retries != 0) object["Retries"] = check.retries;
    return object;
}

json set_json(const std::set<std::string>& names) {
    json object = json::object();
    for (const auto& name : names) object[name] = json::object();
    return object;
}

}  // namespace

ContainerConfig read_container_config(const JsonValue& object) {
    ContainerConfig config;
    config.user = read_string(object, "User");
    config.exposed_ports = read_set(object, "ExposedPorts");
    read_env(object, config);
    config.entrypoint = read_command(object, "Entrypoint");
    config.cmd = read_command(object, "Cmd");
    config.volumes = read_set(object, "Volumes");
    config.working_dir = read_string(object, "WorkingDir");
    if (auto labels = object.get("Labels")) config.labels = labels->string_map();
    config.stop_signal = read_string(object, "StopSignal");
    if (auto timeout = object.get("StopTimeout")) config.stop_timeout = timeout->integer();
    config.healthcheck = read_healthcheck(object);
    if (auto triggers = object.get("OnBuild")) config.on_build = triggers->strings(max_list);
    config.shell = read_command(object, "Shell");
    if (auto escaped = object.get("ArgsEscaped")) config.args_escaped = escaped->boolean();
    return config;
}

json container_config_json(const ContainerConfig& config) {
    json object = json::object();
    if (!config.user.empty()) object["User"] = config.user;
    if (!config.exposed_ports.empty()) object["ExposedPorts"] = set_json(config.exposed_ports);
    if (!config.env.empty()) object["Env"] = config.env;
    if (config.entrypoint) object["Entrypoint"] = *config.entrypoint;
    if (config.cmd) object["Cmd"] = *config.cmd;
    if (!config.volumes.empty()) object["Volumes"] = set_json(config.volumes);
    if (!config.working_dir.empty()) object["WorkingDir"] = config.working_dir;
    if (!config.labels.empty()) object["Labels"] = config.labels;
    if (!config.stop_signal.empty()) object["StopSignal"] = config.stop_signal;
    if (config.stop_timeout) object["StopTimeout"] = *config.stop_timeout;
    if (config.healthcheck) object["Healthcheck"] = healthcheck_json(*config.healthcheck);
    if (!config.on_build.empty()) object["OnBuild"] = config.on_build;
    if (config.shell) object["Shell"] = *config.shell;
    if (config.args_escaped) object["ArgsEscaped"] = true;
    return object;
}

}  // namespace gbuild::oci
