#include "gbuild/cli/store_items.h"

#include <algorithm>
#include <limits>
#include <map>

#include <fmt/format.h>

#include "gbuild/base/error.h"
#include "gbuild/base/text.h"
#include "gbuild/cli/display.h"
#include "gbuild/dockerfile/duration.h"

namespace gbuild::cli {

namespace {

using store::Item;
using store::ItemKind;

const char* noun(ItemKind kind, bool one) {
    switch (kind) {
    case ItemKind::blob: return one ? "blob" : "blobs";
    case ItemKind::pack: return one ? "packed layer" : "packed layers";
    case ItemKind::record: return one ? "record" : "records";
    case ItemKind::snapshot: return one ? "extracted image" : "extracted images";
    case ItemKind::cache: return one ? "cache of RUN" : "caches of RUN";
    case ItemKind::download: return one ? "unfinished download" : "unfinished downloads";
    case ItemKind::git: break;
    }
    return one ? "git repository" : "git repositories";
}

// The digest's or key's beginning is enough to tell them apart, and what a caller needs to find the file.
std::string short_name(const Item& item) { return item.path.filename().native().substr(0, 12); }

struct Sum {
    uint64_t count = 0, bytes = 0;
};
std::map<ItemKind, Sum> sums_of(const std::vector<Item>& items) {
    std::map<ItemKind, Sum> sums;
    for (const Item& item : items) {
        sums[item.kind].count++;
        sums[item.kind].bytes += item.size;
    }
    return sums;
}

uint64_t size_of(const std::vector<Item>& items) {
    uint64_t size = 0;
    for (const Item& item : items) size += item.size;
    return size;
}

std::optional<int64_t> seconds_of(const std::string& text) {
    constexpr int64_t second = 1'000'000'000, day = 86'400;
    const char unit = text.empty() ? '\0' : text.back();
    if (unit == 'd' || unit == 'w') {
        const auto count = parse_decimal(text.substr(0, text.size() - 1));
        if (!count || *count > 100'000) return std::nullopt;
        return static_cast<int64_t>(*count) * (unit == 'w' ? 7 * day : day);
    }
    const auto duration = dockerfile::parse_duration(text);
    if (!duration || *duration < 0) return std::nullopt;
    return *duration / second;
}

}  // namespace

std::string counted(ItemKind kind, uint64_t count) { return fmt::format("{} {}", count, noun(kind, count == 1)); }

std::string kind_names() {
    std::vector<std::string> names;
    for (ItemKind kind : store::all_item_kinds) names.emplace_back(store::kind_name(kind));
    return join(names, ", ");
}

ItemKind parse_kind(const std::string& text) {
    if (auto kind = store::parse_item_kind(text)) return *kind;
    throw Error(ErrorKind::usage, fmt::format("--kind {}: nothing of that kind is in a store", quoted(text)))
        .hint(fmt::format("it is one of {}", kind_names()));
}

int64_t parse_age(const std::string& text, const char* option) {
    if (auto seconds = seconds_of(text)) return *seconds;
    throw Error(ErrorKind::usage, fmt::format("{} {}: not an age", option, quoted(text)))
        .hint("give a number with its unit, such as 90s, 30m, 12h, 7d or 2w");
}

std::string items_text(const std::vector<Item>& items, int64_t now, Records records) {
    // Small, and many: one by one they bury the rest.
    const bool all_records = records == Records::each;
    std::vector<std::vector<std::string>> rows{{"KIND", "NAME", "SIZE", "LAST USED", "WHAT"}};
    for (const Item& item : items) {
        if (!all_records && item.kind == ItemKind::record) continue;
        rows.push_back({std::string(store::kind_name(item.kind)), safe_text(short_name(item)), human_size(item.size),
                        human_age(now - item.last_used), safe_text(item.what)});
    }
    std::string text = format_table(rows);
    for (const auto& [kind, sum] : sums_of(items)) {
        text += fmt::format("{}: {}\n", counted(kind, sum.count), human_size(sum.bytes));
    }
    return text + fmt::format("total: {}\n", human_size(size_of(items)));
}

Json items_json(const std::vector<Item>& items) {
    Json json = Json::array();
    for (const Item& item : items) {
        Json entry{{"kind", store::kind_name(item.kind)},
                   {"name", item.path.filename().native()},
                   {"size", item.size},
                   {"lastUsed", format_rfc3339(item.last_used)}};
        if (!item.what.empty()) entry["what"] = item.what;
        json.push_back(std::move(entry));
    }
    return json;
}

std::string fsck_text(const build::FsckResult& result) {
    std::string text;
    for (const build::FsckProblem& problem : result.problems) {
        text += fmt::format("{} {}: {}{}\n", store::kind_name(problem.item.kind), safe_text(short_name(problem.item)),
                            safe_text(problem.what), problem.removed ? " (removed)" : "");
    }
    for (const auto& [kind, count] : result.checked) text += fmt::format("checked {}\n", counted(kind, count));
    for (const auto& [kind, count] : result.unchecked) {
        text += fmt::format("not checked: {}\n", counted(kind, count));
    }
    if (result.problems.empty()) return text + "nothing is damaged\n";
    const auto removed = std::count_if(result.problems.begin(), result.problems.end(),
                                       [](const build::FsckProblem& problem) { return problem.removed; });
    return text + fmt::format("{} damaged, {} removed\n", result.problems.size(), removed);
}

Json fsck_json(const build::FsckResult& result) {
    Json json{{"sound", result.is_sound()},
              {"checked", Json::object()},
              {"unchecked", Json::object()},
              {"problems", Json::array()}};
    for (const auto& [kind, count] : result.checked) json["checked"][std::string(store::kind_name(kind))] = count;
    for (const auto& [kind, count] : result.unchecked) json["unchecked"][std::string(store::kind_name(kind))] = count;
    for (const build::FsckProblem& problem : result.problems) {
        json["problems"].push_back(Json{{"kind", store::kind_name(problem.item.kind)},
                                        {"name", problem.item.path.filename().native()},
                                        {"problem", problem.what},
                                        {"removed", problem.removed}});
    }
    return json;
}

std::string prune_text(const store::PruneRequest& request, const store::PruneResult& result) {
    std::string text;
    for (const auto& [kind, sum] : sums_of(result.removed)) {
        text += fmt::format("{} {}: {}\n", request.pretend ? "would remove" : "removed", counted(kind, sum.count),
                            human_size(sum.bytes));
    }
    if (text.empty()) text = "nothing to remove\n";
    for (const auto& [kind, sum] : sums_of(result.in_use)) {
        text += fmt::format("kept {}, which a build is using\n", counted(kind, sum.count));
    }
    if (request.max_size && result.left > *request.max_size) {
        text += fmt::format("the store still has {}\n", human_size(result.left));
    }
    return text;
}

Json prune_json(const store::PruneRequest& request, const store::PruneResult& result) {
    return Json{{"dryRun", request.pretend},
                {"removed", items_json(result.removed)},
                {"inUse", items_json(result.in_use)},
                {"freed", size_of(result.removed)},
                {"left", result.left}};
}

}  // namespace gbuild::cli
