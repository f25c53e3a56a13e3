#include "lapel/classifier.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <numeric>
#include <string_view>
#include <utility>

#include "api/classifier_impl.h"
#include "api/known_views.h"
#include "api/resolve.h"
#include "base/options.h"
#include "base/threads.h"
#include "lapel/error.h"
#include "store/run_folder.h"

namespace lapel {

namespace {

void check_size(const Pictures& pictures, const store::Preprocessing& wanted) {
  if (pictures.height != wanted.height || pictures.width != wanted.width || pictures.channels != wanted.channels) {
    throw Error(ErrorKind::kData, {}, "the pictures are of another size than the model takes",
                {{"pictures", fmt::format("{} x {} x {}", pictures.height, pictures.width, pictures.channels)},
                 {"model", fmt::format("{} x {} x {}", wanted.height, wanted.width, wanted.channels)}},
                "pictures of that height, width and number of channels");
  }
}

/// What was trained in bfloat16 answers in bfloat16 where the processor computes it natively, else in float32, which is
/// faster than imitating it. A model that was just trained follows the same rule, so that saving it changes no answer.
kernels::Dtype answering_precision(const store::ModelFile& file) {
  return resolve_precision(file.precision == "bfloat16" ? "auto" : "float32");
}

}  // namespace

Classifier::Impl::Impl(store::ModelFile content, int thread_count)
    : file(std::move(content)),
      threads(thread_count > 0 ? thread_count : default_threads()),
      dtype(answering_precision(file)) {}

void Classifier::Impl::replace(store::ModelFile content) {
  file = std::move(content);
  if (network) {
    set_weights();
  }
}

void Classifier::Impl::start_again(store::ModelFile content) {
  network.reset();
  file = std::move(content);
}

void Classifier::Impl::make_network(std::int64_t batch) {
  const auto scale = static_cast<float>(file.preprocessing.scale);
  network.emplace(file.model, plan::NetworkOptions{dtype, threads, scale, batch, false, true});
  set_weights();
}

void Classifier::Impl::set_weights() {
  std::vector<std::span<const float>> trained;
  for (const auto& tensor : file.tensors) {
    trained.emplace_back(tensor.values);
  }
  network->set_weights(trained);
}

void Classifier::Impl::predict(const std::uint8_t* pixels, std::int64_t count, std::span<float> probabilities) {
  const std::int64_t batch = std::min(count, kPredictBatch);
  if (!network) {
    make_network(batch);
  }
  const store::Preprocessing& pictures = file.preprocessing;
  network->predict(model::views_of(pictures.test_time_augmentation),
                   Shape::image(pictures.channels, pictures.height, pictures.width), pixels, count, batch,
                   probabilities);
}

Evaluation Classifier::Impl::evaluate(const LabeledPictures& pictures, std::int64_t first, std::int64_t count,
                                      const std::string& split) {
  const std::size_t classes = file.class_names.size();
  const auto labels =
      std::span(pictures.labels).subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(count));
  const auto beyond = std::find_if(labels.begin(), labels.end(), [&](Label label) { return label >= classes; });
  if (beyond != labels.end()) {
    throw Error(ErrorKind::kData, fmt::format("{}[{}]", split, beyond - labels.begin()),
                fmt::format("label {} is not a class of the model", *beyond), {{"classes", fmt::format("{}", classes)}},
                "the data set the model was trained on");
  }
  std::vector<float> probabilities(static_cast<std::size_t>(count) * classes);
  if (count > 0) {
    predict(pictures.pictures.pixels.data() + first * pictures.pictures.picture_size(), count, probabilities);
  }
  return evaluate_predictions(split, file.class_names, probabilities, labels);
}

Classifier::Classifier(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}

Classifier Classifier::load(const std::filesystem::path& run_or_model, int threads) {
  const auto file = store::find_model_file(run_or_model);
  auto impl = std::make_shared<Impl>(store::read_model_file(file), threads);
  if (file != run_or_model) {
    impl->recipe = run_or_model / store::kRecipeFile;
  }
  return Classifier(std::move(impl));
}

const std::vector<std::string>& Classifier::class_names() const { return impl_->file.class_names; }
std::int64_t Classifier::height() const { return impl_->file.preprocessing.height; }
std::int64_t Classifier::width() const { return impl_->file.preprocessing.width; }
std::int64_t Classifier::channels() const { return impl_->file.preprocessing.channels; }
DataSpec Classifier::data_spec() const {
  const bool known = impl_->trained_on.has_value() || !impl_->recipe.empty();
  const DataSpec spec = impl_->trained_on ? *impl_->trained_on : known ? read_recipe(impl_->recipe).data : DataSpec();
  DataSpec result = other_data_spec(known ? spec.source : impl_->file.data_source);
  result.ignore = spec.ignore;
  result.test_source = spec.test_source;
  result.test_split = impl_->file.test_split;
  result.split_seed = known ? spec.split_seed : impl_->file.split_seed;
  result.validation = spec.validation;
  result.validation_split = spec.validation_split;
  result.limit = spec.limit;
  return result;
}

DataSpec Classifier::other_data_spec(const std::string& source) const {
  const PictureFormat format = picture_format();
  DataSpec spec;
  spec.source = source;
  spec.image_size = {format.height, format.width};
  spec.color_mode = format.channels == 1 ? "grayscale" : "rgb";
  spec.fit = format.fit;
  spec.background = format.background;
  spec.test_split = 0;
  return spec;
}

PictureFormat Classifier::picture_format() const {
  const store::Preprocessing& pictures = impl_->file.preprocessing;
  return {pictures.height, pictures.width, pictures.channels, pictures.fit, pictures.background};
}

std::string Classifier::precision() const { return precision_name(impl_->dtype); }

void Classifier::use_precision(const std::string& precision) {
  constexpr std::array<std::string_view, 3> kKnown = {"float32", "bfloat16", "auto"};
  if (std::ranges::find(kKnown, precision) == kKnown.end()) {
    throw Error(ErrorKind::kUsage, {}, fmt::format("unknown precision \"{}\"", precision),
                {{"known", fmt::format("{}", fmt::join(kKnown, ", "))}});
  }
  impl_->dtype = precision == "auto" ? answering_precision(impl_->file) : resolve_precision(precision);
  impl_->network.reset();
}

Summary Classifier::summary() const { return model::summarize(impl_->file.model); }

const std::string& Classifier::test_time_augmentation() const {
  return impl_->file.preprocessing.test_time_augmentation;
}

void Classifier::use_test_time_augmentation(const std::string& name) {
  const auto known = model::test_time_augmentations();
  if (std::find(known.begin(), known.end(), name) == known.end()) {
    throw Error(ErrorKind::kUsage, {}, fmt::format("unknown test-time augmentation \"{}\"", name),
                {{"known", fmt::format("{}", fmt::join(known, ", "))}}, nearest_word(name, known));
  }
  impl_->file.preprocessing.test_time_augmentation = name;
}

std::string Classifier::views_unknown_to_training() const {
  return unknown_to_training(test_time_augmentation(), impl_->file.model.specs());
}

std::vector<float> Classifier::predict(const Pictures& pictures) const {
  check_size(pictures, impl_->file.preprocessing);
  std::vector<float> probabilities(static_cast<std::size_t>(pictures.count) * class_names().size());
  if (pictures.count > 0) {
    impl_->predict(pictures.pixels.data(), pictures.count, probabilities);
  }
  return probabilities;
}

std::vector<ClassProbability> Classifier::ranked(std::span<const float> probabilities, std::size_t top_k) const {
  std::vector<std::size_t> order(probabilities.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return probabilities[a] > probabilities[b]; });
  order.resize(std::min(top_k, order.size()));
  std::vector<ClassProbability> result;
  for (const std::size_t label : order) {
    result.push_back({static_cast<Label>(label), class_names().at(label), probabilities[label]});
  }
  return result;
}

Evaluation Classifier::evaluate(const LabeledPictures& pictures, const std::string& split) const {
  check_size(pictures.pictures, impl_->file.preprocessing);
  return impl_->evaluate(pictures, 0, pictures.pictures.count, split);
}

void Classifier::save(const std::filesystem::path& model_file) const {
  store::write_model_file(model_file, impl_->file);
}

}  // namespace lapel
