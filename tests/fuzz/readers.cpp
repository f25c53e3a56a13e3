#include "fuzz/readers.h"

#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <system_error>

#include "formats/archive.h"
#include "formats/csv.h"
#include "formats/gzip.h"
#include "formats/idx.h"
#include "formats/npy.h"
#include "formats/orientation.h"
#include "formats/picture.h"
#include "formats/safetensors.h"
#include "lapel/error.h"
#include "lapel/plot.h"
#include "lapel/recipe.h"
#include "model/model.h"
#include "report/plot_data.h"
#include "store/checkpoint.h"
#include "store/content_checksum.h"
#include "store/model_file.h"

namespace lapel::fuzz {

namespace {

namespace fs = std::filesystem;
using Bytes = std::span<const std::uint8_t>;

std::string_view text_of(Bytes bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

/// A file in memory with these bytes.
class MemoryFile {
 public:
  explicit MemoryFile(Bytes bytes) : descriptor_(::memfd_create("fuzz", MFD_CLOEXEC)) {
    for (std::size_t done = 0; done < bytes.size();) {
      const ssize_t length = ::write(descriptor_, bytes.data() + done, bytes.size() - done);
      if (length <= 0) {
        throw std::system_error(errno, std::generic_category());
      }
      done += static_cast<std::size_t>(length);
    }
  }
  ~MemoryFile() { ::close(descriptor_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  [[nodiscard]] fs::path path() const { return fmt::format("/proc/self/fd/{}", descriptor_); }

 private:
  int descriptor_;
};

/// A folder in memory, one for the process, in which one file is a link to the bytes.
class Run {
 public:
  Run() {
    std::string name = "/dev/shm/lapel-fuzz-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) {
      throw std::system_error(errno, std::generic_category());
    }
    folder_ = name;
    fs::create_directory(folder_ / "checkpoints");
  }
  ~Run() {
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
  }
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;

  [[nodiscard]] const fs::path& folder() const { return folder_; }
  void link(const char* name, const MemoryFile& file) const {
    fs::remove(folder_ / name);
    fs::create_symlink(file.path(), folder_ / name);
  }

 private:
  fs::path folder_;
};

void read_picture(Bytes bytes) { static_cast<void>(formats::decode_picture(bytes, "x")); }

void read_archive(Bytes bytes) {
  const MemoryFile file(bytes);
  formats::ArchiveReader reader(file.path(), formats::ArchiveContent::kPictures);
  while (reader.next()) {
  }
}

/// By its ending, which tells it from the archive .npz.
void read_npy(Bytes bytes) {
  static const Run kRun;
  const MemoryFile file(bytes);
  kRun.link("x.npy", file);
  for (const formats::NpyArray& array : formats::read_numpy_file(kRun.folder() / "x.npy")) {
    if (array.readable() && array.count() > 0) {
      static_cast<void>(array.at(array.count() - 1));
    }
  }
}

void read_checkpoint(Bytes bytes) {
  static const Run kRun;
  const MemoryFile file(bytes);
  kRun.link("checkpoints/step-000000001.safetensors", file);
  static_cast<void>(store::read_last_checkpoint(kRun.folder()));
}

/// The state of a checkpoint whose checksum is right, which mutations hardly ever find.
void read_checkpoint_state(Bytes bytes) {
  static const Run kRun;
  const std::string state(text_of(bytes));
  formats::write_safetensors(kRun.folder() / "checkpoints/step-000000001.safetensors",
                             {{"lapel.checkpoint", "3"},
                              {"lapel.recipe", ""},
                              {"lapel.state", state},
                              {"lapel.checksum", store::content_checksum("3\n\n" + state, {})}},
                             {});
  static_cast<void>(store::read_last_checkpoint(kRun.folder()));
}

void read_metrics(Bytes bytes) {
  static const Run kRun;
  const MemoryFile file(bytes);
  const MemoryFile history(Bytes(reinterpret_cast<const std::uint8_t*>("\n1,1,1,,,1,1"), 12));
  kRun.link("metrics.json", file);
  kRun.link("history.csv", history);
  static_cast<void>(read_run(kRun.folder()));
}

template <class F>
std::function<void(Bytes)> of_file(const F& read) {
  return [read](Bytes bytes) {
    const MemoryFile file(bytes);
    static_cast<void>(read(file.path()));
  };
}

const std::array kReaders = {
    Reader{"archive", read_archive},
    Reader{"bmp", read_picture},
    Reader{"checkpoint", read_checkpoint},
    Reader{"checkpoint_state", read_checkpoint_state},
    Reader{"csv", of_file([](const fs::path& file) { return formats::read_csv(file); })},
    Reader{"exif", [](Bytes bytes) { static_cast<void>(formats::exif_orientation(bytes)); }},
    Reader{"gif", read_picture},
    Reader{"gzip", [](Bytes bytes) { static_cast<void>(formats::gunzip(bytes, "x")); }},
    Reader{"idx", of_file([](const fs::path& file) { return formats::read_idx(file, 3); })},
    Reader{"jpeg", read_picture},
    Reader{"metrics", read_metrics},
    Reader{"model", of_file([](const fs::path& file) { return store::read_model_file(file); })},
    Reader{"model_json", [](Bytes bytes) { static_cast<void>(model::from_json(text_of(bytes), "x")); }},
    Reader{"picture_head", of_file([](const fs::path& file) { return formats::read_picture_head(file); })},
    Reader{"npy", read_npy},
    Reader{"plot_data", [](Bytes bytes) { static_cast<void>(report::plot_data_from_json(text_of(bytes), "x")); }},
    Reader{"png", read_picture},
    Reader{"recipe", [](Bytes bytes) { static_cast<void>(parse_recipe(text_of(bytes), "x")); }},
    Reader{"safetensors", of_file([](const fs::path& file) { return formats::read_safetensors(file); })},
    Reader{"set_option",
           [](Bytes bytes) {
             Recipe recipe;
             set_option(recipe, text_of(bytes));
           }},
    Reader{"tiff", read_picture},
    Reader{"webp", read_picture},
};

}  // namespace

std::span<const Reader> readers() { return kReaders; }

const Reader& find_reader(std::string_view name) {
  const auto found =
      std::find_if(kReaders.begin(), kReaders.end(), [&](const Reader& reader) { return reader.name == name; });
  if (found == kReaders.end()) {
    throw std::invalid_argument("no reader " + std::string(name));
  }
  return *found;
}

bool takes(const Reader& reader, std::span<const std::uint8_t> bytes) {
  try {
    reader.read(bytes);
    return true;
  } catch (const Error& error) {
    // What a person would read of it.
    const std::string_view words = error.what();
    if (words.size() > 2000 || words.find("[json.exception") != std::string_view::npos ||
        error.kind() == ErrorKind::kInternal) {
      throw std::logic_error("a poor message: " + std::string(words.substr(0, 3000)));
    }
    return false;
  }
}

}  // namespace lapel::fuzz
