// How images are written to directories for commands to run on.
#pragma once

#include <string>

#include "gbuild/layer/directory.h"
#include "gbuild/pack/pack.h"

namespace gbuild::build {

// What the isolation of commands asks of the files that they see.
struct ExtractionForm {
    layer::Ownership ownership = layer::Ownership::apply;
    std::string owners;  // stands for how owners are on disk: part of a directory's name
};

// The reader must outlive it.
layer::ExtractOptions extraction_options(layer::Ownership ownership, pack::ContentReader& contents);

}  // namespace gbuild::build
