#include "gbuild/oci/container_json.h"

#include <cmath>
#include <cstdint>

#include <fmt/format.h>

#include "gbuild/base/text.h"

namespace gbuild::oci {

namespace {

using nlohmann::json;

constexpr size_t max_list = 10'000;
constexpr size_t max_repairs = 10;
constexpr size_t max_shown = 60;

// Reads member by member what others wrote. A member that docker would not have written is repaired where its meaning
// is plain, and else left out: either is noted.
class ContainerReader {
  public:
    explicit ContainerReader(const JsonValue& object) : object_(object) {}

    ContainerReading read() {
        ContainerConfig config;
        config.user = user();
        config.exposed_ports = names("ExposedPorts");
        config.entrypoint = command(object_, "Entrypoint");
        read_env(config);
        config.cmd = command(object_, "Cmd");
        config.volumes = names("Volumes");
        config.working_dir = text_of("WorkingDir");
        config.labels = labels();
        config.stop_signal = text_of("StopSignal");
        if (auto timeout = object_.get("StopTimeout")) config.stop_timeout = number(*timeout);
        config.healthcheck = healthcheck();
        config.on_build = texts("OnBuild");
        config.shell = command(object_, "Shell");
        config.args_escaped = args_escaped();
        if (unnamed_ > 0) repairs_.push_back(fmt::format("and {} more like these", unnamed_));
        return {std::move(config), std::move(repairs_), std::move(wrong_type_)};
    }

  private:
    void note(const JsonValue& value, std::string_view problem, std::string_view remedy = "ignoring it") {
        if (repairs_.size() >= max_repairs)
            unnamed_++;
        else
            repairs_.push_back(fmt::format("{} {}; {}", value.path(), problem, remedy));
    }
    void note_type(const JsonValue& value, std::string_view wanted, std::string_view remedy = "ignoring it") {
        note_unreadable(value, fmt::format("is {} ({}) and not {}", value.raw().type_name(), shown(value), wanted),
                        remedy);
    }
    void note_unreadable(const JsonValue& value, std::string_view problem, std::string_view remedy = "ignoring it") {
        if (wrong_type_.empty()) wrong_type_ = fmt::format("{} {}", value.path(), problem);
        note(value, problem, remedy);
    }
    static std::string shown(const JsonValue& value) {
        std::string text = dump_json(value.raw());
        return text.size() <= max_shown ? printable(text) : printable(text.substr(0, max_shown)) + "…";
    }

    // Go reads null as "".
    std::optional<std::string> text(const JsonValue& value) {
        if (value.is_null()) return "";
        if (value.raw().is_structured()) {
            note_type(value, "a string");
            return std::nullopt;
        }
        if (!value.is_string()) {
            note_type(value, "a string", "reading it as one");
            return dump_json(value.raw());
        }
        const auto& text = value.raw().get_ref<const std::string&>();
        if (text.find('\0') == std::string::npos) return text;
        note_unreadable(value, "contains a NUL");
        return std::nullopt;
    }
    std::string text_of(std::string_view key) {
        auto value = object_.get(key);
        return value ? text(*value).value_or("") : std::string();
    }

    // Ignoring a user that cannot be read would make it root.
    std::string user() {
        auto value = object_.get("User");
        if (!value) return {};
        return value->raw().is_number_integer() ? text(*value).value_or("") : value->string();
    }

    std::optional<int64_t> number(const JsonValue& value) {
        const json& raw = value.raw();
        if (raw.is_number_integer() && (!raw.is_number_unsigned() || raw.get<uint64_t>() <= INT64_MAX)) {
            return raw.get<int64_t>();
        }
        constexpr double exact = 9007199254740992.0;  // 2^53
        std::optional<int64_t> meant;
        if (raw.is_number_float() && std::abs(raw.get<double>()) <= exact) {
            if (std::trunc(raw.get<double>()) == raw.get<double>()) meant = static_cast<int64_t>(raw.get<double>());
        } else if (raw.is_string()) {
            auto digits = parse_decimal(raw.get_ref<const std::string&>());
            if (digits && *digits <= INT64_MAX) meant = static_cast<int64_t>(*digits);
        }
        if (meant)
            note_unreadable(value, fmt::format("is written as {}", shown(value)),
                            fmt::format("reading it as {}", *meant));
        else
            note_type(value, "an integer of 64 bits");
        return meant;
    }

    // The strings of a list, or of a lone string; elements that are none are left out.
    std::vector<std::string> texts(std::string_view key) {
        std::vector<std::string> result;
        auto value = object_.get(key);
        if (!value) return result;
        if (value->raw().is_object()) {
            note_type(*value, "a list");
            return result;
        }
        if (!value->raw().is_array()) {
            if (auto lone = text(*value)) result.push_back(std::move(*lone));
            return result;
        }
        for (const auto& element : value->elements(max_list)) {
            if (auto one = text(element)) result.push_back(std::move(*one));
        }
        return result;
    }

    // Docker has also written a lone string where it means a list of one. A command with a gap would be another one.
    std::optional<std::vector<std::string>> command(const JsonValue& object, std::string_view key) {
        auto value = object.get(key);
        if (!value) return std::nullopt;
        if (value->is_string()) {
            auto lone = text(*value);
            return lone ? std::optional(std::vector{*lone}) : std::nullopt;
        }
        if (!value->raw().is_array()) {
            note_type(*value, "a list of strings");
            return std::nullopt;
        }
        std::vector<std::string> words;
        for (const auto& element : value->elements(max_list)) {
            auto word = text(element);
            if (!word) return std::nullopt;
            words.push_back(std::move(*word));
        }
        return words;
    }

    // The keys of an object, which is Go's set; others write a list.
    std::set<std::string> names(std::string_view key) {
        std::set<std::string> result;
        auto value = object_.get(key);
        if (!value) return result;
        if (value->raw().is_object()) {
            for (auto& [name, ignored] : value->members()) result.insert(name);
            return result;
        }
        note_type(*value, "an object", value->raw().is_array() ? "taking its elements" : "taking it as the only name");
        for (auto& name : texts(key)) result.insert(std::move(name));
        return result;
    }

    std::map<std::string, std::string> labels() {
        std::map<std::string, std::string> result;
        auto value = object_.get("Labels");
        if (!value) return result;
        if (!value->raw().is_object()) {
            note_type(*value, "an object");
            return result;
        }
        for (const auto& [key, label] : value->members()) {
            if (auto said = text(label)) result[key] = std::move(*said);
        }
        return result;
    }

    void read_env(ContainerConfig& config) {
        auto value = object_.get("Env");
        if (!value) return;
        if (!value->raw().is_array()) return note_type(*value, "a list of NAME=VALUE");
        for (const auto& element : value->elements(max_list)) {
            auto entry = text(element);
            if (!entry) continue;
            size_t equals = entry->find('=');
            if (equals == 0 || entry->empty()) {
                note(element, fmt::format("({}) has no variable name", shown(element)));
                continue;
            }
            if (equals == std::string::npos) {
                note(element, fmt::format("({}) has no value", shown(element)), "setting it to the empty string");
                entry->push_back('=');
                equals = entry->size() - 1;
            }
            config.set_env(entry->substr(0, equals), entry->substr(equals + 1));
        }
    }

    std::optional<Healthcheck> healthcheck() {
        auto value = object_.get("Healthcheck");
        if (!value) return std::nullopt;
        if (!value->raw().is_object()) {
            note_type(*value, "an object");
            return std::nullopt;
        }
        Healthcheck check;
        if (auto test = command(*value, "Test")) check.test = std::move(*test);
        auto of = [&](std::string_view key) {
            auto member = value->get(key);
            return member ? number(*member).value_or(0) : 0;
        };
        check.interval = of("Interval");
        check.timeout = of("Timeout");
        check.start_period = of("StartPeriod");
        check.start_interval = of("StartInterval");
        check.retries = of("Retries");
        return check;
    }

    bool args_escaped() {
        auto value = object_.get("ArgsEscaped");
        if (!value) return false;
        if (value->raw().is_boolean()) return value->boolean();
        note_type(*value, "true or false");
        return false;
    }

    const JsonValue& object_;
    std::vector<std::string> repairs_;
    std::string wrong_type_;
    size_t unnamed_ = 0;
};

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

ContainerReading read_container_config(const JsonValue& object) { return ContainerReader(object).read(); }

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
