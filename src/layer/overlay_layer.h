// Marks of overlayfs on entries of a layer.
#pragma once

#include <sys/stat.h>

#include "held_file.h"

namespace gbuild::layer {

bool is_whiteout(const struct stat& status);  // char device 0:0
bool is_opaque(const HeldFile& directory);
// Whether overlayfs copied it up from a lower layer.
bool is_copy(const HeldFile& directory);
void make_opaque(const HeldFile& directory, const HeldName& file);
// The name must be free.
void make_whiteout(const HeldName& file);

}  // namespace gbuild::layer
