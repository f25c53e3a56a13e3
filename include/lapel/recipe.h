#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace lapel {

/// The value of one option of a layer, loss, optimizer or schedule.
using OptionValue =
    std::variant<bool, std::int64_t, double, std::string, std::vector<std::int64_t>, std::vector<double>>;
using OptionValues = std::map<std::string, OptionValue, std::less<>>;

/// A thing chosen by type name with options of its own: `{ type = "SGD", learning_rate = 0.01 }`.
/// Options that are left out take Keras 3's defaults.
struct TypedSpec {
  std::string type;
  OptionValues options = {};
  std::string place = {};  ///< Where it was written, as `fashion.toml:31`; empty when made in code.
};

/// One layer of a model, by its Keras type name and options.
struct LayerSpec {
  std::string type;
  std::string name = {};                 ///< Empty: named as Keras does, `dense`, `dense_1`, ...
  std::vector<std::string> inputs = {};  ///< Names of layers; empty: the layer before it.
  OptionValues options = {};
  std::string place = {};
};

/// Which images are used, how they are brought to one form, and how they are divided (docs/data.md). At most one of
/// `validation` and `validation_split`.
struct DataSpec {
  std::string source = "fashion-mnist";      ///< A known name, a folder, or a CSV file.
  std::string test_source;                   ///< Where test pictures are instead; empty: in `source`.
  std::array<std::int64_t, 2> image_size{};  ///< Height, width of pictures from files; 0, 0: chosen from theirs.
  std::int64_t largest_size = 0;             ///< Longest side that is chosen from theirs; 0: 224, or what all have.
  std::string fit = "stretch";               ///< To `image_size`: "stretch", "pad" or "crop".
  std::string color_mode = "auto";  ///< Of pictures from files: "grayscale", "rgb", or "auto": grey if all are.
  std::string background = "auto";  ///< Of transparent pictures: "black", "white", or what leaves contrast.
  std::vector<std::string> ignore;  ///< Patterns of files that may be left out, and "damaged".
  double test_split = 0.15;         ///< Fraction of each class for testing, where there is no test part.
  std::int64_t split_seed = 1;      ///< Of every random choice among the pictures.
  std::string validation;           ///< `"last 5000"`, `"stratified 10%"`, `"random 10%"`, `"10%"`.
  double validation_split = 0;      ///< The fraction at the end of the training set, as Keras takes it.
  std::int64_t limit = 0;           ///< Only the first so many training images; 0: all.
};

/// How weights whose name (`conv2d/kernel`) fits a pattern are trained otherwise than the rest.
struct WeightGroup {
  std::string match;         ///< `*` stands for any characters, `?` for one.
  double learning_rate = 1;  ///< Factor of the optimizer's.
  double weight_decay = 1;   ///< Factor of the optimizer's.
  bool muon = true;          ///< Whether the optimizer Muon may orthogonalize their steps.
};

/// Factors of the loss of pictures, by their class, as Keras's `class_weight`: of training alone, not of what is
/// measured.
struct ClassWeight {
  /// n / (classes * n of the class), of the n pictures trained on and the classes that occur among them.
  bool balanced = false;
  std::map<std::string, double, std::less<>> by_name = {};  ///< Of the classes with these names; of others 1.
};

struct TrainSpec {
  std::int64_t epochs = 1;
  std::int64_t batch_size = 32;
  TypedSpec loss{"sparse_categorical_crossentropy", {}, {}};
  TypedSpec optimizer{"Adam", {}, {}};
  TypedSpec schedule{"Constant", {}, {}};
  ClassWeight class_weight;
  std::vector<WeightGroup> groups;    ///< Of several that fit a weight the last one counts.
  std::vector<TypedSpec> callbacks;   ///< What happens beside the steps, as `{"EarlyStopping", {{"patience", 3}}}`.
  std::string precision = "float32";  ///< "float32", "bfloat16", or "auto": what this CPU does fastest.
  bool shuffle = true;
  /// "all": every picture once an epoch; "balanced": pictures of small classes more often, so that all come equally
  /// often.
  std::string sampling = "all";
  /// Of recipes that mirror pictures: "keep"; "never"; "measure": a moment's training of two small nets decides.
  std::string mirroring = "keep";
  std::int64_t seed = 1;
  std::int64_t threads = 0;  ///< 0: all cores of this process.
  /// "60s", "5min", "1h": the process, from its start to its end, takes so long, and `epochs` has no part in it; empty:
  /// `epochs` decide (docs/training.md).
  std::string time_budget;
  bool use_ema = false;                      ///< The mean of the weights over the steps is evaluated and saved.
  double ema_momentum = 0.99;                ///< Share of the mean that is kept.
  std::int64_t ema_frequency = 1;            ///< Steps from one averaging to the next.
  std::int64_t ema_overwrite_frequency = 0;  ///< Steps after which the mean replaces the weights; 0: never.
  std::int64_t lookahead_sync_period = 0;    ///< Steps of Lookahead's fast weights; 0: no Lookahead.
  double lookahead_slow_step_size = 0.5;     ///< How far the slow weights go towards the fast ones.
  double lookahead_ramp = 0;                 ///< Above 0: they go all the way at first, so far at the end.
  /// Above 1: so many models are trained one after another, each from a seed of its own and for its share of a time
  /// budget, and the trained model is all of them: its logits are the mean of theirs (docs/training.md).
  std::int64_t ensemble = 1;
  /// Of the trained model: "none", "flip" or "flip+shift" (Classifier::test_time_augmentation).
  std::string test_time_augmentation = "none";
};

/// All that decides a training: data, model and training options. A value; read from TOML, or made in code.
struct Recipe {
  std::string name = "model";
  std::string description;
  DataSpec data;
  std::vector<LayerSpec> layers;
  TrainSpec train;
};

/// Reads a recipe (docs/recipes.md); its blocks become the layers they stand for. A recipe named by `extends` is looked
/// for beside the file, then in the folder `shipped`. Throws Error (kIo, kRecipe), with file and line, for a file that
/// cannot be read, TOML that does not parse, unknown keys (with the nearest known one), values of the wrong type or
/// range, blocks that cannot be filled in, and more than 10,000 layers.
[[nodiscard]] Recipe read_recipe(const std::filesystem::path& file, const std::filesystem::path& shipped = {});

/// The same from text, which extends no other recipe; `place` names the text in errors.
[[nodiscard]] Recipe parse_recipe(std::string_view toml, const std::string& place = "recipe");

/// Applies `key=value`, as `train.epochs=3` or `train.optimizer.learning_rate=0.1` or
/// `layers.dense.units=64`; the value is TOML, a bare word is taken as a string. `train.epochs` takes the place of a
/// `train.time_budget` that is there.
/// Throws Error (kRecipe) as read_recipe does.
void set_option(Recipe& recipe, std::string_view assignment);

/// The recipe as TOML with every option written out, so that it reads back to the same recipe.
[[nodiscard]] std::string write_recipe(const Recipe& recipe);

/// A shipped recipe.
struct RecipeInfo {
  std::string name;
  std::string description;
  std::filesystem::path file;
};

/// The recipes in `folder`, by name.
[[nodiscard]] std::vector<RecipeInfo> list_recipes(const std::filesystem::path& folder);

/// One documented option, from the tables that the reader itself uses.
struct OptionInfo {
  std::string key;            ///< `train.epochs`, `layers.Dense.units`, `train.optimizer.SGD.momentum`
  std::string type;           ///< `integer`, `number`, `true or false`, `text`, `integer or [integer, integer]`
  std::string default_value;  ///< The default as TOML, or `required`.
  std::string help;           ///< One sentence, with range or choices.
};

/// Every option a recipe can have.
[[nodiscard]] std::vector<OptionInfo> recipe_options();

}  // namespace lapel
