#include "pax.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "gbuild/base/error.h"
#include "gbuild/base/text.h"
#include "gbuild/tree/limits.h"

namespace gbuild::layer {
namespace {

constexpr std::string_view schily_prefix = "SCHILY.xattr.";
constexpr std::string_view libarchive_prefix = "LIBARCHIVE.xattr.";

using tree::max_xattr_name;
using tree::max_xattr_value;
using tree::max_xattrs;

// Of the records of global headers that are kept: they apply to every file.
constexpr size_t max_global_size = size_t{64} * 1024;

[[noreturn]] void malformed_header(std::string_view why) {
    throw Error(ErrorKind::integrity, fmt::format("a PAX header is malformed: {}", why));
}

int64_t parse_integer(std::string_view text, std::string_view key) {
    int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error == std::errc::result_out_of_range) malformed_header(fmt::format("{} is beyond 64 bits", key));
    if (error != std::errc() || end != text.data() + text.size()) {
        malformed_header(fmt::format("{} is no number: {}", key, quoted(text.substr(0, 64))));
    }
    return value;
}

struct Record {
    std::string_view key;
    std::string_view value;
};

Record take_record(std::string_view& body) {
    const size_t space = body.find(' ');
    const auto length = space == std::string_view::npos ? std::nullopt : parse_decimal(body.substr(0, space));
    if (!length || *length > body.size() || *length <= space + 1) malformed_header("a record's length is wrong");
    std::string_view record = body.substr(0, *length);
    body.remove_prefix(*length);
    if (record.back() != '\n') malformed_header("a record does not end in a line end");
    record = record.substr(space + 1, record.size() - space - 2);
    const size_t equals = record.find('=');
    if (equals == std::string_view::npos || equals == 0) malformed_header("a record has no key");
    return {record.substr(0, equals), record.substr(equals + 1)};
}

int hex_value(char digit) {
    if (digit >= '0' && digit <= '9') return digit - '0';
    if (digit >= 'A' && digit <= 'F') return digit - 'A' + 10;
    if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
    return -1;
}

// libarchive writes "%XX" for what is not plain text.
std::string decode_percent(std::string_view text) {
    std::string result;
    for (size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '%' && i + 2 < text.size() && hex_value(text[i + 1]) >= 0 && hex_value(text[i + 2]) >= 0) {
            result += static_cast<char>(hex_value(text[i + 1]) * 16 + hex_value(text[i + 2]));
            i += 2;
        } else {
            result += text[i];
        }
    }
    return result;
}

int base64_value(char symbol) {
    if (symbol >= 'A' && symbol <= 'Z') return symbol - 'A';
    if (symbol >= 'a' && symbol <= 'z') return symbol - 'a' + 26;
    if (symbol >= '0' && symbol <= '9') return symbol - '0' + 52;
    if (symbol == '+') return 62;
    if (symbol == '/') return 63;
    return -1;
}

std::string decode_base64(std::string_view text) {
    while (text.ends_with('=')) text.remove_suffix(1);
    std::string result;
    uint32_t bits = 0;
    int count = 0;
    for (const char symbol : text) {
        const int value = base64_value(symbol);
        if (value < 0) malformed_header("an extended attribute is not base64");
        bits = (bits << 6 | static_cast<uint32_t>(value)) & 0xffffff;
        count += 6;
        if (count >= 8) {
            count -= 8;
            result += static_cast<char>(bits >> count & 0xff);
        }
    }
    return result;
}

std::string_view acl_name(std::string_view key) {
    if (key == "SCHILY.acl.access") return "system.posix_acl_access";
    if (key == "SCHILY.acl.default") return "system.posix_acl_default";
    return {};
}

bool is_attribute(std::string_view key) {
    return key.starts_with(schily_prefix) || key.starts_with(libarchive_prefix) || !acl_name(key).empty();
}

// Of the keys that apply to several files.
bool is_in_use(std::string_view key) {
    constexpr std::array<std::string_view, 5> numbers = {"uid", "gid", "mtime", "SCHILY.devmajor", "SCHILY.devminor"};
    return is_attribute(key) || std::find(numbers.begin(), numbers.end(), key) != numbers.end();
}

void check_xattr(const std::string& name, const std::string& value) {
    if (name.empty() || name.find('\0') != std::string::npos)
        malformed_header("an extended attribute has no valid name");
    if (name.size() > max_xattr_name || value.size() > max_xattr_value) {
        throw Error(ErrorKind::limit,
                    fmt::format("extended attribute {} is too large: name {} bytes, value {} bytes",
                                quoted(std::string_view(name).substr(0, 64)), name.size(), value.size()))
            .hint(fmt::format("Linux holds {} and {} bytes", max_xattr_name, max_xattr_value));
    }
}

}  // namespace

PaxRecords PaxRecords::parse(std::string_view body) {
    PaxRecords result;
    while (!body.empty()) {
        const auto [key, value] = take_record(body);
        if (key == "GNU.sparse.offset" || key == "GNU.sparse.numbytes") {
            const bool offset_is_next = result.sparse_numbers_.size() % 2 == 0;
            if ((key == "GNU.sparse.offset") != offset_is_next)
                malformed_header("sparse offsets and lengths do not alternate");
            result.sparse_numbers_.emplace_back(value);
        } else {
            result.records_.insert_or_assign(std::string(key), std::string(value));
        }
    }
    return result;
}

void PaxRecords::add_global(std::string_view body) {
    const PaxRecords header = parse(body);
    if (!header.sparse_numbers_.empty()) malformed_header("a global header with a sparse map");
    for (const auto& [key, value] : header.records_) {
        if (key == "path" || key == "linkpath" || key == "size" || key.starts_with("GNU.sparse.")) {
            throw Error(ErrorKind::unsupported,
                        fmt::format("a global PAX header sets {} for all files", quoted(key.substr(0, 64))));
        }
        if (is_in_use(key)) records_.insert_or_assign(key, value);
    }
    size_t size = 0;
    for (const auto& [key, value] : records_) size += key.size() + value.size();
    if (size > max_global_size) {
        throw Error(ErrorKind::limit,
                    fmt::format("the global PAX headers set attributes of {} for every file", human_size(size)))
            .hint(fmt::format("gbuild takes {} of them", human_size(max_global_size)));
    }
}

std::optional<std::string_view> PaxRecords::find(std::string_view key) const {
    const auto found = records_.find(key);
    if (found == records_.end()) return global_ ? global_->find(key) : std::nullopt;
    if (found->second.empty()) return std::nullopt;
    return found->second;
}

std::optional<int64_t> PaxRecords::number(std::string_view key) const {
    const auto text = find(key);
    if (!text) return std::nullopt;
    return parse_integer(*text, key);
}

std::optional<int64_t> PaxRecords::time(std::string_view key) const {
    const auto text = find(key);
    if (!text) return std::nullopt;
    const size_t point = text->find('.');
    const std::string_view whole = text->substr(0, point);
    const std::string_view fraction = point == std::string_view::npos ? std::string_view() : text->substr(point + 1);
    if (fraction.find_first_not_of("0123456789") != std::string_view::npos) {
        malformed_header(fmt::format("{} is no time", key));
    }
    const bool bare = !fraction.empty() && (whole.empty() || whole == "-");  // ".5"
    const int64_t seconds = bare ? 0 : parse_integer(whole, key);
    // "-0.5" is before the epoch although its whole part is not less than 0.
    const bool below = whole.starts_with('-') && fraction.find_first_not_of('0') != std::string_view::npos;
    if (below && seconds == INT64_MIN) malformed_header(fmt::format("{} is beyond 64 bits", key));
    return below ? seconds - 1 : seconds;
}

std::vector<tree::Xattr> PaxRecords::xattrs() const {
    std::map<std::string_view, std::string_view> records;
    for (const PaxRecords* of : {this, global_}) {
        if (of == nullptr) continue;
        for (const auto& [key, value] : of->records_) {
            if (is_attribute(key)) records.try_emplace(key, value);
        }
    }
    std::map<std::string, std::string> found;
    for (const auto& [key, value] : records) {
        if (key.starts_with(schily_prefix)) {
            found.insert_or_assign(std::string(key.substr(schily_prefix.size())), value);
        } else if (key.starts_with(libarchive_prefix)) {
            found.try_emplace(decode_percent(key.substr(libarchive_prefix.size())), decode_base64(value));
        } else if (const std::string_view name = acl_name(key); !name.empty()) {
            found.try_emplace(std::string(name), value);
        }
    }
    if (found.size() > max_xattrs) {
        throw Error(ErrorKind::limit, fmt::format("a file has {} extended attributes", found.size()))
            .hint(fmt::format("an image holds {} of one file", max_xattrs));
    }
    std::vector<tree::Xattr> result;
    for (auto& [name, value] : found) {
        check_xattr(name, value);
        result.push_back({name, std::move(value)});
    }
    return result;
}

}  // namespace gbuild::layer
