#include <algorithm>

#include "block_output.h"
#include "block_producer.h"
#include "gbuild/base/ordered_pool.h"
#include "gbuild/pack/codec.h"
#include "gbuild/pack/pack.h"
#include "slots.h"

namespace gbuild::pack {
namespace {

void write_index(BlockProducer& producer, const WritePackJob& job, BlockOutput& output) {
    const uint64_t data_end = output.position();
    const std::span<const std::byte> entries = producer.entries().bytes();
    const Digest layer = job.layer ? *job.layer : contents_digest_of(entries, producer.finish_files_sum());
    const std::vector<std::byte> head =
        encode_index_head(job.options, layer, output, producer.lists(), producer.files(), producer.entries().count());
    Hasher hasher(HashAlgorithm::sha256);
    hasher.update(head);
    hasher.update(entries);
    Sha256Sum sum;
    hasher.finish(sum);
    output.append(head);
    output.append(entries);
    output.append(encode_pack_trailer(data_end, head.size() + entries.size(), sum));
    output.flush();
}

}  // namespace

void write_pack(tree::EntryStream& entries, const WritePackJob& job, int fd) {
    const PackOptions& options = job.options;
    options.check();
    const unsigned threads = std::max(job.threads, 1u);
    BlockOutput output(fd);
    BlockProducer producer(entries, job);
    {
        OrderedPool<BlockJob, BlockCompressor> pool(
            threads, slots_for(threads, options.block_size), [&] { return make_compressor(options); },
            [](BlockJob& block, BlockCompressor& compressor) {
                if (block.kind != BlockJob::Kind::copy_head) block.compress(compressor);
            },
            [&](BlockJob& block) { output.write(block); });
        pool.run([&](BlockJob& block) { return producer.next(block); });
    }
    write_index(producer, job, output);
}

}  // namespace gbuild::pack
