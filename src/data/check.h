#pragma once

#include <string_view>

#include "lapel/data.h"

namespace lapel::data {

/// Data of a caller's own may say one thing and hold another. Throw Error (kData) with `part` as the place: where there
/// are not as many pixels as count and sizes say, nor a label for each picture, or where a label is beyond the classes.
void check_whole(const Pictures& pictures, std::string_view part);
void check_whole(const LabeledPictures& pictures, std::string_view part);
void check_whole(const DataSet& data);
/// Labels alone.
void check_labels(const DataSet& data);

}  // namespace lapel::data
