#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace lapel::kernels {

/// What a pixel can be.
inline constexpr std::size_t kPixelValues = 256;

/// Numbers of pixels at a place, from 1 on, are divided into runs, each of which has two nodes, or one if it is a
/// single number.
struct PixelRun {
  /// Where its rows end in PixelIndex::rows; they begin where those of the run before end.
  std::uint32_t rows_end = 0;
  std::uint32_t last = 0;  ///< Its last number; its first is the one behind that of the run before, or 1.
};

/// For each place of a picture, which rows of a batch have the same pixel there. The different pixels of a place are
/// numbered: 0 is the one that most rows have, the others follow from dark to bright.
///
/// Where what pixels become is a line for each of a few pieces of all 256 (PixelTable::number_pieces), that of a
/// place's pixels of one piece follows from the darkest and the brightest of them. These, all that are alone in their
/// piece and number 0 are the place's nodes.
///
/// Number 0 is a node of its own whatever its piece: backward takes its gradient as what the others leave of the
/// batch's sum, so that the rows of the most frequent pixel (mostly background) are never read.
class PixelIndex {
 public:
  /// Bytes of memory that an index of `places` and `batch` rows needs.
  [[nodiscard]] static std::size_t bytes(std::size_t places, std::size_t batch);

  PixelIndex() = default;
  /// `memory`: `bytes(places, batch)`, aligned to 4.
  PixelIndex(void* memory, std::size_t places, std::size_t batch);

  /// Fills places [begin, end) from pictures of all places: row r of the batch is picture samples[r]. `pieces`: which
  /// one each of the 256 is in; neighbours, or one number more.
  void fill(const std::uint8_t* pixels, std::span<const std::uint32_t> samples,
            std::span<const std::uint8_t, kPixelValues> pieces, std::size_t begin, std::size_t end);

  /// The different pixels of a place.
  [[nodiscard]] std::span<const std::uint8_t> values(std::size_t place) const {
    return {values_ + place * kPixelValues, counts_[place].values};
  }
  /// For each row the number of its pixel.
  [[nodiscard]] const std::uint8_t* numbers(std::size_t place) const { return numbers_ + place * batch_; }
  /// The rows of the batch in the order of the numbers of their pixels, from 1 on; those of number 0 are the last.
  [[nodiscard]] const std::uint32_t* rows(std::size_t place) const { return rows_ + place * batch_; }
  /// The nodes among the pixels of a place, in the order of their numbers: all of them where that is hardly more.
  [[nodiscard]] std::span<const std::uint8_t> nodes(std::size_t place) const {
    return {nodes_ + place * kPixelValues, counts_[place].nodes};
  }
  /// Which pixels of a place follow from which nodes.
  [[nodiscard]] std::span<const PixelRun> runs(std::size_t place) const {
    return {runs_ + place * kPixelValues, counts_[place].runs};
  }

 private:
  struct Counts {
    std::uint16_t values = 0;
    std::uint16_t nodes = 0;
    std::uint16_t runs = 0;
  };

  using Positions = std::array<std::uint32_t, kPixelValues + 1>;

  void fill_place(std::span<const std::uint8_t, kPixelValues> pieces, std::size_t place);
  void find_nodes(std::span<const std::uint8_t, kPixelValues> pieces, const Positions& ends, std::size_t place);

  // Arrays in `memory`, those of wider numbers first so that all are aligned: places x batch or places x 256 each.
  std::size_t places_ = 0;
  std::size_t batch_ = 0;
  std::uint32_t* rows_ = nullptr;
  PixelRun* runs_ = nullptr;
  Counts* counts_ = nullptr;
  std::uint8_t* values_ = nullptr;
  std::uint8_t* nodes_ = nullptr;
  std::uint8_t* numbers_ = nullptr;
};

}  // namespace lapel::kernels
