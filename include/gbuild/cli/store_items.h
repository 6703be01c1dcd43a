// How the contents of the store are named and listed.
#pragma once

#include <string>
#include <vector>

#include "gbuild/bases/fsck.h"
#include "gbuild/cli/json_text.h"
#include "gbuild/store/housekeeping.h"

namespace gbuild::cli {

// "1 packed layer", "2 packed layers".
std::string counted(store::ItemKind kind, uint64_t count);
// "blob, pack, …": the words for --kind.
std::string kind_names();
// Throws usage.
store::ItemKind parse_kind(const std::string& text);
// "90s", "12h", "1h30m", "7d", "2w": seconds. Throws usage naming `option`.
int64_t parse_age(const std::string& text, const char* option);

enum class Records { summed_up, each };

// A heading, a line an item, and the sums; `now` is what ages are counted from, in seconds since the epoch.
std::string items_text(const std::vector<store::Item>& items, int64_t now, Records records = Records::each);
Json items_json(const std::vector<store::Item>& items);

// Why the result is what it is is told by the request. One line a kind.
std::string fsck_text(const build::FsckResult& result);
Json fsck_json(const build::FsckResult& result);

std::string prune_text(const store::PruneRequest& request, const store::PruneResult& result);
Json prune_json(const store::PruneRequest& request, const store::PruneResult& result);

}  // namespace gbuild::cli
