// What takes how much in an image: by directory, by step, and twice.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "gbuild/cli/json_text.h"
#include "gbuild/engine/provenance.h"
#include "gbuild/pack/image_reader.h"
#include "gbuild/tree/tree.h"

namespace gbuild::cli {

// A file, or a directory with all that is below it. What has several names counts once, under the first one.
struct Usage {
    std::string name;
    bool is_directory = false;
    uint64_t size = 0;    // bytes of contents
    uint64_t stored = 0;  // what they take in the image, compressed; contents that several files have count once
    uint64_t files = 0;   // files of all kinds that are no directories
    int step = -1;        // that a file comes from; -1: not known
    std::map<int, uint64_t> by_step;  // of a directory: bytes; empty where nothing is known of steps
    std::vector<Usage> children;      // largest first
};

// Files with the same contents, of at least `smallest` bytes.
struct Duplicate {
    static constexpr uint64_t smallest = 4096, largest = uint64_t{1} << 30;
    uint64_t size = 0;  // of each
    bool stored_once = true;
    std::vector<std::string> paths;  // of the image, "/…"
};

struct ImageUsage {
    Usage root;
    std::vector<Duplicate> duplicates;  // the most bytes first
};

enum class Duplicates { find, leave_out };

// `tree` is what `image` read last. Reads the contents of files of equal size when duplicates are to be found. Throws
// integrity, interrupted.
ImageUsage measure(const pack::ImageReader& image, const tree::Tree& tree, const build::Provenance* provenance,
                   Duplicates duplicates, const std::stop_token& stop = {});

// The file or directory at an image path; null when there is none.
const Usage* find_usage(const Usage& root, const std::string& path);

}  // namespace gbuild::cli
