// Places to mount on that an image may not have: made, and removed afterwards without a trace.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <string>
#include <vector>

namespace gbuild::sandbox {

enum class PointType : uint8_t { directory, file };

// Paths are absolute, as the calling process sees them, and lead through no symbolic link. Whatever is made and
// removed, the directories around it keep their mtimes. Throws StageFailure.
class MountPoints {
  public:
    MountPoints() = default;
    MountPoints(const MountPoints&) = delete;
    MountPoints& operator=(const MountPoints&) = delete;

    // Makes what is missing of `path`.
    void make(const std::string& path, PointType type);
    // Removes what make() made, as far as it is empty and still of that kind. Nothing may be mounted there any more.
    void remove();

  private:
    struct Made {
        std::string path;
        PointType type;
    };
    void make_one(const std::string& path, PointType type);
    std::vector<Made> made_;
};

}  // namespace gbuild::sandbox
