// Where images and artifacts are sent: a registry (Client::destination), a directory in OCI image layout. The
// counterpart of ImageSource.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>

#include "gbuild/base/digest.h"
#include "gbuild/oci/manifest.h"
#include "gbuild/registry/blob_content.h"

namespace gbuild::registry {

// Bytes of the blob sent so far, from the thread that sends; less than before when an upload had to begin again.
using UploadProgress = std::function<void(uint64_t sent)>;

// Thread-safe: blobs are sent in parallel. Everything throws unauthorized, network, integrity, interrupted, and what
// the local system says (io, no_space, permission).
class ImageDestination {
  public:
    virtual ~ImageDestination() = default;
    // What errors call it: "localhost:5000/team/cache:main", "oci-layout:///srv/cache:main".
    virtual std::string name() const = 0;
    // Whether a blob of this digest and size is there, so that it need not be sent.
    virtual bool has_blob(const oci::Descriptor& blob, std::stop_token stop) = 0;
    // Sends a blob, and comes back when the destination has checked its digest; does not ask before. Retried and
    // resumed as the destination can. `content` has the descriptor's size; integrity when it has another digest.
    virtual void put_blob(const oci::Descriptor& blob, const BlobContent& content, std::stop_token stop,
                          const UploadProgress& progress = {}) = 0;
    // Makes these bytes the manifest that the reference stands for. Everything that it names must have been sent. With
    // a digest in the reference, the bytes must have it (integrity).
    virtual void put_manifest(std::string_view json, const std::string& media_type, std::stop_token stop) = 0;
};

// A directory in OCI image layout, made when it is not there yet, and its entry `tag`
// (org.opencontainers.image.ref.name). At any instant it is a valid layout; what it had before stays, but for the entry
// of that name. Several processes may write to it. A blob that is there in full length is taken to be right. Throws
// conflict for a directory that holds something else, unsupported for another version of the layout.
std::unique_ptr<ImageDestination> open_layout_destination(const std::filesystem::path& directory,
                                                          const std::string& tag);

}  // namespace gbuild::registry
