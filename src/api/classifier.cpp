#include "lapel/classifier.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <string_view>
#include <utility>

#include "api/classifier_impl.h"
#include "api/known_views.h"
#include "api/resolve.h"
#include "base/only_errors.h"
#include "base/options.h"
#include "base/threads.h"
#include "data/check.h"
#include "lapel/error.h"
#include "store/run_folder.h"

namespace lapel {

namespace {

void check_size(const Pictures& pictures, const store::Preprocessing& wanted) {
  data::check_whole(pictures, "pictures");
  if (pictures.height != wanted.height || pictures.width != wanted.width || pictures.channels != wanted.channels) {
    throw Error(ErrorKind::kData, {}, "the pictures are of another size than the model takes",
                {{"pictures", fmt::format("{} x {} x {}", pictures.height, pictures.width, pictures.channels)},
                 {"model", fmt::format("{} x {} x {}", wanted.height, wanted.width, wanted.channels)}},
                "pictures of that height, width and number of channels");
  }
}

/// Weights that are numbers can give sums that are none.
[[noreturn]] void refuse_answers() {
  throw Error(ErrorKind::kNumeric, {}, "the model's answers are not numbers (NaN): its weights are too large", {},
              "another model, trained with a smaller learning rate");
}

/// What was trained in bfloat16 answers in bfloat16 where the processor computes it natively, else in float32, which is
/// faster than imitating it. A model that was just trained follows the same rule, so that saving it changes no answer.
kernels::Dtype answering_precision(const store::ModelFile& file) {
  return resolve_precision(file.precision == "bfloat16" ? "auto" : "float32");
}

}  // namespace

Classifier::Impl::Impl(store::ModelFile file_content, int thread_count)
    : content(std::make_shared<const store::ModelFile>(std::move(file_content))),
      views(content->preprocessing.test_time_augmentation),
      threads(thread_count > 0 ? thread_count : default_threads()),
      dtype(answering_precision(*content)),
      networks(std::make_shared<NetworkPool>(content, dtype, threads)) {}

void Classifier::Impl::replace(store::ModelFile other) {
  content = std::make_shared<const store::ModelFile>(std::move(other));
  networks->replace(content);
}

void Classifier::Impl::start_again(store::ModelFile other) {
  content = std::make_shared<const store::ModelFile>(std::move(other));
  networks = std::make_shared<NetworkPool>(content, dtype, threads);
}

void Classifier::Impl::use(kernels::Dtype precision) {
  dtype = precision;
  networks = std::make_shared<NetworkPool>(content, dtype, threads);
}

void Classifier::Impl::predict(const std::uint8_t* pixels, std::int64_t count, std::span<float> probabilities) const {
  const std::int64_t batch = std::min(count, kPredictBatch);
  const store::Preprocessing& pictures = file().preprocessing;
  networks->take(batch)->predict(model::views_of(views),
                                 Shape::image(pictures.channels, pictures.height, pictures.width), pixels, count, batch,
                                 probabilities);
}

Evaluation Classifier::Impl::evaluate(const LabeledPictures& pictures, std::int64_t first, std::int64_t count,
                                      const std::string& split) const {
  const auto classes = static_cast<std::size_t>(this->classes());
  const auto labels =
      std::span(pictures.labels).subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(count));
  const auto beyond = std::find_if(labels.begin(), labels.end(), [&](Label label) { return label >= classes; });
  if (beyond != labels.end()) {
    throw Error(ErrorKind::kData, fmt::format("{}[{}]", split, beyond - labels.begin()),
                fmt::format("label {} is not a class of the model", *beyond), {{"classes", fmt::format("{}", classes)}},
                "the data set the model was trained on");
  }
  // Some batches at a time, so that memory does not grow with pictures x classes.
  constexpr std::size_t kNumbersAtOnce = std::size_t{1} << 24U;
  const auto batches = static_cast<std::int64_t>(kNumbersAtOnce / (kPredictBatch * classes));
  const std::int64_t most = kPredictBatch * std::max<std::int64_t>(1, batches);
  Evaluator evaluator(split, file().class_names);
  std::vector<float> probabilities;
  for (std::int64_t done = 0; done < count; done += most) {
    const std::int64_t size = std::min(most, count - done);
    probabilities.resize(static_cast<std::size_t>(size) * classes);
    predict(pictures.pictures.pixels.data() + (first + done) * pictures.pictures.picture_size(), size, probabilities);
    evaluator.add(probabilities, labels.subspan(static_cast<std::size_t>(done), static_cast<std::size_t>(size)));
  }
  return std::move(evaluator).evaluation();
}

Classifier::Classifier(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
Classifier::Classifier(const Classifier& other) : impl_(std::make_shared<Impl>(*other.impl_)) {}
Classifier& Classifier::operator=(const Classifier& other) {
  impl_ = std::make_shared<Impl>(*other.impl_);
  return *this;
}

Classifier Classifier::load(const std::filesystem::path& run_or_model, int threads) {
  return only_errors(run_or_model.string(), [&] {
    const auto file = store::find_model_file(run_or_model);
    auto impl = std::make_shared<Impl>(store::read_model_file(file), threads);
    if (file != run_or_model) {
      impl->recipe = run_or_model / store::kRecipeFile;
    }
    return Classifier(std::move(impl));
  });
}

const std::vector<std::string>& Classifier::class_names() const { return impl_->file().class_names; }
std::int64_t Classifier::height() const { return impl_->file().preprocessing.height; }
std::int64_t Classifier::width() const { return impl_->file().preprocessing.width; }
std::int64_t Classifier::channels() const { return impl_->file().preprocessing.channels; }
DataSpec Classifier::data_spec() const {
  const bool known = impl_->trained_on.has_value() || !impl_->recipe.empty();
  const DataSpec spec = impl_->trained_on ? *impl_->trained_on : known ? read_recipe(impl_->recipe).data : DataSpec();
  DataSpec result = other_data_spec(known ? spec.source : impl_->file().data_source);
  result.ignore = spec.ignore;
  result.test_source = spec.test_source;
  result.test_split = impl_->file().test_split;
  result.split_seed = known ? spec.split_seed : impl_->file().split_seed;
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
  const store::Preprocessing& pictures = impl_->file().preprocessing;
  return {pictures.height, pictures.width, pictures.channels, pictures.fit, pictures.background};
}

std::string Classifier::precision() const { return precision_name(impl_->dtype); }

void Classifier::use_precision(const std::string& precision) {
  constexpr std::array<std::string_view, 3> kKnown = {"float32", "bfloat16", "auto"};
  if (std::ranges::find(kKnown, precision) == kKnown.end()) {
    throw Error(ErrorKind::kUsage, {}, fmt::format("unknown precision \"{}\"", precision),
                {{"known", fmt::format("{}", fmt::join(kKnown, ", "))}});
  }
  impl_->use(precision == "auto" ? answering_precision(impl_->file()) : resolve_precision(precision));
}

Summary Classifier::summary() const { return model::summarize(impl_->file().model); }

const std::string& Classifier::test_time_augmentation() const { return impl_->views; }

void Classifier::use_test_time_augmentation(const std::string& name) {
  const auto known = model::test_time_augmentations();
  if (std::find(known.begin(), known.end(), name) == known.end()) {
    throw Error(ErrorKind::kUsage, {}, fmt::format("unknown test-time augmentation \"{}\"", name),
                {{"known", fmt::format("{}", fmt::join(known, ", "))}}, nearest_word(name, known));
  }
  impl_->views = name;
}

std::string Classifier::views_unknown_to_training() const {
  return unknown_to_training(test_time_augmentation(), impl_->file().model.specs());
}

std::vector<float> Classifier::predict(const Pictures& pictures) const {
  check_size(pictures, impl_->file().preprocessing);
  std::vector<float> probabilities(static_cast<std::size_t>(pictures.count) * class_names().size());
  if (pictures.count > 0) {
    impl_->predict(pictures.pixels.data(), pictures.count, probabilities);
  }
  if (!std::ranges::all_of(probabilities, [](float value) { return std::isfinite(value); })) {
    refuse_answers();
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
  check_size(pictures.pictures, impl_->file().preprocessing);
  data::check_whole(pictures, split);
  Evaluation evaluation = impl_->evaluate(pictures, 0, pictures.pictures.count, split);
  if (!std::isfinite(evaluation.score.loss)) {
    refuse_answers();
  }
  return evaluation;
}

void Classifier::save(const std::filesystem::path& model_file) const {
  if (impl_->views == impl_->file().preprocessing.test_time_augmentation) {
    store::write_model_file(model_file, impl_->file());
    return;
  }
  store::ModelFile changed = impl_->file();
  changed.preprocessing.test_time_augmentation = impl_->views;
  store::write_model_file(model_file, changed);
}

}  // namespace lapel
