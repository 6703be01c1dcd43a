// What a provider does with an image, done here: a machine whose root is the image, and commands in it.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "gbuild/oci/image_config.h"
#include "gbuild/provider/guest.h"
#include "gbuild/sandbox/sandbox.h"
#include "gbuild/store/store.h"

namespace gbuild::provider {

// The versions of a provider's runtime that differ in what a command finds.
enum class Runtime : uint8_t {
    v0_4,  // 128 MiB for changes to the root; the image's environment
    v0_5,  // half of the memory for changes to the root; no environment
};

struct MachineSettings {
    std::string image;  // a .gvmi
    oci::ContainerConfig config;
    Runtime runtime = Runtime::v0_5;
    uint64_t memory = uint64_t{1} << 30;  // bytes
    bool limits_memory = false;           // somebody asked for it: also where that takes more than a number
    unsigned cpus = 1;
    bool outbound = false;                       // reaches the network of this machine
    std::map<std::string, std::string> volumes;  // directories of this machine, by their paths in the other one
    std::string hostname = "golem";
};

// Bytes that changes to the root have room for.
uint64_t root_size(const MachineSettings& settings);

// Its destructor ends it, with all that runs in it.
class Machine {
  public:
    virtual ~Machine() = default;
    virtual Guest& guest() = 0;
    // To be called first: the machine then has its volumes. Throws unsupported for one that it cannot have, and what a
    // Guest throws.
    virtual void prepare() = 0;
    // Of one that ended by itself, waits for it: what it said about that, or "".
    virtual std::string last_words() = 0;
};

// An image's files in the store, as `sandbox` runs commands on them.
struct ExtractedImage {
    store::Snapshot snapshot;
    std::string root;  // the directory with the files
    std::vector<PathRecord> owners;
    bool has_devices = false;
};
// `extracting` is called before an image is extracted that is not there yet. Throws integrity for what is no image.
ExtractedImage extract_image(const std::string& image, const store::Store& store, const sandbox::Sandbox& sandbox,
                             const std::function<void()>& extracting, const std::stop_token& stop);

// A machine made of namespaces. `place` is an empty directory for it. `notice` gets what is not as asked for. Throws
// unsupported where the sandbox has no overlayfs.
std::unique_ptr<Machine> start_sandbox(const MachineSettings& settings, const ExtractedImage& image,
                                       sandbox::Sandbox& sandbox, const std::filesystem::path& place,
                                       const std::function<void(const std::string&)>& notice, std::stop_token stop);

}  // namespace gbuild::provider
