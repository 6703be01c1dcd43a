#include "block_job.h"

#include "pack_format.h"

namespace gbuild::pack {

std::span<const std::byte> Block::disk() const {
    return compressed > 0 ? std::span<const std::byte>(out.get(), compressed)
                          : std::span<const std::byte>(in.get(), size);
}

uint32_t Block::disk_size() const { return compressed > 0 ? static_cast<uint32_t>(compressed) : size | stored_bit; }

}  // namespace gbuild::pack
