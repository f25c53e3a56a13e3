#pragma once

#include <exception>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace lapel {

/// What went wrong, in the classes that a caller treats differently.
enum class ErrorKind {
  kUsage,        ///< A call or command that makes no sense: unknown flag, existing output folder.
  kRecipe,       ///< A recipe or model description that cannot be carried out.
  kData,         ///< A data set, picture or label that is not what it should be.
  kModelFile,    ///< A model file that is not one, or is damaged.
  kIo,           ///< The operating system refused: missing file, full disk, no permission.
  kNumeric,      ///< A computation left the finite numbers.
  kInterrupted,  ///< The caller asked to stop.
  kInternal,     ///< A defect of Lapel itself.
};

/// One number or name that belongs to an error, as `input  3 x 3 x 64 from 'pool2'`.
struct ErrorFact {
  std::string label;
  std::string value;
};

/// The one exception type that the library throws. `what()` is the whole message, of one or two lines:
///
///     fashion.toml:31, layer 'conv3' (Conv2D): kernel 5x5 does not fit the 3x3 input (padding "valid")
///       input  3 x 3 x 64 from 'pool2'        try  padding = "same", or kernel_size = 3
///
/// Copying does not throw.
class Error : public std::exception {
 public:
  /// `place` says where (file, line, layer), `problem` what, `facts` the numbers, `hint` what to try.
  /// `place`, `facts` and `hint` may be empty.
  Error(ErrorKind kind, std::string place, std::string problem, std::vector<ErrorFact> facts = {},
        std::string hint = {});

  [[nodiscard]] const char* what() const noexcept override;
  [[nodiscard]] ErrorKind kind() const noexcept;
  [[nodiscard]] const std::string& place() const noexcept;
  [[nodiscard]] const std::string& problem() const noexcept;
  [[nodiscard]] const std::vector<ErrorFact>& facts() const noexcept;
  [[nodiscard]] const std::string& hint() const noexcept;

  /// The same error seen from further out: `place` is put before the place it has, joined by ", ".
  [[nodiscard]] Error within(std::string_view place) const;

 private:
  struct Data;
  std::shared_ptr<const Data> data_;
};

}  // namespace lapel
