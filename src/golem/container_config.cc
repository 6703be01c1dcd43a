#include "gbuild/golem/container_config.h"

#include <fmt/format.h>

#include "gbuild/base/error.h"
#include "gbuild/base/text.h"
#include "gbuild/oci/container_json.h"

namespace gbuild::golem {

namespace {

using nlohmann::ordered_json;

void check_numeric(std::string_view user) {
    if (user.empty()) return;
    size_t colon = user.find(':');
    bool numeric = parse_decimal(user.substr(0, colon)).has_value() &&
                   (colon == std::string_view::npos || parse_decimal(user.substr(colon + 1)).has_value());
    if (!numeric) throw Error(ErrorKind::internal, fmt::format("the trailer's user {} is not numeric", quoted(user)));
}

void check_image_id(std::string_view id) {
    bool hex = id.size() == 64 && id.find_first_not_of("0123456789abcdef") == std::string_view::npos;
    if (!hex) throw Error(ErrorKind::internal, fmt::format("{} is no image id", quoted(id)));
}

// Docker's order; the VM's runtime knows no StartInterval.
ordered_json healthcheck_json(const oci::Healthcheck& check) {
    ordered_json object = ordered_json::object();
    if (!check.test.empty()) object["Test"] = check.test;
    if (check.interval != 0) object["Interval"] = check.interval;
    if (check.timeout != 0) object["Timeout"] = check.timeout;
    if (check.retries != 0) object["Retries"] = check.retries;
    if (check.start_period != 0) object["StartPeriod"] = check.start_period;
    return object;
}

ordered_json set_json(const std::set<std::string>& names) {
    ordered_json object = ordered_json::object();
    for (const auto& name : names) object[name] = ordered_json::object();
    return object;
}

// JSON is UTF-8: other bytes would have to become something else, and a volume would not be the directory it names.
void require_utf8(const std::string& field, const ordered_json& value) {
    auto check = [&](const std::string& text) {
        if (is_utf8(text)) return;
        throw Error(ErrorKind::dockerfile,
                    fmt::format("{} {} is not UTF-8, which a .gvmi's configuration has to be", field, quoted(text)))
            .hint("write it in UTF-8; names of files in the image may be any bytes");
    };
    if (value.is_string()) check(value.get_ref<const std::string&>());
    if (!value.is_structured()) return;
    for (const auto& [key, inner] : value.items()) {
        if (value.is_object()) check(key);
        require_utf8(field, inner);
    }
}

}  // namespace

std::string to_trailer_json(const oci::ContainerConfig& config, std::string_view image_id) {
    check_numeric(config.user);
    check_image_id(image_id);
    ordered_json root = ordered_json::object();
    root["Domainname"] = "";
    if (!config.user.empty()) root["User"] = config.user;
    root["AttachStdin"] = false;
    root["AttachStdout"] = false;
    root["AttachStderr"] = false;
    if (!config.exposed_ports.empty()) root["ExposedPorts"] = set_json(config.exposed_ports);
    root["Tty"] = false;
    root["OpenStdin"] = false;
    root["StdinOnce"] = false;
    if (!config.env.empty()) root["Env"] = config.env;
    if (config.cmd) root["Cmd"] = *config.cmd;
    if (config.healthcheck) root["Healthcheck"] = healthcheck_json(*config.healthcheck);
    if (config.args_escaped) root["ArgsEscaped"] = true;
    root["Image"] = image_id;
    if (!config.volumes.empty()) root["Volumes"] = set_json(config.volumes);
    root["WorkingDir"] = config.working_dir;
    if (config.entrypoint) root["Entrypoint"] = *config.entrypoint;
    if (!config.on_build.empty()) root["OnBuild"] = config.on_build;
    root["Labels"] = config.labels;
    if (!config.stop_signal.empty()) root["StopSignal"] = config.stop_signal;
    if (config.stop_timeout) root["StopTimeout"] = *config.stop_timeout;
    if (config.shell) root["Shell"] = *config.shell;
    for (const auto& [field, value] : root.items()) require_utf8(field, value);
    return oci::dump_json(root);
}

TrailerConfig parse_trailer_json(std::string_view json) {
    nlohmann::json document = oci::parse_json(json, "trailer");
    oci::JsonValue root(document, "trailer");
    TrailerConfig trailer;
    oci::ContainerReading reading = oci::read_container_config(root);
    // The provider's reader would fail at it.
    if (!reading.wrong_type.empty()) throw Error(ErrorKind::integrity, "trailer: " + reading.wrong_type);
    trailer.config = std::move(reading.config);
    if (auto image = root.get("Image")) {
        std::string_view id = image->string();
        if (id.starts_with("sha256:")) id.remove_prefix(std::string_view("sha256:").size());
        trailer.image_id = id;
    }
    return trailer;
}

}  // namespace gbuild::golem
