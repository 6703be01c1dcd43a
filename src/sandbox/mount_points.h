// Places to mount on that an image may not have: made, and removed afterwards without a trace.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <string>
#include <vector>

namespace gbuild::sandbox {

enum class PointType : uint8_t { directory, file };

// Puts a directory's mtime back to what it was at construction; "" is the root.
class KeptTime {
  public:
    explicit KeptTime(const std::string& directory);
    KeptTime(const KeptTime&) = delete;
    KeptTime& operator=(const KeptTime&) = delete;
    ~KeptTime();

  private:
    std::string path_;
    struct stat before_ {};
    bool known_;
};

// Paths are absolute, as the calling process sees them, and lead through no symbolic link. Whatever is made and
// removed, the directories around it keep their mtimes. Throws StageFailure.
class MountPoints {
  public:
    MountPoints() = default;
    MountPoints(const MountPoints&) = delete;
    MountPoints& operator=(const MountPoints&) = delete;

    // Makes what is missing of `path`.
    void make(const std::string& path, PointType type);
    size_t count() const { return made_.size(); }
    // Removes what make() made, from number `first` on, as far as it is empty and still of that kind. Nothing may be
    // mounted there any more.
    void remove(size_t first = 0);

  private:
    struct Made {
        std::string path;
        PointType type;
    };
    void make_one(const std::string& path, PointType type);
    std::vector<Made> made_;
};

}  // namespace gbuild::sandbox
