#include "gbuild/bases/known_layers.h"

#include <algorithm>

#include <fmt/format.h>

#include "gbuild/base/error.h"
#include "gbuild/pack/pack_store.h"

namespace gbuild::build {

// Packs that are kept open without being looked into.
constexpr size_t most_held = 64;

uint32_t KnownLayers::add(State& state, const Digest& layer, const std::shared_ptr<const pack::Pack>& pack) {
    auto [place, added] = state.numbers.emplace(layer, 0);
    if (!added) return place->second;
    place->second = packs_.add(pack);
    state.layers.emplace(place->second, layer);
    return place->second;
}

uint32_t KnownLayers::add(const Digest& layer, const std::shared_ptr<const pack::Pack>& pack) {
    auto state = state_.lock();
    return add(*state, layer, pack);
}

bool KnownLayers::hold(const Digest& layer) {
    auto state = state_.lock();
    if (state->numbers.contains(layer) || state->held.contains(layer) || state->opened.contains(layer)) return true;
    const std::string key = pack_key(layer, packs_.options());
    if (state->held.size() < most_held) {
        if (auto file = store_.open_pack(key)) return state->held.emplace(layer, std::move(*file)).second;
    } else if (auto pack = pack::open_stored_pack(store_, key, layer, packs_.options())) {
        // Opened as a pack, a small one needs no descriptor.
        return state->opened.emplace(layer, std::move(pack)).second;
    }
    return elsewhere_.has(layer);
}

uint32_t KnownLayers::number_of(const Digest& layer) {
    if (auto number = number_at_hand(layer)) return *number;
    auto pack = elsewhere_.get(layer);
    if (pack) return add(layer, pack);
    state_.lock()->found_damage = true;
    throw Error(ErrorKind::integrity, fmt::format("the layer {} of a step's result is gone", layer.short_hex()));
}

std::optional<uint32_t> KnownLayers::number_at_hand(const Digest& layer) {
    auto state = state_.lock();
    if (auto known = state->numbers.find(layer); known != state->numbers.end()) return known->second;
    if (auto opened = state->opened.extract(layer); !opened.empty()) return add(*state, layer, opened.mapped());
    auto held = state->held.extract(layer);
    if (held.empty()) return std::nullopt;
    try {
        return add(*state, layer, pack::Pack::open(std::move(held.mapped()), packs_.options(), layer));
    } catch (const Error& error) {
        if (error.kind() == ErrorKind::integrity) {
            state->found_damage = true;
            store_.remove_pack(pack_key(layer, packs_.options()));
        }
        throw;
    }
}

Digest KnownLayers::layer_of(uint32_t number) const { return state_.lock()->layers.at(number); }

bool KnownLayers::is_whole(const UniqueFd& file) const {
    try {
        return pack::Pack::open(duplicate(file.get()), packs_.options())->is_whole();
    } catch (const Error&) {
        return false;
    }
}

bool KnownLayers::drop_damaged() const {
    auto state = state_.lock();
    const bool any = std::any_of(state->numbers.begin(), state->numbers.end(),
                                 [&](const auto& known) { return packs_.at(known.second).damaged(); });
    if (!any && !state->found_damage) return false;
    // What damaged one may have damaged others that have not been read yet.
    for (const auto& [layer, number] : state->numbers) {
        if (packs_.at(number).is_whole()) continue;
        store_.remove_pack(pack_key(layer, packs_.options()));
        elsewhere_.drop(layer);
    }
    for (const auto& [layer, file] : state->held) {
        if (!is_whole(file)) store_.remove_pack(pack_key(layer, packs_.options()));
    }
    for (const auto& [layer, pack] : state->opened) {
        if (!pack->is_whole()) store_.remove_pack(pack_key(layer, packs_.options()));
    }
    return true;
}

}  // namespace gbuild::build
