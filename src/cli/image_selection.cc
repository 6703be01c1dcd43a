#include "gbuild/cli/image_selection.h"

#include <algorithm>

#include <fmt/format.h>

#include "gbuild/base/error.h"
#include "gbuild/base/text.h"
#include "gbuild/cli/image_argument.h"
#include "gbuild/cli/store_items.h"

namespace gbuild::cli {

namespace {

// "*" is any text.
bool matches(std::string_view pattern, std::string_view text) {
    size_t star = std::string_view::npos, mark = 0, p = 0, t = 0;
    while (t < text.size()) {
        if (p < pattern.size() && pattern[p] == '*') {
            star = p++;
            mark = t;
        } else if (p < pattern.size() && pattern[p] == text[t]) {
            p++;
            t++;
        } else if (star != std::string_view::npos) {
            p = star + 1;
            t = ++mark;
        } else {
            return false;
        }
    }
    return pattern.find_first_not_of('*', p) == std::string_view::npos;
}

bool is_named(const store::ImageRecord& record, const std::string& name) {
    const std::string full = record.repository + ":" + record.tag;
    return matches(name, record.repository) || matches(name, full) ||
           (name.size() >= 4 && record.image_id.starts_with(name));
}

bool is_any(const store::ImageRecord& record, const std::vector<std::string>& names) {
    return names.empty() ||
           std::any_of(names.begin(), names.end(), [&](const std::string& name) { return is_named(record, name); });
}

[[noreturn]] void refuse_filter(const std::string& text, const std::string& problem, const std::string& hint) {
    throw Error(ErrorKind::usage, fmt::format("--filter {}: {}", quoted(text), problem)).hint(hint);
}

constexpr const char* known_filters =
    "the filters are reference=NAME, before=IMAGE, since=IMAGE, until=TIME and dangling=true";

int64_t created(const std::string& image, const std::filesystem::path& root) {
    const auto records = find_images(image, root);
    if (!records.empty()) return records.front().created;
    throw Error(ErrorKind::not_found, fmt::format("no image has the name or id {}", quoted(image)))
        .hint("gbuild images lists names and ids");
}

}  // namespace

ImageSelection::ImageSelection(const std::vector<std::string>& names, const std::vector<std::string>& filters,
                               const std::filesystem::path& root, int64_t now) :
    names_(names) {
    for (const std::string& filter : filters) add_filter(filter, root, now);
}

void ImageSelection::add_filter(const std::string& text, const std::filesystem::path& root, int64_t now) {
    const size_t equals = text.find('=');
    if (equals == std::string::npos) refuse_filter(text, "not KEY=VALUE", known_filters);
    const std::string key = text.substr(0, equals), value = text.substr(equals + 1);
    if (key == "reference") {
        references_.push_back(value);
    } else if (key == "before") {
        before_ = std::min(before_.value_or(INT64_MAX), created(value, root));
    } else if (key == "since" || key == "after") {
        since_ = std::max(since_.value_or(INT64_MIN), created(value, root));
    } else if (key == "until") {
        const auto time = parse_rfc3339(value);
        before_ = std::min(before_.value_or(INT64_MAX), time ? *time : now - parse_age(value, "--filter until"));
    } else if (key == "dangling") {
        if (value != "true" && value != "false" && value != "1" && value != "0")
            refuse_filter(text, "neither true nor false", "write dangling=true");
        dangling_ = value == "true" || value == "1";
    } else if (key == "label") {
        refuse_filter(text, "labels are in the images, not in the list",
                      "write gbuild inspect --format '{{json .Config.Labels}}' $(gbuild images -q)");
    } else {
        refuse_filter(text, fmt::format("there is no filter {}", quoted(key)), known_filters);
    }
}

bool ImageSelection::has(const ImageRow& row) const {
    const store::ImageRecord& record = row.record;
    if (before_ && record.created >= *before_) return false;
    if (since_ && record.created <= *since_) return false;
    if (dangling_ && *dangling_ != (row.state != FileState::present)) return false;
    return is_any(record, names_) && is_any(record, references_);
}

}  // namespace gbuild::cli
