// git's packets (gitprotocol-common(5), "pkt-line Format").
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "wire.h"

namespace gbuild::git {

// A packet with these bytes, of which there may be 65516; and the one that ends a list.
std::string packet(std::string_view bytes);
constexpr std::string_view flush_packet = "0000";

// Reads what a server says. Throws network when that is no packet, ends early or is the server's "ERR", and what the
// channel throws.
class PacketReader {
  public:
    explicit PacketReader(Channel& channel);

    // The next packet's bytes, valid until the next call; nullopt for a flush.
    std::optional<std::string_view> next();
    // The same, for lines: without the newline at the end.
    std::optional<std::string_view> next_line();
    // Whether what comes is a pack itself, not a packet.
    bool is_at_pack();
    // What comes, as it is; empty at the end.
    std::span<const char> next_bytes();
    uint64_t received() const { return received_; }

  private:
    // Makes `size` bytes available, or as many as there are.
    std::string_view peek(size_t size);
    std::string_view take(size_t size);

    Channel& channel_;
    std::vector<char> buffer_;
    size_t start_ = 0, end_ = 0;
    uint64_t received_ = 0;
};

}  // namespace gbuild::git
