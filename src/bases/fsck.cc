#include "gbuild/bases/fsck.h"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "base_directories.h"
#include "gbuild/base/error.h"
#include "gbuild/base/fd.h"
#include "gbuild/base/text.h"
#include "gbuild/bases/extracted_check.h"
#include "gbuild/pack/pack_store.h"

namespace gbuild::build {

namespace {

using store::Item;
using store::ItemKind;

enum class Verdict { sound, damaged, unknown };
struct Finding {
    Verdict verdict = Verdict::sound;
    std::string what;
};

Finding damaged(std::string what) { return {Verdict::damaged, std::move(what)}; }

// The sound packs of a store by how they were packed, since a tree's are all packed alike, and by layer.
using Packs = std::map<std::string, std::map<Digest, std::filesystem::path>>;

class Fsck {
  public:
    Fsck(const store::Store& store, bool repair, const std::stop_token& stop) :
        store_(store), repair_(repair), stop_(stop) {}

    FsckResult run() {
        std::vector<Item> items = store::list_all(store_.root());
        // Extracted images are compared with packs.
        std::stable_sort(items.begin(), items.end(), [](const Item& a, const Item& b) {
            return (a.kind == ItemKind::snapshot) < (b.kind == ItemKind::snapshot);
        });
        for (const Item& item : items) {
            if (stop_.stop_requested()) throw Error(ErrorKind::interrupted, "interrupted while checking the store");
            take(item, check(item));
        }
        std::sort(result_.problems.begin(), result_.problems.end(),
                  [](const FsckProblem& a, const FsckProblem& b) { return a.item.path < b.item.path; });
        return std::move(result_);
    }

  private:
    Finding check(const Item& item) {
        try {
            switch (item.kind) {
            case ItemKind::blob:
            case ItemKind::record: {
                auto what = store::damage_of(item);
                return what ? damaged(std::move(*what)) : Finding();
            }
            case ItemKind::pack: return check_pack(item);
            case ItemKind::snapshot: return check_snapshot(item);
            case ItemKind::cache:
            case ItemKind::download:
            case ItemKind::git: break;
            }
            return {Verdict::unknown, ""};
        } catch (const Error& error) {
            if (error.kind() == ErrorKind::permission || error.kind() == ErrorKind::unsupported) {
                return {Verdict::unknown, ""};
            }
            if (error.kind() != ErrorKind::integrity && error.kind() != ErrorKind::limit) throw;
            return damaged(error.message());
        }
    }

    void take(const Item& item, Finding finding) {
        (finding.verdict == Verdict::unknown ? result_.unchecked : result_.checked)[item.kind]++;
        if (finding.verdict != Verdict::damaged) return;
        const bool removed = repair_ && store::remove_unused(store_, item);
        result_.problems.push_back({item, std::move(finding.what), removed});
    }

    Finding check_pack(const Item& item) {
        auto file = open_if_exists(item.path);
        if (!file) return {};
        const auto pack = pack::Pack::open_any(std::move(*file));
        const std::string name = item.path.filename().native();
        const bool is_imported = name.ends_with(store::Store::imported_suffix);
        if (!is_imported && name != Digest::of(pack->layer().text() + " " + pack->options_key()).hex()) {
            return damaged(fmt::format("it is the pack of another layer, {}", pack->layer().text()));
        }
        if (!pack->holds_its_contents()) return damaged("a file in it does not have the contents that it should have");
        packs_[(is_imported ? "imported " : "") + pack->options_key()].emplace(pack->layer(), item.path);
        return {};
    }

    Finding check_snapshot(const Item& item) {
        const auto held = store::hold_snapshot(store_, item);
        const auto key = held ? store::snapshot_key(item) : std::nullopt;
        // Of an image whose layers are gone, and of what steps made of one, nothing is left to compare it with.
        const auto layers = key ? snapshot_layers(*key) : std::nullopt;
        if (!layers) return {Verdict::unknown, ""};
        for (const auto& packed : packs_) {
            const auto& packs = packed.second;
            const bool all =
                std::all_of(layers->begin(), layers->end(), [&](const Digest& layer) { return packs.contains(layer); });
            if (!all) continue;
            auto difference = compare(item, *layers, packs);
            return difference ? damaged(std::move(*difference)) : Finding();
        }
        return {Verdict::unknown, ""};
    }

    static std::optional<std::string> compare(const Item& item, const std::vector<Digest>& layers,
                                              const std::map<Digest, std::filesystem::path>& packs) {
        tree::Tree tree;
        std::optional<pack::PackSet> set;
        for (const Digest& layer : layers) {
            auto file = open_if_exists(packs.at(layer));
            if (!file) return std::nullopt;  // removed meanwhile
            const auto pack = pack::Pack::open_any(std::move(*file));
            if (!set) set.emplace(pack->options());
            apply_pack(tree, *pack, set->add(pack), UINT64_MAX);
        }
        if (!set) return std::nullopt;
        pack::ContentReader contents(*set);
        return difference_from(tree, contents, item.path / "files");
    }

    const store::Store& store_;
    bool repair_;
    const std::stop_token& stop_;
    Packs packs_;
    FsckResult result_;
};

}  // namespace

bool FsckResult::is_sound() const {
    return std::all_of(problems.begin(), problems.end(), [](const FsckProblem& problem) { return problem.removed; });
}

FsckResult fsck(const store::Store& store, bool repair, const std::stop_token& stop) {
    FsckResult result = Fsck(store, repair, stop).run();
    // Not least those that root made in somebody else's store.
    store::sweep_locks(store);
    if (repair) store::sweep_leavings(store);
    return result;
}

}  // namespace gbuild::build
