// The chunks of an image on their way to the registry, several at a time.
#pragma once

#include <atomic>
#include <exception>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <vector>

#include "gbuild/base/synchronized.h"
#include "registry_api.h"
#include "upload_meter.h"

namespace gbuild::publish {

struct UploadSource {
    const golem::Descriptor& descriptor;
    const std::string& id;
    std::shared_ptr<const registry::BlobContent> file;
};

class ChunkUpload {
  public:
    enum class End {
        accepted,         // all of them
        descriptor_lost,  // the registry does not know what they are of any more
    };

    // All of these must outlive the upload.
    ChunkUpload(RegistryApi& api, const UploadSource& source, UploadMeter& meter) :
        api_(api), source_(source), meter_(meter), accepted_(std::vector<bool>(source.descriptor.chunks.size())) {}

    // Sends these chunks in order, `workers` at a time. Throws the first failure; what was accepted counts.
    End run(const std::vector<size_t>& numbers, unsigned workers, const std::stop_token& stop);
    // Whether the registry took it, from this object or (as it says) before a lost answer.
    bool is_accepted(size_t number);
    // The registry has lost everything.
    void forget();

  private:
    struct Round;
    void work(Round& round);
    void send(size_t number, Round& round);
    void refused(const registry::ApiAnswer& answer, size_t number, Round& round);
    bool is_there(size_t number, Round& round);
    void check_source(size_t number) const;
    void accept(size_t number);

    RegistryApi& api_;
    const UploadSource& source_;
    UploadMeter& meter_;
    Synchronized<std::vector<bool>> accepted_;
};

}  // namespace gbuild::publish
