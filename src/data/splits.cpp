#include "data/splits.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <numeric>
#include <span>
#include <string_view>
#include <utility>

#include "base/rng.h"
#include "data/assemble.h"
#include "lapel/error.h"

namespace lapel::data {

namespace {

[[noreturn]] void refuse(std::string problem, std::vector<ErrorFact> facts, std::string hint) {
  throw Error(ErrorKind::kRecipe, "data", std::move(problem), std::move(facts), std::move(hint));
}

/// How validation pictures are chosen.
enum class Choice { kLast, kStratified, kRandom, kShare };

/// `validation` in its parts: so many pictures, or such a share of them.
struct Validation {
  Choice choice = Choice::kLast;
  std::int64_t count = 0;
  double share = 0;

  [[nodiscard]] std::int64_t of(std::int64_t samples) const {
    return count > 0 ? count : std::llround(share * static_cast<double>(samples));
  }
};

[[noreturn]] void refuse_validation(const std::string& text) {
  refuse(fmt::format("validation = \"{}\" is not allowed", text),
         {{"allowed",
           "\"last N\", \"stratified N\" or \"random N\", where N is a number, at least 1, or a share, as 10%"}},
         "validation = \"stratified 10%\"");
}

Validation parse_validation(const std::string& text) {
  Validation result;
  std::string_view rest = text;
  constexpr std::array<std::pair<std::string_view, Choice>, 3> kWords = {
      {{"last ", Choice::kLast}, {"stratified ", Choice::kStratified}, {"random ", Choice::kRandom}}};
  bool named = false;
  for (const auto& [word, choice] : kWords) {
    if (rest.starts_with(word)) {
      result.choice = choice;
      rest.remove_prefix(word.size());
      named = true;
    }
  }
  const bool share = rest.ends_with('%');
  rest.remove_suffix(share ? 1 : 0);
  double number = 0;
  const auto parsed = std::from_chars(rest.data(), rest.data() + rest.size(), number, std::chars_format::fixed);
  const bool whole = !rest.empty() && parsed.ec == std::errc() && parsed.ptr == rest.data() + rest.size();
  constexpr double kMost = 1e15;
  if (!whole || (!named && !share) || !(number > 0) || (share ? number >= 100 : number < 1 || number > kMost) ||
      (!share && number != std::floor(number))) {
    refuse_validation(text);
  }
  result.choice = named ? result.choice : Choice::kShare;
  if (share) {
    result.share = number / 100;
  } else {
    result.count = static_cast<std::int64_t>(number);
  }
  return result;
}

/// Keras's train_validation_split (keras/src/trainers/data_adapters/data_adapter_utils.py).
std::int64_t training_part(double validation_split, std::int64_t samples) {
  if (!(validation_split > 0 && validation_split < 1)) {
    refuse(fmt::format("validation_split = {} is not allowed", validation_split), {{"allowed", "from 0 to below 1"}},
           "validation_split = 0.1");
  }
  const auto train = static_cast<std::int64_t>(std::floor(static_cast<double>(samples) * (1.0 - validation_split)));
  if (train == 0 || train == samples) {
    refuse(fmt::format("validation_split = {} of {} samples leaves {} to train on and {} to validate with",
                       validation_split, samples, train, samples - train),
           {}, "more samples, or another validation_split");
  }
  return train;
}

}  // namespace

Splits split_training(const DataSpec& spec, std::int64_t samples) {
  if (!spec.validation.empty() && spec.validation_split != 0) {
    refuse("both validation and validation_split are given",
           {{"validation", fmt::format("\"{}\"", spec.validation)},
            {"validation_split", fmt::format("{}", spec.validation_split)}},
           "one of them");
  }
  if (spec.limit < 0) {
    refuse(fmt::format("limit = {} is not allowed", spec.limit), {{"allowed", "at least 0"}}, "limit = 20000");
  }
  if (samples < 1) {
    refuse("there are no samples to train on", {}, "another data set");
  }
  const std::int64_t used = spec.limit == 0 ? samples : std::min(spec.limit, samples);
  std::int64_t train = used;
  if (!spec.validation.empty()) {
    const std::int64_t validation = parse_validation(spec.validation).of(used);
    if (validation >= used || validation < 1) {
      refuse(fmt::format("validation = \"{}\" leaves {}", spec.validation,
                         validation < 1 ? "nothing to validate with" : "nothing to train on"),
             {{"samples", std::to_string(used)}},
             fmt::format("validation = \"last {}\"", std::max<std::int64_t>(1, used / 10)));
    }
    train = used - validation;
  } else if (spec.validation_split != 0) {
    train = training_part(spec.validation_split, used);
  }
  return {{0, train}, {train, used - train}};
}

namespace {

/// Whether the pictures lie class after class, nearly.
bool lie_in_order(std::span<const Label> labels, std::size_t classes) {
  std::size_t changes = 0;
  for (std::size_t i = 1; i < labels.size(); ++i) {
    changes += labels[i] == labels[i - 1] ? 0 : 1;
  }
  return labels.size() >= 4 * classes && changes < 2 * classes;
}

std::vector<bool> random_choice(std::size_t samples, std::int64_t count, std::uint64_t seed) {
  std::vector<std::uint32_t> order(samples);
  std::iota(order.begin(), order.end(), 0U);
  std::vector<bool> chosen(samples, false);
  const RandomStream random{seed, RandomPurpose::kSplit, 3, 0, 0};
  for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) {
    std::swap(order[i], order[i + random.below(i, static_cast<std::uint32_t>(samples - i))]);
    chosen[order[i]] = true;
  }
  return chosen;
}

/// Says where the classes of the validation part are others than those of the training part, or in another mixture.
void compare_parts(const DataSet& data, std::span<const Label> train, std::span<const Label> validation,
                   Findings& findings) {
  constexpr double kExpected = 2;      // Pictures of a class that are missed.
  constexpr double kDifferent = 0.3;   // Half the sum of the differences of shares.
  constexpr std::size_t kEnough = 20;  // Pictures for shares to mean something.
  if (train.empty() || validation.empty()) {
    return;
  }
  std::vector<double> shares(data.class_names.size());
  std::vector<double> other(data.class_names.size());
  for (const Label label : train) {
    shares[label] += 1.0 / static_cast<double>(train.size());
  }
  for (const Label label : validation) {
    other[label] += 1.0 / static_cast<double>(validation.size());
  }
  Finding missing{FindingKind::kWarning,
                  "classes without a validation picture: validation = \"stratified 10%\" takes some of each",
                  0,
                  {}};
  double difference = 0;
  for (std::size_t i = 0; i < shares.size(); ++i) {
    difference += std::abs(shares[i] - other[i]) / 2;
    if (other[i] == 0 && shares[i] * static_cast<double>(validation.size()) >= kExpected) {
      ++missing.count;
      if (missing.examples.size() < kMostExamples) {
        missing.examples.push_back(data.class_names[i]);
      }
    }
  }
  if (missing.count > 0) {
    findings.push_back(std::move(missing));
  } else if (difference > kDifferent && validation.size() >= kEnough) {
    add_remark(
        findings, FindingKind::kWarning,
        fmt::format("the validation part has another mixture of classes than the training part ({:.0f}% of it are "
                    "other ones): validation = \"stratified 10%\" takes the same share of each",
                    100 * difference));
  }
}

/// The places that are not chosen, then those that are.
std::vector<std::uint32_t> chosen_last(const std::vector<bool>& chosen) {
  std::vector<std::uint32_t> order;
  for (const bool last : {false, true}) {
    for (std::size_t i = 0; i < chosen.size(); ++i) {
      if (chosen[i] == last) {
        order.push_back(static_cast<std::uint32_t>(i));
      }
    }
  }
  return order;
}

}  // namespace

Division divide(const DataSet& data, const DataSpec& spec, Findings& findings) {
  Division result;
  const std::span<const Label> labels = data.train.labels;
  if (data.validation.pictures.count > 0) {
    DataSpec whole = spec;
    whole.validation.clear();
    whole.validation_split = 0;
    if (!spec.validation.empty() || spec.validation_split > 0) {
      add_remark(findings, FindingKind::kTaken, "validation is the data set's own part, not what the recipe says");
    }
    result.own_validation = true;
    result.splits = split_training(whole, data.train.pictures.count);
    const std::int64_t used = result.splits.train.count;
    result.splits.validation = {used, data.validation.pictures.count};
    compare_parts(data, labels.first(static_cast<std::size_t>(used)), data.validation.labels, findings);
    return result;
  }
  result.splits = split_training(spec, data.train.pictures.count);
  const std::int64_t held = result.splits.validation.count;
  const auto used = static_cast<std::size_t>(result.splits.train.count + held);
  if (held == 0) {
    return result;
  }
  const Validation wanted = spec.validation.empty() ? Validation{} : parse_validation(spec.validation);
  const auto seed = static_cast<std::uint64_t>(spec.split_seed);
  const std::size_t classes = data.class_names.size();
  const bool stratified = wanted.choice == Choice::kStratified ||
                          (wanted.choice == Choice::kShare && lie_in_order(labels.first(used), classes));
  if (stratified) {
    const double share = wanted.count > 0 ? static_cast<double>(held) / static_cast<double>(used) : wanted.share;
    const auto chosen = stratified_choice(labels.first(used), classes, share, seed, 2);
    const auto count = std::count(chosen.begin(), chosen.end(), true);
    if (count == 0 || std::cmp_equal(count, used)) {
      refuse(fmt::format("validation = \"{}\" leaves nothing to {}", spec.validation,
                         count == 0 ? "validate with" : "train on"),
             {{"samples", std::to_string(used)}}, "another share");
    }
    result.order = chosen_last(chosen);
    result.splits.train.count = static_cast<std::int64_t>(used) - count;
    result.splits.validation = {result.splits.train.count, count};
  } else if (wanted.choice == Choice::kRandom) {
    result.order = chosen_last(random_choice(used, held, seed));
  }
  std::vector<Label> ordered(labels.begin(), labels.begin() + static_cast<std::ptrdiff_t>(used));
  for (std::size_t i = 0; i < result.order.size(); ++i) {
    ordered[i] = labels[result.order[i]];
  }
  const auto trained = static_cast<std::size_t>(result.splits.train.count);
  compare_parts(data, std::span(ordered).first(trained), std::span(ordered).subspan(trained), findings);
  return result;
}

LabeledPictures in_order_of(const Division& division, const DataSet& data) {
  const Pictures& from = data.train.pictures;
  const std::int64_t count = division.splits.train.count + division.splits.validation.count;
  LabeledPictures result;
  result.pictures = {count, from.height, from.width, from.channels, {}};
  result.pictures.pixels.reserve(static_cast<std::size_t>(count * from.picture_size()));
  const auto add = [&](const LabeledPictures& part, std::int64_t index) {
    const auto picture = part.pictures.picture(index);
    result.pictures.pixels.insert(result.pictures.pixels.end(), picture.begin(), picture.end());
    result.labels.push_back(part.labels[static_cast<std::size_t>(index)]);
  };
  const std::int64_t of_training = division.own_validation ? division.splits.train.count : count;
  for (std::int64_t i = 0; i < of_training; ++i) {
    add(data.train, division.order.empty() ? i : division.order[static_cast<std::size_t>(i)]);
  }
  for (std::int64_t i = of_training; i < count; ++i) {
    add(data.validation, i - of_training);
  }
  return result;
}

void epoch_order(const SampleRange& range, bool shuffle, std::uint64_t seed, std::uint32_t epoch,
                 std::vector<std::uint32_t>& order) {
  order.resize(static_cast<std::size_t>(range.count));
  std::iota(order.begin(), order.end(), static_cast<std::uint32_t>(range.first));
  if (!shuffle) {
    return;
  }
  const RandomStream stream{seed, RandomPurpose::kShuffle, 0, epoch};
  for (std::size_t left = order.size(); left > 1; --left) {
    const std::uint32_t chosen = stream.below(left - 1, static_cast<std::uint32_t>(left));
    std::swap(order[left - 1], order[chosen]);
  }
}

void balanced_order(const SampleRange& range, std::span<const Label> labels, std::uint64_t seed, std::uint32_t epoch,
                    std::vector<std::uint32_t>& order) {
  epoch_order(range, true, seed, epoch, order);
  // The samples of each class in their order of this epoch, over and over.
  std::vector<std::vector<std::uint32_t>> classes;
  for (const std::uint32_t sample : order) {
    const Label label = labels[sample];
    classes.resize(std::max(classes.size(), label + std::size_t{1}));
    classes[label].push_back(sample);
  }
  std::erase_if(classes, [](const auto& samples) { return samples.empty(); });
  for (std::size_t i = 0; i < order.size(); ++i) {
    const auto& samples = classes[i % classes.size()];
    order[i] = samples[i / classes.size() % samples.size()];
  }
  // Classes one after the other would make batches of a pattern.
  const RandomStream stream{seed, RandomPurpose::kShuffle, 1, epoch};
  for (std::size_t left = order.size(); left > 1; --left) {
    std::swap(order[left - 1], order[stream.below(left - 1, static_cast<std::uint32_t>(left))]);
  }
}

}  // namespace lapel::data
