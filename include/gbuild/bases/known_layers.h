// The layers that a build's trees take contents from, by what they are called in the store and by their packs' numbers.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "gbuild/base/digest.h"
#include "gbuild/base/synchronized.h"
#include "gbuild/pack/pack.h"
#include "gbuild/store/store.h"

namespace gbuild::build {

// Thread-safe. The store and the set must outlive it.
class KnownLayers {
  public:
    // Where layers come from that the store does not have. From any thread.
    struct Elsewhere {
        std::function<bool(const Digest& layer)> has;                               // as far as is known
        std::function<std::shared_ptr<const pack::Pack>(const Digest& layer)> get;  // null when it turns out to be gone
        std::function<void(const Digest& layer)> drop;  // what was got turned out to be damaged
    };
    KnownLayers(const store::Store& store, pack::PackSet& packs, uint64_t max_files, Elsewhere elsewhere) :
        store_(store), packs_(packs), max_files_(max_files), elsewhere_(std::move(elsewhere)) {}

    // That a tree made of them may have.
    uint64_t max_files() const { return max_files_; }

    // The pack's number; that of an earlier one of the layer when there is one.
    uint32_t add(const Digest& layer, const std::shared_ptr<const pack::Pack>& pack);
    // Whether the layer can be had: it is known, elsewhere, or its pack in the store; which is kept open from then on,
    // whoever removes it.
    bool hold(const Digest& layer);
    // Of a layer that is known, held or an image's; throws integrity, having removed the pack, when that turns out to
    // be damaged, and what pulling throws.
    uint32_t number_of(const Digest& layer);
    const pack::Pack& pack(uint32_t number) const { return packs_.at(number); }
    // The reverse.
    Digest layer_of(uint32_t number) const;

    // Whether packs turned out to be damaged or gone; what of that is in the store is removed, so that it is made anew.
    bool drop_damaged() const;

  private:
    struct State {
        std::map<Digest, uint32_t> numbers;
        std::map<uint32_t, Digest> layers;
        std::map<Digest, UniqueFd> held;
        std::map<Digest, std::shared_ptr<const pack::Pack>> opened;  // held, too: once there are many
        bool found_damage = false;
    };
    uint32_t add(State& state, const Digest& layer, const std::shared_ptr<const pack::Pack>& pack);
    std::optional<uint32_t> number_at_hand(const Digest& layer);
    bool is_whole(const UniqueFd& file) const;

    const store::Store& store_;
    pack::PackSet& packs_;
    uint64_t max_files_;
    Elsewhere elsewhere_;
    mutable Synchronized<State> state_;
};

}  // namespace gbuild::build
