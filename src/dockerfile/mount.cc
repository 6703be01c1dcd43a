#include "gbuild/dockerfile/mount.h"

#include <algorithm>
#include <array>
#include <limits>
#include <set>
#include <vector>

#include <fmt/format.h>

#include "gbuild/base/csv.h"
#include "gbuild/base/error.h"
#include "gbuild/base/text.h"
#include "gbuild/dockerfile/suggest.h"

namespace gbuild::dockerfile {

namespace {

constexpr std::array<std::string_view, 5> type_names = {"bind", "cache", "tmpfs", "secret", "ssh"};
constexpr std::array<std::string_view, 3> sharing_names = {"shared", "private", "locked"};

[[noreturn]] void refuse(std::string message, std::string hint) {
    throw Error(ErrorKind::dockerfile, std::move(message)).hint(std::move(hint));
}

struct Key {
    std::string name;       // as written, lower case
    std::string canonical;  // "src" → "source"
    std::string value;
    bool has_value = false;
    bool open = false;  // depends on variables that are not known here
};

std::string canonical_key(const std::string& name) {
    if (name == "src") return "source";
    if (name == "dst" || name == "destination") return "target";
    if (name == "ro") return "readonly";
    if (name == "rw") return "readwrite";
    return name;
}

const std::vector<std::string>& known_keys() {
    static const std::vector<std::string> keys = {
        "type", "from", "source",  "src",      "target", "dst",  "destination", "readonly", "ro", "readwrite",
        "rw",   "id",   "sharing", "required", "size",   "mode", "uid",         "gid",      "env"};
    return keys;
}

Key parse_key(const std::string& field) {
    size_t equals = field.find('=');
    Key key;
    key.name = to_lower(field.substr(0, equals));
    key.has_value = equals != std::string::npos;
    if (key.has_value) key.value = field.substr(equals + 1);
    const auto& keys = known_keys();
    if (std::find(keys.begin(), keys.end(), key.name) == keys.end()) {
        refuse(fmt::format("unknown key {} in --mount", quoted(key.name)),
               suggest(key.name, keys, "", fmt::format("the keys are {}", join(keys, ", "))));
    }
    key.canonical = canonical_key(key.name);
    bool alone = key.canonical == "readonly" || key.canonical == "readwrite" || key.name == "required";
    if (!key.has_value && !alone) {
        refuse(fmt::format("{} in --mount has no value", key.name), fmt::format("write {}=VALUE", key.name));
    }
    return key;
}

bool has_variable(std::string_view value) { return value.find('$') != std::string_view::npos; }

[[noreturn]] void bad_value(const Key& key, std::string hint) {
    refuse(fmt::format("{} in --mount cannot be {}", key.name, quoted(key.value)), std::move(hint));
}

bool parse_boolean(const Key& key) {
    static const std::set<std::string> yes = {"1", "t", "T", "true", "TRUE", "True"};
    static const std::set<std::string> no = {"0", "f", "F", "false", "FALSE", "False"};
    if (!key.has_value || yes.count(key.value)) return true;
    if (no.count(key.value)) return false;
    bad_value(key, "it is true or false");
}

uint32_t parse_number(const Key& key) {
    auto number = parse_decimal(key.value);
    if (!number || *number > std::numeric_limits<uint32_t>::max()) bad_value(key, "give a whole number");
    return static_cast<uint32_t>(*number);
}

uint32_t parse_mode(const Key& key) {
    uint32_t mode = 0;
    for (char c : key.value) {
        if (c < '0' || c > '7' || mode > 0777) bad_value(key, "give octal digits, such as 0755");
        mode = mode * 8 + static_cast<uint32_t>(c - '0');
    }
    if (key.value.empty()) bad_value(key, "give octal digits, such as 0755");
    return mode;
}

// "64m", "1.5G", "100": powers of 1024, as docker has them.
uint64_t parse_size(const Key& key) {
    const char* hint = "give bytes, or a number with k, m, g or t";
    std::string text = to_lower(key.value);
    if (!text.empty() && text.back() == 'b') text.pop_back();
    if (text.size() > 1 && text.back() == 'i') text.pop_back();
    int shift = 0;
    if (!text.empty()) {
        size_t unit = std::string_view("kmgtp").find(text.back());
        if (unit != std::string_view::npos) {
            shift = static_cast<int>(unit + 1) * 10;
            text.pop_back();
        }
    }
    size_t point = std::min(text.find('.'), text.size());
    auto whole = parse_decimal(std::string_view(text).substr(0, point));
    if (!whole || *whole > (uint64_t{1} << 62) >> shift) bad_value(key, hint);
    uint64_t size = *whole << shift;
    if (point == text.size()) return size;
    std::string_view digits = std::string_view(text).substr(point + 1);
    auto fraction = parse_decimal(digits);
    if (!fraction || digits.size() > 9) bad_value(key, hint);
    auto part = static_cast<double>(*fraction);
    for (size_t i = 0; i < digits.size(); i++) part /= 10;
    return size + static_cast<uint64_t>(part * static_cast<double>(uint64_t{1} << shift));
}

MountType parse_type(const Key& key) {
    static const std::vector<std::string> names(type_names.begin(), type_names.end());
    auto found = std::find(names.begin(), names.end(), to_lower(key.value));
    if (found == names.end()) {
        bad_value(key, suggest(key.value, names, "", fmt::format("the types are {}", join(names, ", "))));
    }
    return static_cast<MountType>(found - names.begin());
}

MountSharing parse_sharing(const Key& key) {
    static const std::vector<std::string> names(sharing_names.begin(), sharing_names.end());
    auto found = std::find(names.begin(), names.end(), to_lower(key.value));
    if (found == names.end()) {
        bad_value(key, suggest(key.value, names, "", fmt::format("it is one of: {}", join(names, ", "))));
    }
    return static_cast<MountSharing>(found - names.begin());
}

// The keys that only some types take.
bool takes_key(MountType type, const std::string& key) {
    bool has_owner = type == MountType::secret || type == MountType::ssh || type == MountType::cache;
    if (key == "mode" || key == "uid" || key == "gid") return has_owner;
    if (key == "required") return type == MountType::secret || type == MountType::ssh;
    if (key == "size") return type == MountType::tmpfs;
    if (key == "sharing") return type == MountType::cache;
    if (key == "env") return type == MountType::secret;
    if (key == "from") return type == MountType::bind || type == MountType::cache;
    return true;
}

void set_value(Mount& mount, const Key& key) {
    const std::string& name = key.canonical;
    if (name == "from")
        mount.from = key.value;
    else if (name == "source")
        mount.source = key.value;
    else if (name == "target")
        mount.target = key.value;
    else if (name == "id")
        mount.id = key.value;
    else if (name == "env")
        mount.env = key.value;
    else if (name == "readonly")
        mount.read_only = parse_boolean(key);
    else if (name == "readwrite")
        mount.read_only = !parse_boolean(key);
    else if (name == "required")
        mount.required = parse_boolean(key);
    else if (name == "sharing")
        mount.sharing = parse_sharing(key);
    else if (name == "size")
        mount.size = parse_size(key);
    else if (name == "mode")
        mount.mode = parse_mode(key);
    else if (name == "uid")
        mount.uid = parse_number(key);
    else if (name == "gid")
        mount.gid = parse_number(key);
}

std::vector<Key> parse_keys(std::string_view text, const ExpandValue& expand) {
    std::vector<Key> keys;
    const auto fields = split_csv(text);
    if (!fields) refuse("a quote in --mount is not closed", "add the missing \"");
    for (const std::string& field : *fields) {
        Key key = parse_key(field);
        if (key.canonical == "from" && has_variable(key.value)) {
            refuse("from in --mount does not expand variables",
                   "name a stage with FROM and a global ARG (FROM $IMAGE AS name) and mount from that");
        }
        const bool expands = key.has_value && key.canonical != "from";
        if (expand && expands) key.value = expand(key.value);
        key.open = expands && !expand && has_variable(key.value);
        keys.push_back(std::move(key));
    }
    return keys;
}

}  // namespace

std::string_view mount_type_name(MountType type) { return type_names.at(static_cast<size_t>(type)); }
std::string_view mount_sharing_name(MountSharing sharing) { return sharing_names.at(static_cast<size_t>(sharing)); }

Mount parse_mount(std::string_view text, const ExpandValue& expand) {
    const std::vector<Key> keys = parse_keys(text, expand);
    Mount mount;
    bool type_known = true;
    for (const Key& key : keys) {
        if (key.canonical != "type") continue;
        if (key.open)
            type_known = false;
        else
            mount.type = parse_type(key);
    }
    mount.read_only = mount.type != MountType::cache && mount.type != MountType::tmpfs;
    std::set<std::string> given;
    for (const Key& key : keys) {
        given.insert(key.canonical);
        if (type_known && !takes_key(mount.type, key.canonical)) {
            refuse(fmt::format("a {} mount does not take {}", mount_type_name(mount.type), key.name),
                   "remove it, or change the type");
        }
        if (!key.open) set_value(mount, key);
    }
    if (!type_known) return mount;
    if (mount.target == "/") refuse("a mount cannot cover the root directory", "give target a directory below /");
    if (mount.type == MountType::secret) {
        if (!given.count("source") && !given.count("target") && !given.count("id")) {
            refuse("a secret mount needs an id", "add id=NAME");
        }
        if (given.count("source") && given.count("id")) {
            refuse("a secret mount takes source or id, not both", "keep id=NAME");
        }
    }
    return mount;
}

}  // namespace gbuild::dockerfile
