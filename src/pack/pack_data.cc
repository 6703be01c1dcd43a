#include "pack_data.h"

#include <fmt/format.h>
#include <libdeflate.h>

#include <algorithm>
#include <cstring>

#include "gbuild/base/error.h"
#include "pack_format.h"

namespace gbuild::pack {

PackData::PackData(const Pack& pack) : pack_(pack) {}

std::span<const std::byte> PackData::run(uint64_t position, uint64_t length) {
    if (position > pack_.data_end() || length > pack_.data_end() - position) {
        throw Error(ErrorKind::internal, "bytes outside a pack's data are asked for");
    }
    const uint64_t region = position / pack_region_size;
    if (loaded_ != region) load(region);
    const uint64_t offset = position % pack_region_size;
    return {bytes_.get() + offset, static_cast<size_t>(std::min(length, pack_region_size - offset))};
}

void PackData::load(uint64_t region) {
    if (!bytes_) bytes_ = std::make_unique_for_overwrite<std::byte[]>(std::min(pack_region_size, pack_.data_end()));
    loaded_.reset();
    const uint64_t start = region * pack_region_size;
    const std::span bytes(bytes_.get(), static_cast<size_t>(std::min(pack_region_size, pack_.data_end() - start)));
    try {
        pack_.read(bytes, start);
        if (libdeflate_crc32(0, bytes.data(), bytes.size()) != pack_.region_sums()[region]) {
            throw Error(ErrorKind::integrity,
                        fmt::format("the pack is damaged: the {} bytes from offset {} on do not match their checksum",
                                    bytes.size(), start))
                .hint("remove it from the store; the next build packs the layer anew");
        }
    } catch (const Error&) {
        pack_.set_damaged();
        throw;
    }
    loaded_ = region;
}

BlockReader::Read PackData::reader() {
    return [this](std::span<std::byte> out, uint64_t position) {
        while (!out.empty()) {
            const std::span<const std::byte> bytes = run(position, out.size());
            std::memcpy(out.data(), bytes.data(), bytes.size());
            out = out.subspan(bytes.size());
            position += bytes.size();
        }
    };
}

}  // namespace gbuild::pack
