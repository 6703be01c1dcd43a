#include "block_reader.h"
#include "gbuild/base/content_run.h"
#include "gbuild/base/error.h"
#include "pack_data.h"

namespace gbuild::pack {

namespace {

// As BlockProducer makes it: of a file's size, then of what stands for each block, or for a run of holes, and the rest.
class FileDigest {
  public:
    explicit FileDigest(uint64_t size) { hasher_.update(std::as_bytes(std::span(&size, 1))); }

    void add(const ContentRun& run, uint32_t block_size) {
        if (run.zeros > 0) {
            holes_ += run.zeros / block_size;
        } else if (run.bytes.size() == block_size && all_zero(run.bytes)) {
            holes_++;
        } else {
            end_holes();
            hasher_.update(sha256(run.bytes));
        }
    }
    Sha256Sum finish() {
        end_holes();
        Sha256Sum sum;
        hasher_.finish(sum);
        return sum;
    }

  private:
    void end_holes() {
        if (holes_ == 0) return;
        hasher_.update(Sha256Sum{});
        hasher_.update(std::as_bytes(std::span(&holes_, 1)));
        holes_ = 0;
    }

    Hasher hasher_{HashAlgorithm::sha256};
    uint64_t holes_ = 0;
};

Sha256Sum digest_of(BlockReader& reader, const ContentPlace& place) {
    FileDigest digest(place.size);
    read_content(reader, place, [&](const ContentRun& run) { digest.add(run, reader.block_size()); });
    return digest.finish();
}

}  // namespace

bool Pack::holds_its_contents() const {
    try {
        PackData data(*this);
        BlockReader reader(data.reader(), options().codec, options().block_size, data_end(), "the pack");
        for (uint32_t number = 0; number < file_count(); number++) {
            const PackedFile file = this->file(number);
            if (digest_of(reader, place_of(*this, file)) != file.digest) return false;
        }
    } catch (const Error&) {
        return false;
    }
    return is_whole();
}

}  // namespace gbuild::pack
