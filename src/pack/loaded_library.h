// Which file a library was loaded from. Another build of it may compress differently.
#pragma once

#include <string>

namespace gbuild::pack {

struct LoadedLibrary {
    std::string build;  // 16 hex digits; the version where the library is part of the program
    std::string file;   // empty where it is part of the program
};

// Found out once. Throws io where the file cannot be read.
const LoadedLibrary& libdeflate_in_use();

}  // namespace gbuild::pack
