#include "gbuild/oci/json.h"

#include <limits>

#include <fmt/format.h>

#include "gbuild/base/text.h"

namespace gbuild::oci {

namespace {

constexpr size_t longest_shown = 80;

std::string shown(std::string_view text) {
    if (text.size() <= longest_shown) return quoted(text);
    return quoted(text.substr(0, longest_shown)) + "…";
}

}  // namespace

nlohmann::json parse_json(std::string_view text, std::string_view what, const JsonLimits& limits) {
    if (text.size() > limits.bytes) {
        throw Error(ErrorKind::limit, fmt::format("{} of {} is larger than the {} allowed", what,
                                                  human_size(text.size()), human_size(limits.bytes)));
    }
    size_t values = 0;
    // The parser keeps its own stack, but copying and printing a value recurse: depth is bounded here for good.
    auto count = [&](int depth, nlohmann::json::parse_event_t event, nlohmann::json&) {
        using Event = nlohmann::json::parse_event_t;
        bool start = event == Event::array_start || event == Event::object_start;
        if (start && depth >= limits.depth) {
            throw Error(ErrorKind::limit, fmt::format("{} is nested deeper than {} levels", what, limits.depth));
        }
        if ((start || event == Event::value) && ++values > limits.values) {
            throw Error(ErrorKind::limit, fmt::format("{} has more than {} values", what, limits.values));
        }
        return true;
    };
    try {
        return nlohmann::json::parse(text, count);
    } catch (const nlohmann::json::parse_error& error) {
        throw Error(ErrorKind::integrity, fmt::format("{} is not valid JSON (byte {})", what, error.byte));
    } catch (const nlohmann::json::exception&) {
        // A number beyond the range of a double.
        throw Error(ErrorKind::integrity, fmt::format("{} holds a number that is out of range", what));
    }
}

void JsonValue::fail(std::string_view problem, ErrorKind kind) const {
    if (path_.empty()) throw Error(kind, fmt::format("{}: {}", what_, problem));
    throw Error(kind, fmt::format("{}: {}: {}", what_, path_, problem));
}

void JsonValue::wrong_type(std::string_view wanted) const {
    fail(fmt::format("must be {}, not {}", wanted, value_->type_name()));
}

void JsonValue::require_object() const {
    if (!value_->is_object()) wrong_type("an object");
}

JsonValue JsonValue::child(const nlohmann::json& value, std::string_view step) const {
    std::string path = path_;
    if (!path.empty() && !step.starts_with('[')) path += '.';
    path += step;
    return {value, what_, std::move(path)};
}

bool JsonValue::has(std::string_view key) const { return value_->is_object() && value_->find(key) != value_->end(); }

std::optional<JsonValue> JsonValue::get(std::string_view key) const {
    require_object();
    auto found = value_->find(key);
    if (found == value_->end() || found->is_null()) return std::nullopt;
    return child(*found, key);
}

JsonValue JsonValue::require(std::string_view key) const {
    auto found = get(key);
    if (!found) child(*value_, key).fail("is missing");
    return *found;
}

std::vector<JsonValue> JsonValue::elements(size_t cap) const {
    if (!value_->is_array()) wrong_type("an array");
    if (value_->size() > cap) {
        fail(fmt::format("has {} elements, more than the {} allowed", value_->size(), cap), ErrorKind::limit);
    }
    std::vector<JsonValue> result;
    result.reserve(value_->size());
    for (size_t i = 0; i < value_->size(); i++) result.push_back(child((*value_)[i], fmt::format("[{}]", i)));
    return result;
}

std::vector<std::pair<std::string, JsonValue>> JsonValue::members() const {
    require_object();
    std::vector<std::pair<std::string, JsonValue>> result;
    result.reserve(value_->size());
    for (const auto& [key, value] : value_->items()) {
        // The key becomes a path, a variable or a label.
        if (key.find('\0') != std::string::npos) fail("has a member with a NUL in its name");
        result.emplace_back(key, child(value, '[' + shown(key) + ']'));
    }
    return result;
}

const std::string& JsonValue::string() const {
    if (!value_->is_string()) wrong_type("a string");
    const auto& text = value_->get_ref<const std::string&>();
    if (text.find('\0') != std::string::npos) fail("must not contain a NUL");
    return text;
}

bool JsonValue::boolean() const {
    if (!value_->is_boolean()) wrong_type("true or false");
    return value_->get<bool>();
}

int64_t JsonValue::integer() const {
    constexpr auto max = static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
    bool too_large = value_->is_number_unsigned() && value_->get<uint64_t>() > max;
    if (!value_->is_number_integer() || too_large) {
        if (!value_->is_number()) wrong_type("an integer");
        fail(fmt::format("must be an integer of 64 bits, not {}", value_->dump()));
    }
    return value_->get<int64_t>();
}

uint64_t JsonValue::size() const {
    int64_t value = integer();
    if (value < 0) fail(fmt::format("must not be negative, but is {}", value));
    return static_cast<uint64_t>(value);
}

Digest JsonValue::digest() const {
    const auto& text = string();
    auto digest = Digest::parse(text);
    if (!digest) fail(fmt::format("{} is no sha256 or sha512 digest", shown(text)));
    return *digest;
}

std::vector<std::string> JsonValue::strings(size_t cap) const {
    std::vector<std::string> result;
    for (const auto& element : elements(cap)) result.push_back(element.string());
    return result;
}

std::map<std::string, std::string> JsonValue::string_map() const {
    std::map<std::string, std::string> result;
    for (const auto& [key, value] : members()) result[key] = value.is_null() ? std::string() : value.string();
    return result;
}

}  // namespace gbuild::oci
