#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

/// Event files as TensorBoard reads them: TFRecords of `tensorflow.Event` messages, of which Lapel writes three kinds.
/// Formats: https://www.tensorflow.org/tutorials/load_data/tfrecord, and TensorFlow's event.proto and summary.proto.
namespace lapel::formats {

/// The record with which a file begins. `wall_time` in all of them: seconds since 1970.
[[nodiscard]] std::string event_file_start(double wall_time);
/// One number of a curve.
[[nodiscard]] std::string scalar_event(std::string_view tag, double value, std::int64_t step, double wall_time);
/// A picture, as the bytes of a PNG file. Throws Error (kData) where they are none.
[[nodiscard]] std::string image_event(std::string_view tag, std::span<const std::uint8_t> png, std::int64_t step,
                                      double wall_time);

}  // namespace lapel::formats
